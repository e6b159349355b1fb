// Words of SCSI that the double answers with. SAM-5 table 46 (status), SPC-4 tables 47 and 48
// (sense keys, additional sense codes).
#pragma once
#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace fencepost::doubles {

// Who sends: initiator port name, "iqn.2026-01.org.example:a,i,0x800000000001" (SPC-4 7.6.4.6).
using Nexus = std::string;

inline constexpr int kGood = 0x00, kCheck = 0x02, kBusyStatus = 0x08, kConflictStatus = 0x18,
                     kAbortedStatus = 0x40;
inline constexpr int kNotReady = 2, kMediumError = 3, kIllegal = 5, kAttention = 6, kProtect = 7,
                     kMiscompare = 0xE;
inline constexpr int kInvalidOpcode = 0x2000, kInvalidField = 0x2400, kOutOfRange = 0x2100,
                     kNoSuchUnit = 0x2500, kWriteProtected = 0x2700, kPowerOn = 0x2900,
                     kUnitReset = 0x2903, kReservationsReleased = 0x2A04,
                     kRegistrationsPreempted = 0x2A05, kMiscompared = 0x1D00;

struct ScsiAnswer {
  int status = kGood;
  int key = 0, ascq = 0;  // of a check condition
  Bytes data;
};

[[nodiscard]] inline ScsiAnswer Check(int key, int ascq) { return {kCheck, key, ascq, {}}; }

}  // namespace fencepost::doubles
