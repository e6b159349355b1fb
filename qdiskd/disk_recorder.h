// Keeps the decisions of this node in its flight recorder on one disk, through the disk's link.
//
// Promise: never in the way of a renewal: it reads or writes only when it is called, after a cycle,
//          one thing at a time, and nothing at all without news. Nobody waits for it. A ring that
//          the medium refuses turns it off for this start of the daemon; the disk goes on.
// Time:    each I/O has the disk's own time limit; after a failure it waits for kRecorderPause.
// Errors:  fact recorder-off.
// Ownership: link, clock and facts outlive it.
#pragma once
#include <functional>
#include <memory>

#include "env/clock.h"
#include "env/fact_sink.h"
#include "qdiskd/disk_link.h"
#include "qdiskd/flight_recorder.h"

namespace fencepost::qdiskd {

inline constexpr Duration kRecorderPause = Millis(10'000);

class DiskRecorder {
 public:
  struct Settings {
    int disk = 0;
    NodeId self;
    BootId boot;
    Incarnation incarnation;
    Duration io_timeout{};
    std::function<std::uint64_t()> wall_ms;
  };
  struct Ports {
    DiskLink& link;
    Clock& clock;
    FactSink& facts;
  };
  // written: after each write.
  DiskRecorder(Settings settings, Ports ports, std::function<void()> written);
  ~DiskRecorder() { *alive_ = false; }
  DiskRecorder(const DiskRecorder&) = delete;
  DiskRecorder& operator=(const DiskRecorder&) = delete;

  void Add(const Decision& decision) { recorder_.Add(decision, settings_.wall_ms()); }
  void MayWrite();
  void SessionOver();
  // Something is still to be written, and can be.
  [[nodiscard]] bool Busy() const { return !off_ && ports_.link.ready() && recorder_.HasNews(); }

 private:
  void Load(const Result<Bytes, IoError>& ring);
  void Write();
  void Failed(const IoError& error);
  [[nodiscard]] MonoTime Deadline() const { return ports_.clock.Now() + settings_.io_timeout; }

  const Settings settings_;
  const Ports ports_;
  const std::function<void()> written_;
  FlightRecorder recorder_;
  bool under_way_ = false, off_ = false;
  MonoTime not_before_{};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fencepost::qdiskd
