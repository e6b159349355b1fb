// How long a transient attribute may be told to hold, by who must then tell it again.
//
// Promise: limits of the request "attribute" of fencepostd (docs/format/status.md, docs/adr/0020).
//          They stand apart from base/attributes.h because only the teller and the told need them.
// Errors:  none.
#pragma once
#include "base/time.h"

namespace fencepost {

inline constexpr Duration kMinAttributeLapse = std::chrono::seconds(1);
inline constexpr Duration kMaxAttributeLapse = std::chrono::hours(1);

}  // namespace fencepost
