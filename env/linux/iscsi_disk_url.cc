#include "env/linux/iscsi_disk_url.h"

#include <arpa/inet.h>

#include "base/text.h"

namespace fencepost {
namespace {

constexpr std::string_view kScheme = "iscsi://";
constexpr std::size_t kMaxTargetName = 223, kMaxUser = 255;
constexpr std::string_view kForm = "write it as iscsi://[user@]address[:port]/target-name/lun";

bool IsNumericAddress(int family, const std::string& host) {
  unsigned char address[sizeof(in6_addr)];
  return inet_pton(family, host.c_str(), address) == 1;
}

Error Wrong(std::string cause) { return {"iSCSI URL", std::move(cause), std::string(kForm)}; }

// "host", "host:port", "[v6]:port" -> "host:port".
Result<std::string> Portal(std::string_view text) {
  const bool v6 = !text.empty() && text[0] == '[';
  std::size_t host_end = v6 ? text.find(']') : text.find(':');
  if (v6 && host_end == std::string_view::npos) return Wrong("the address has no ']'");
  if (host_end == std::string_view::npos) host_end = text.size();
  const std::string host(v6 ? text.substr(1, host_end - 1) : text.substr(0, host_end));
  std::string_view rest = text.substr(v6 ? host_end + 1 : host_end);
  if (!IsNumericAddress(v6 ? AF_INET6 : AF_INET, host)) {
    return Wrong(
        Cat("'", host, "' is not a numeric address (name lookups can block; IPv6 in brackets)"));
  }
  std::int64_t port = 3260;
  if (!rest.empty()) {
    const auto parsed = rest[0] == ':' ? ParseInt(rest.substr(1), 1, 65535) : std::nullopt;
    if (!parsed) return Wrong(Cat("'", rest, "' is not a port"));
    port = *parsed;
  }
  return v6 ? Cat("[", host, "]:", port) : Cat(host, ":", port);
}

}  // namespace

std::string IscsiTarget::Url() const {
  return Cat(kScheme, user, user.empty() ? "" : "@", portal, "/", name, "/", lun);
}

bool IsIscsiUrl(std::string_view text) { return text.substr(0, kScheme.size()) == kScheme; }

Result<IscsiTarget> ParseIscsiUrl(std::string_view url) {
  IscsiTarget target;
  std::string_view rest = url;
  if (!IsIscsiUrl(url)) return Wrong(Cat("'", url, "' does not start with ", kScheme));
  for (const char c : url) {
    if (c <= ' ' || c == 0x7F) return Wrong("it contains a blank or a control character");
  }
  rest.remove_prefix(kScheme.size());
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return Wrong(Cat("'", url, "' names no target"));
  std::string_view authority = rest.substr(0, slash);
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    target.user = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    if (target.user.find_first_of(":%") != std::string::npos) {
      return Error{"iSCSI URL", "it contains a secret, which others could read",
                   "put the secret into a file with mode 0600 and name that file instead"};
    }
    if (target.user.empty() || target.user.size() > kMaxUser) {
      return Wrong("the user is empty or too long");
    }
  }
  auto portal = Portal(authority);
  if (!portal.ok()) return portal.error();
  target.portal = portal.value();
  const std::string_view path = rest.substr(slash + 1);
  const std::size_t last = path.rfind('/');
  if (last == std::string_view::npos) return Wrong(Cat("'", url, "' names no LUN"));
  target.name = path.substr(0, last);
  if (target.name.empty() || target.name.size() > kMaxTargetName ||
      target.name.find('/') != std::string::npos) {
    return Wrong(Cat("'", target.name, "' is not a target name"));
  }
  const auto lun = ParseInt(path.substr(last + 1), 0, 255);
  if (!lun) return Wrong(Cat("'", path.substr(last + 1), "' is not a LUN from 0 to 255"));
  target.lun = static_cast<int>(*lun);
  return target;
}

}  // namespace fencepost
