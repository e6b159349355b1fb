// libnet's context with one owner, its errors in our form, and addresses in its form.
//
// Promise: the context is destroyed once. Packets are built from tags that are kept, so that
//          a context that sends the same kind again and again allocates nothing new.
// Errors:  LibnetError gives libnet's own words without their line end.
#pragma once
#include <libnet.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace fencepost {

struct LibnetDeleter {
  void operator()(libnet_t* context) const { libnet_destroy(context); }
};
using Libnet = std::unique_ptr<libnet_t, LibnetDeleter>;

// `type` is LIBNET_RAW4, LIBNET_RAW6 or LIBNET_LINK. With a device, raw contexts are bound to it.
[[nodiscard]] Result<Libnet> OpenLibnet(int type, const std::string& device);
[[nodiscard]] Error LibnetError(libnet_t* context, const std::string& thing);

[[nodiscard]] bool IsIpv6(const std::string& address);
[[nodiscard]] std::uint32_t Ipv4Of(const std::string& address);    // network order; 0: it is none
[[nodiscard]] libnet_in6_addr Ipv6Of(const std::string& address);  // all zero: it is none
// 0: there is no such device.
[[nodiscard]] unsigned DeviceIndex(const std::string& device);
[[nodiscard]] Error NoSuchDevice(const std::string& device);

}  // namespace fencepost
