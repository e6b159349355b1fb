#include "env/linux/libnet_packet.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "base/text.h"
#include "env/linux/unique_fd.h"

namespace fencepost {

Error LibnetError(libnet_t* context, const std::string& thing) {
  const char* words = context == nullptr ? nullptr : libnet_geterror(context);
  return {thing, std::string(Trim(words == nullptr ? "libnet gives no reason" : words)), ""};
}

Result<Libnet> OpenLibnet(int type, const std::string& device) {
  std::array<char, LIBNET_ERRBUF_SIZE> words{};
  // A raw context does not use its device: the kernel routes, or the binding below decides.
  const bool link = type == LIBNET_LINK;
  Libnet context(libnet_init(type, link ? device.c_str() : nullptr, words.data()));
  if (!context) {
    return Error{link ? Cat("device ", device) : "a raw socket",
                 Cat("cannot be opened: ", Trim(words.data())), "run as root or with CAP_NET_RAW"};
  }
  const int fd = libnet_getfd(context.get());
  const int flags = fcntl(fd, F_GETFL);
  if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    return OsError("a raw socket", "set its mode", errno);
  }
  if (!link && !device.empty() &&
      setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device.c_str(),
                 static_cast<socklen_t>(device.size() + 1)) != 0) {
    return OsError(Cat("device ", device), "bind to it", errno);
  }
  return context;
}

bool IsIpv6(const std::string& address) { return address.find(':') != std::string::npos; }

std::uint32_t Ipv4Of(const std::string& address) {
  in_addr out{};
  return inet_pton(AF_INET, address.c_str(), &out) == 1 ? out.s_addr : 0;
}

libnet_in6_addr Ipv6Of(const std::string& address) {
  libnet_in6_addr out{};
  static_assert(sizeof out == sizeof(in6_addr));
  if (inet_pton(AF_INET6, address.c_str(), &out) != 1) std::memset(&out, 0, sizeof out);
  return out;
}

unsigned DeviceIndex(const std::string& device) { return if_nametoindex(device.c_str()); }

Error NoSuchDevice(const std::string& device) {
  return {Cat("device ", device), "does not exist", "ip link shows the devices"};
}

}  // namespace fencepost
