// What was found out about a SCSI unit by asking it and by trying: values, for a report.
//
// Promise: kYes and kNo were tried on this unit; what a unit merely claims is named so.
//          Errors: none; what could not be tried says why in its text.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace fencepost {

struct Tried {
  enum class Answer { kNotTried, kYes, kNo };
  Answer answer = Answer::kNotTried;
  std::string text;  // how, or why not
};

struct ScsiAbilities {
  std::string product;               // vendor, product and revision of INQUIRY
  std::uint32_t physical_bytes = 0;  // of what the medium writes at once; 0: not told
  bool write_protected = false;
  std::optional<bool> write_cache;   // mode page 8, WCE
  std::optional<bool> claims_fua;    // DPOFUA
  std::optional<bool> keeps_keys;    // PTPL_C: registrations outlive its power
  std::vector<int> claimed_types;    // of reservations, of REPORT CAPABILITIES; empty: not told
  std::uint32_t atomic_blocks = 0;   // VPD B0; 0: not told
  std::uint32_t compare_blocks = 0;  // likewise
  Tried fua, flush, compare_and_write, write_atomic;
  Tried barrier;  // reservation, PREEMPT of own keys, LUN reset; all of them or no
  Duration barrier_took{};
  Tried others_excluded;     // an initiator without a key may not write
  Tried session_reinstated;  // a login with the same name and ISID ends the older session
  Duration plain_write{}, fua_write{}, flushed_write{};  // medians; 0: not measured
};

}  // namespace fencepost
