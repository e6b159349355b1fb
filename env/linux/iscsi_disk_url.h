// Where an iSCSI quorum disk is: iscsi://[user@]host[:port]/iqn/lun.
//
// Promise: the host is a numeric address, because a name lookup can block a daemon for minutes. A
//          secret in the URL is refused: it would end up in process lists and logs.
// Errors:  say which part of the URL is wrong and what it should look like.
// Source of constants: port 3260 is the one assigned to iSCSI (RFC 7143); names have at most 223
//          bytes there.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace fencepost {

struct IscsiTarget {
  std::string portal;  // "192.0.2.1:3260", "[2001:db8::1]:3260"
  std::string name;    // "iqn.2026-01.org.example:quorum"
  int lun = 0;         // 0 to 255
  std::string user;    // for CHAP; empty: no authentication
  [[nodiscard]] std::string Url() const;
};

[[nodiscard]] bool IsIscsiUrl(std::string_view text);
Result<IscsiTarget> ParseIscsiUrl(std::string_view url);

}  // namespace fencepost
