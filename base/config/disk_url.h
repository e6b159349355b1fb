// Where a quorum disk is: an iSCSI LUN reached in user space, or a local block device or file.
//
// Promise: a DiskUrl that was parsed is complete and within the limits below; Text() parses back to
//          an equal value. It never holds a password: those come from a file.
// Errors:  name the part of the URL that is wrong and what is allowed.
// Source:  iqn and eui names as in RFC 7143 section 4.2.7 (at most 223 bytes).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace fencepost::config {

inline constexpr std::uint16_t kIscsiPort = 3260;
inline constexpr int kMaxLun = 255;  // what peripheral addressing holds
inline constexpr std::size_t kMaxTargetName = 223;

struct DiskUrl {
  enum class Kind { kIscsi, kPath };
  Kind kind = Kind::kPath;
  std::string path;  // kPath: absolute
  // kIscsi:
  std::string host;  // numeric IPv4, or IPv6 without brackets
  std::uint16_t port = kIscsiPort;
  std::string user;    // CHAP name; empty: no CHAP
  std::string target;  // iqn.…, eui.… or naa.…
  std::uint32_t lun = 0;
  [[nodiscard]] std::string Text() const;    // as it is written in the configuration
  [[nodiscard]] std::string Portal() const;  // "host:port", "[v6]:port"
  friend bool operator==(const DiskUrl&, const DiskUrl&) = default;
};

// "iscsi://[user@]host[:port]/target/lun" or "/an/absolute/path".
[[nodiscard]] Result<DiskUrl> ParseDiskUrl(std::string_view text);
// The same unit by another portal, "host[:port]". REQUIRES: url.kind == kIscsi.
[[nodiscard]] Result<DiskUrl> AtPortal(DiskUrl url, std::string_view portal);

}  // namespace fencepost::config
