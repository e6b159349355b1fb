// One shared disk of a simulated world, and the paths of nodes to it (BlockDevice).
//
// Promise: BlockDevice, to the letter and no better. A successful Write is on the medium; after a
//          successful Open with a writer no older write of that node lands.
// Cruelty: a write whose session ended before it was answered (time-out, Close, kill -9, power-off,
//          cut) may land late, land torn or be lost: fate(). Writes land in two parts at two
//          instants; a read sees the medium at up to kReadParts instants. Hang: nothing is
//          answered, and what was sent is carried out at Resume, also of sessions long over. Cut:
//          likewise for one node. Kill: sessions end, registrations are forgotten, the data stays.
//          A later writer of the same node shuts the earlier one out (kConflict), as reservations
//          do; with Barrier::kLock the later one is refused instead.
// Time:    deadlines are of the node's own clock. Latency is drawn anew for each command.
// Errors:  IoError, each kind reachable.
#pragma once
#include <list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "env/block_device.h"
#include "tests/sim/ports/machine.h"

namespace fencepost::sim {

inline constexpr std::uint32_t kReadParts = 4;

class SimDisk {
 public:
  enum class Barrier { kReservation, kLock, kNone };
  enum class Fate { kRandom, kLands, kTorn, kLost };  // of writes whose session is over
  struct Settings {
    std::uint64_t size_bytes = 1 << 20;
    std::uint32_t sector_bytes = 512;
    std::string name = "sim";  // for error texts
    std::string designator = "sim-0";
    Barrier barrier = Barrier::kReservation;
    Duration latency_low = std::chrono::microseconds(200), latency_high = Millis(2);
    Duration late = Millis(5000);  // the most by which such a write is late, hangs not counted
  };
  SimDisk(Timeline& world, Settings settings);

  // Faults, all of them lasting until taken back.
  void SetLatency(Duration low, Duration high);
  void Hang() { hung_ = true; }
  void Resume();
  void Cut(NodeId node) { cut_.insert(node); }
  void Heal(NodeId node);
  void Kill();
  void Start() { up_ = true; }
  void SetFate(Fate fate) { fate_ = fate; }
  void SetDenied(bool denied) { denied_ = denied; }
  void SetReadOnly(bool read_only) { read_only_ = read_only; }
  void SetReadErrors(bool fail) { read_errors_ = fail; }
  // Reads and writes that touch this part of the medium fail.
  void SetBad(std::uint64_t offset, std::uint64_t bytes) {
    bad_begin_ = offset;
    bad_bytes_ = bytes;
  }
  void LieOnce() { lie_once_ = true; }  // one write is reported as done and is not
  // What becomes of each write that is reported as done: nothing, its first bytes only, or all of
  // it `shift` bytes further on.
  enum class Lie { kNone, kLost, kTorn, kMisdirected };
  void SetLie(Lie lie, std::uint64_t shift = 0);
  void Snapshot() { snapshot_ = medium_; }
  void Rollback() { medium_ = snapshot_; }                  // to the snapshot
  void SetStaleReads(bool stale) { stale_reads_ = stale; }  // reads show the snapshot
  void Deafen(NodeId node) { deaf_.insert(node); }          // orders arrive, answers do not
  // The medium itself, for initialising, damaging and rolling back.
  [[nodiscard]] Bytes& medium() { return medium_; }
  // Writes that may still land, of sessions that are over.
  [[nodiscard]] int PendingWrites() const;

  // How often the dangerous things really happened: for coverage marks.
  struct Seen {
    int lies = 0, stale_reads = 0, unheard = 0;
    int late_writes = 0, torn_writes = 0, lost_writes = 0, barriers = 0, shut_out = 0;
  };
  [[nodiscard]] const Seen& seen() const { return seen_; }

 private:
  friend class SimPath;
  using Done = std::function<void(Result<Bytes, IoError>)>;
  struct Session {
    NodeId node;
    bool writer = false;
    bool open = true;
    bool shut_out = false;
    bool silent = false;  // its path was destroyed: nobody is told any more
    std::shared_ptr<Life> life;
  };
  struct Request {
    std::shared_ptr<Session> session;
    bool is_write = false;
    std::uint64_t offset = 0;
    Bytes data;  // to write, or read so far
    Done done;
    EventId deadline = 0;
    TrueTime not_before{};
    bool begun = false, landed = false, torn = false, gone = false, answered = false;
  };
  using RequestPtr = std::shared_ptr<Request>;

  [[nodiscard]] Duration Latency() { return world_.Between(latency_low_, latency_high_); }
  [[nodiscard]] bool Stalls(NodeId node) const { return hung_ || cut_.count(node) != 0; }
  [[nodiscard]] IoError Fail(IoKind kind, const std::string& what) const;
  void WhenMoving(NodeId node, std::function<void()> call);
  void WhenHeard(NodeId node, std::function<void()> call);
  void RunStalled();
  Result<DeviceInfo, IoError> Attach(const std::shared_ptr<Session>& session);
  void Submit(const RequestPtr& request);
  void Execute(const RequestPtr& request);
  [[nodiscard]] bool IsBad(const Request& request) const;
  void LandFirst(const RequestPtr& request);
  void LandRest(const RequestPtr& request);
  void ReadPart(const RequestPtr& request, std::size_t from);
  void Answer(const RequestPtr& request, Result<Bytes, IoError> result);
  void Reply(const RequestPtr& request, Result<Bytes, IoError> result);
  void EndSession(const std::shared_ptr<Session>& session, const IoError& why,
                  const RequestPtr& cause = nullptr);
  void Orphan(const RequestPtr& request);
  void Settle(const RequestPtr& request);  // now: it lands, or never will

  Timeline& world_;
  Settings settings_;
  Bytes medium_;
  Duration latency_low_, latency_high_;
  bool hung_ = false, up_ = true, denied_ = false, read_only_ = false, read_errors_ = false;
  bool lie_once_ = false, stale_reads_ = false;
  Lie lie_ = Lie::kNone;
  std::uint64_t shift_ = 0;
  Bytes snapshot_;
  std::uint64_t bad_begin_ = 0, bad_bytes_ = 0;
  std::set<NodeId> cut_, deaf_;
  Fate fate_ = Fate::kRandom;
  std::list<RequestPtr> requests_;
  std::vector<std::shared_ptr<Session>> sessions_;
  std::vector<std::pair<NodeId, std::function<void()>>> stalled_;
  Seen seen_;
};

class SimPath final : public BlockDevice {
 public:
  SimPath(SimDisk& disk, Machine& machine, std::shared_ptr<Life> life);
  ~SimPath() override;
  SimPath(const SimPath&) = delete;
  SimPath& operator=(const SimPath&) = delete;
  void Open(const Writer* writer, MonoTime deadline, OpenDone done) override;
  void Read(std::uint64_t offset, std::uint32_t length, MonoTime deadline, ReadDone done) override;
  void Write(std::uint64_t offset, Bytes data, MonoTime deadline, WriteDone done) override;
  void Close() override;
  [[nodiscard]] int opens() const { return opens_; }

 private:
  struct Opening {
    OpenDone done;
    EventId deadline = 0;
  };
  void Request(SimDisk::Request request, MonoTime deadline);
  void FinishOpen(const std::shared_ptr<Opening>& opening, Result<DeviceInfo, IoError> result);

  SimDisk& disk_;
  Machine& machine_;
  std::shared_ptr<Life> life_;
  std::shared_ptr<Opening> opening_;
  std::shared_ptr<SimDisk::Session> session_;
  int opens_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fencepost::sim
