// What a device can do as a quorum disk, measured; and the verdict in words.
//
// Promise: with `scratch` only that unit is written, and it is as before at the end; without it
//          nothing is. The verdict is a pure function of what was found: it says "can carry a vote"
//          only when the barrier was tried and held.
// Time:    blocks; kProbeRounds of each kind, at least. Errors: IoError of the device.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "env/disk_abilities.h"
#include "qdiskd/mkqdisk/waiting_disk.h"

namespace fencepost::qdiskd::mkqdisk {

inline constexpr int kProbeRounds = 100;

struct Percentiles {
  Duration p50{}, p90{}, p99{}, longest{};
  int count = 0;
};
[[nodiscard]] Percentiles PercentilesOf(std::vector<Duration> took);

struct ProbeFindings {
  DeviceInfo info;  // barrier: empty when it was not proven
  bool written = false;
  std::string why_not_written;             // for people
  std::string barrier_trouble;             // why opening for writing failed
  Percentiles read, region, write, cycle;  // 4 KiB; all heartbeats; 4 KiB durable; write + region
  // By a second initiator (or opening) of this machine:
  std::optional<bool> others_see_writes;  // each completed write, at once
  int torn = 0, torn_rounds = 0;          // reads that met half of a write under way
  std::optional<ScsiAbilities> scsi;
};

struct ProbePlaces {
  std::uint64_t region = 0;  // what a cycle reads
  std::uint32_t region_bytes = 0;
  std::optional<std::uint64_t> scratch;
};
// `disk` is open, for writing where there is a scratch; `other` is open for reading.
Result<Ok, IoError> Measure(WaitingDisk& disk, WaitingDisk& other, const ProbePlaces& places,
                            ProbeFindings& findings);

struct Verdict {
  enum class Vote { kCan, kCannot, kUnproven };
  Vote vote = Vote::kUnproven;
  std::string sentence;  // "can carry a vote: barrier by ..."
  std::string profile;   // recommended; empty: it is too slow for all, or nothing was written
  std::vector<std::string> remarks;
};
[[nodiscard]] Verdict Judge(const ProbeFindings& findings);
[[nodiscard]] std::string ProbeText(const std::string& device, const ProbeFindings& findings);

}  // namespace fencepost::qdiskd::mkqdisk
