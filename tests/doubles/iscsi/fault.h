// One fault of the double, as its control socket names it:
//
//   fault ON ACT [count=N] [skip=N] [from=TEXT] [offset=A-B]
//
//   ON   any read write compare reserve-out reserve-in reset login
//   ACT  delay MS      answered so much later; forgotten when its session ends before
//        late MS       inside the storage: unanswered, done so much later whatever becomes of its
//                      session; a reset, a PREEMPT AND ABORT and a reinstatement wait for it
//        drop          never done, never answered
//        error KEY ASCQ, status S      so answered, not done (hexadecimal: 3 1100, 18)
//        tear BYTES    of a write only the first bytes reach the medium, and it is answered as done
//        lose          answered as done, not done
//        shift BYTES   done so far from where it belongs (may be negative)
//        stale         a read shows the medium of the last `snapshot`
//        close         the connection is closed instead
//   count  so often (default 1; 0: until `clear`)   skip  passes by the first N
//   from   only of initiators with TEXT in the name offset  only if it touches these bytes
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace fencepost::doubles {

struct Fault {
  enum class On { kAny, kRead, kWrite, kCompare, kReserveOut, kReserveIn, kReset, kLogin };
  enum class Act { kDelay, kLate, kDrop, kError, kStatus, kTear, kLose, kShift, kStale, kClose };
  On on = On::kAny;
  Act act = Act::kDrop;
  std::int64_t number = 0;  // milliseconds, bytes, sense key, status
  int ascq = 0;
  int left = 1;  // 0: until cleared
  int skip = 0;
  std::string from;
  std::uint64_t low = 0, high = ~std::uint64_t{0};
};

// `words`: what follows "fault".
[[nodiscard]] Result<Fault> ParseFault(std::string_view words);

}  // namespace fencepost::doubles
