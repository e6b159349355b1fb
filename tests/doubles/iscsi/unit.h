// A logical unit in memory: commands in, answers out. No socket, no time.
//
// Promise: SBC-4 and SPC-4 for INQUIRY (standard, VPD 00, 80, 83, B0), TEST UNIT READY, REQUEST
//          SENSE, REPORT LUNS, READ CAPACITY 10/16, READ and WRITE 10/16, SYNCHRONIZE CACHE 10/16,
//          COMPARE AND WRITE, PERSISTENT RESERVE IN and OUT. Everything else is 5/2000.
// Faults:  a Twist spoils one command; the features say what kind of unit it is.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/doubles/iscsi/reservations.h"
#include "tests/doubles/iscsi/scsi.h"

namespace fencepost::doubles {

// What a fault makes of one command.
struct Twist {
  std::optional<std::uint64_t> only_bytes;  // torn: of a write so many bytes reach the medium
  std::int64_t shift = 0;                   // misdirected: by so many bytes
  bool lost = false;                        // a write that is answered and never done
  bool stale = false;                       // a read that answers from the snapshot
};

class ScsiUnit {
 public:
  enum class Fua { kHonoured, kIgnored, kRefused };
  struct Settings {
    std::uint64_t size_bytes = 4 << 20;
    std::uint32_t sector_bytes = 512;
    std::uint64_t naa = 0x6001405000000001;  // of the designator; top digit 6
    Fua fua = Fua::kHonoured;
    bool write_cache = true;  // what is neither FUA nor synchronised is lost by a power cut
    bool compare_and_write = true;
    bool reservations = true;
    bool preempt_and_abort = true;
  };
  // aborts: ends the commands of these nexuses before the answer of a PREEMPT AND ABORT.
  ScsiUnit(Settings settings, std::function<void(const std::vector<Nexus>&)> aborts);

  ScsiAnswer Execute(const Nexus& nexus, ByteView cdb, ByteView data, const Twist& twist);
  void Attach(const Nexus& nexus);  // a new session: unit attention 29/00
  void Reset();                     // 29/03 to all
  void PowerCut();                  // unsynchronised writes and reservations are gone
  void SetReadOnly(bool read_only) { read_only_ = read_only; }
  void Snapshot() { snapshot_ = medium_; }
  void Rollback();  // to the snapshot
  [[nodiscard]] Settings& settings() { return settings_; }
  [[nodiscard]] Bytes& medium() { return medium_; }
  [[nodiscard]] const Reservations& reservations() const { return reservations_; }

 private:
  struct Range {
    std::uint64_t offset = 0, length = 0;  // bytes
  };
  [[nodiscard]] std::optional<Range> RangeOf(ByteView cdb) const;
  ScsiAnswer Inquiry(ByteView cdb) const;
  ScsiAnswer Vital(int page) const;
  [[nodiscard]] ScsiAnswer Capacity(bool long_form) const;
  ScsiAnswer Read(const Nexus& nexus, ByteView cdb, const Twist& twist) const;
  ScsiAnswer Write(const Nexus& nexus, ByteView cdb, ByteView data, const Twist& twist);
  ScsiAnswer CompareAndWrite(const Nexus& nexus, ByteView cdb, ByteView data);
  ScsiAnswer Synchronize(ByteView cdb);
  ScsiAnswer ReserveOut(const Nexus& nexus, ByteView cdb, ByteView data);
  [[nodiscard]] std::optional<ScsiAnswer> WhyNoWrite(const Nexus& nexus, bool fua) const;
  void Put(std::uint64_t offset, ByteView data, bool durable);

  Settings settings_;
  const std::function<void(const std::vector<Nexus>&)> aborts_;
  Bytes medium_, durable_, snapshot_;
  bool read_only_ = false;
  Reservations reservations_;
  std::map<Nexus, std::vector<int>> attentions_;
};

}  // namespace fencepost::doubles
