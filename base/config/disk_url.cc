#include "base/config/disk_url.h"

#include <algorithm>

#include "base/config/numeric_host.h"
#include "base/config/quote.h"
#include "base/text.h"

namespace fencepost::config {
namespace {

constexpr std::string_view kScheme = "iscsi://";
constexpr std::string_view kShape = "write iscsi://[user@]host[:port]/target/lun";

Error Wrong(std::string_view url, std::string cause, std::string_view remedy = kShape) {
  return {Quoted(url), std::move(cause), std::string(remedy)};
}

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

bool IsTarget(std::string_view target) {
  const bool known =
      target.starts_with("iqn.") || target.starts_with("eui.") || target.starts_with("naa.");
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_";
  return known && target.size() > 4 && target.size() <= kMaxTargetName &&
         target.find_first_not_of(kLetters) == std::string_view::npos;
}

// "host", "host:port", "[v6]", "[v6]:port" into url.
Status ParsePortal(std::string_view whole, std::string_view portal, DiskUrl& url) {
  std::string_view port;
  const bool bracketed = portal.starts_with('[');
  if (bracketed) {
    const std::size_t close = portal.find(']');
    if (close == std::string_view::npos) return Wrong(whole, "the bracket of the address is open");
    url.host = portal.substr(1, close - 1);
    port = portal.substr(close + 1);
    if (!port.empty() && port[0] != ':') return Wrong(whole, "text after the bracketed address");
  } else {
    const std::size_t colon = portal.find(':');
    url.host = portal.substr(0, colon);
    if (colon != std::string_view::npos) port = portal.substr(colon);
    if (port.find(':', 1) != std::string_view::npos) {
      return Wrong(whole, "an IPv6 address stands in brackets", "write iscsi://[fd00::1]:3260/…");
    }
  }
  const auto host = NumericHost(url.host);
  if (!host || bracketed != (host->find(':') != std::string::npos)) {
    return Wrong(whole, Cat("the host ", Quoted(url.host), " is no numeric address"),
                 "write its IPv4 or [IPv6] address: a name server may be down when it is needed");
  }
  url.host = *host;
  if (port.empty()) return Ok{};
  const auto number = ParseInt(port.substr(1), 1, 65535);
  if (!number) return Wrong(whole, Cat("the port ", Quoted(port.substr(1)), " is not 1..65535"));
  url.port = static_cast<std::uint16_t>(*number);
  return Ok{};
}

Result<DiskUrl> ParseIscsi(std::string_view whole) {
  DiskUrl url;
  url.kind = DiskUrl::Kind::kIscsi;
  const std::string_view rest = whole.substr(kScheme.size());
  const std::size_t slash = rest.find('/');
  // Passwords may hold a slash: look for the last @ of the whole text before anything is printed.
  const std::size_t at = rest.rfind('@');
  if (at != std::string_view::npos && rest.substr(0, at).find_first_of(":%") != rest.npos) {
    return Error{"the iscsi:// URL", "holds a password",
                 "write user@host and put the password alone into a file named by "
                 "chap_secret_file, mode 0600"};
  }
  if (rest.find('?') != rest.npos) {  // not shown: such arguments may hold passwords
    return Error{"the iscsi:// URL", "has arguments after \"?\"", std::string(kShape)};
  }
  if (!IsPrintable(whole)) return Wrong(whole, "blanks or control characters in it");
  if (slash == std::string_view::npos) return Wrong(whole, "no target after the host");
  std::string_view authority = rest.substr(0, slash);
  if (const std::size_t user = authority.rfind('@'); user != std::string_view::npos) {
    url.user = authority.substr(0, user);
    authority.remove_prefix(user + 1);
    if (url.user.empty()) return Wrong(whole, "the user before @ is empty");
  }
  if (const Status portal = ParsePortal(whole, authority, url); !portal) return portal.error();
  const std::string_view path = rest.substr(slash + 1);
  const std::size_t last = path.rfind('/');
  if (last == std::string_view::npos) return Wrong(whole, "no LUN after the target");
  url.target = path.substr(0, last);
  if (!IsTarget(url.target)) {
    return Wrong(whole, Cat("the target ", Quoted(url.target), " is no iqn., eui. or naa. name"));
  }
  const auto lun = ParseInt(path.substr(last + 1), 0, kMaxLun);
  if (!lun) {
    return Wrong(whole, Cat("the LUN ", Quoted(path.substr(last + 1)), " is not 0..", kMaxLun));
  }
  url.lun = static_cast<std::uint32_t>(*lun);
  return url;
}

}  // namespace

std::string DiskUrl::Portal() const {
  const bool v6 = host.find(':') != std::string::npos;
  return Cat(v6 ? "[" : "", host, v6 ? "]" : "", ":", port);
}

std::string DiskUrl::Text() const {
  if (kind == Kind::kPath) return path;
  return Cat(kScheme, user, user.empty() ? "" : "@", Portal(), "/", target, "/", lun);
}

Result<DiskUrl> AtPortal(DiskUrl url, std::string_view portal) {
  url.port = kIscsiPort;
  if (!IsPrintable(portal)) return Wrong(portal, "blanks or control characters in it");
  const Status parsed = ParsePortal(portal, portal, url);
  if (!parsed) return parsed.error();
  return url;
}

Result<DiskUrl> ParseDiskUrl(std::string_view text) {
  constexpr std::size_t kMaxPath = 4095;
  if (text.starts_with(kScheme)) return ParseIscsi(text);
  if (!text.starts_with('/') || text.size() > kMaxPath || text.find('\0') != text.npos) {
    return Wrong(text, "neither an iscsi:// URL nor an absolute path",
                 "write iscsi://[user@]host[:port]/target/lun or /dev/disk/by-id/…");
  }
  DiskUrl url;
  url.path = text;
  return url;
}

}  // namespace fencepost::config
