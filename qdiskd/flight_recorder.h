// Which decisions go into which unit of this node's ring on one disk. One value for each disk.
//
// Promise:
//   - A unit that is cut short loses nothing that was on the disk before: a page that grows is
//     written in turn into two units, never over its newest version.
//   - The oldest page makes room for the newest. Some 190 records fit; six pages are closed, two
//     take the open one. A start goes on in the page that it finds: starts alone push nothing out.
//   - A write that was not answered is looked for when the ring is read again: no number is given
//     to two records.
//   - Without news there is nothing to write. In memory kMaxPendingRecords wait at most; what was
//     dropped is itself a record.
// Time:    none; the wall clock of a record is given. Errors: none.
#pragma once
#include <deque>
#include <optional>
#include <vector>

#include "qdiskd/recorder_format.h"

namespace fencepost::qdiskd {

inline constexpr std::size_t kMaxPendingRecords = 64;

class FlightRecorder {
 public:
  FlightRecorder(BootId boot, Incarnation incarnation) : boot_(boot), incarnation_(incarnation) {}

  void Add(Decision decision, std::uint64_t wall_ms);
  [[nodiscard]] bool HasNews() const { return !pending_.empty(); }

  // The ring as this session reads it; before the first Next of a session.
  void Load(const std::vector<DecodedPage>& ring);
  [[nodiscard]] bool loaded() const { return !ring_.empty(); }
  // The session is over: a write under way may have landed or not.
  void Unload();

  struct Write {
    int copy = 0;
    RecorderPage page;
  };
  // What to write next; nullopt: nothing. REQUIRES: loaded, no write under way.
  [[nodiscard]] std::optional<Write> Next(std::uint64_t wall_ms);
  void Written();  // it is on the disk

 private:
  struct Unit {                         // what is known to be in it
    std::uint64_t first = 0, last = 0;  // numbers of records
  };
  struct Pending {
    Decision decision;
    std::uint64_t wall_ms;
  };
  [[nodiscard]] int Target() const;
  [[nodiscard]] bool IsSuperseded(std::size_t unit) const;

  BootId boot_;
  Incarnation incarnation_;
  std::deque<Pending> pending_;
  std::uint64_t dropped_ = 0;
  std::vector<std::optional<Unit>> ring_;  // empty: not read in this session; nullopt: free
  std::uint64_t next_number_ = 1, sequence_ = 0;
  std::vector<Record> open_;  // of the newest page, as it is on the disk
  struct UnderWay {
    Write write;
    std::size_t taken = 0;  // of pending_
  };
  std::optional<UnderWay> under_way_;
  struct Uncertain {  // a write of an earlier session
    std::uint64_t sequence = 0;
    std::size_t taken = 0;
  };
  std::optional<Uncertain> uncertain_;
};

}  // namespace fencepost::qdiskd
