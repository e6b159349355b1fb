// One quorum disk as the daemon uses it: a session that is opened, judged, used and opened again.
//
// Promise: a disk is looked at before anything is written to it, a reservation included: format,
//          cluster, label, designator, number of slots, and the disk's uuid, which is pinned in the
//          StateStore at first use (durably, before `ready`) and must not be that of another disk
//          of the set. What is wrong is a fact once, and
//          tried again until it is right. Any failed or late I/O ends the session: `lost`, then a
//          new one behind a new barrier. Of the own slot always the copy is written that does not
//          hold the newest value.
// Time:    deadlines come with each I/O; an open gets kOpenTimeouts * io_timeout. Pauses between
//          attempts: kReopenFirst, doubled up to kReopenMost; kRefusedPause after a refusal, which
//          only an operator can heal.
// Errors:  facts disk-open, disk-unavailable, disk-refused; trouble() for status.
// Ownership: ports outlive the link, and no callback comes after it has been destroyed.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/block_device.h"
#include "env/clock.h"
#include "env/fact_sink.h"
#include "env/state_store.h"
#include "qdiskd/disk_format.h"
#include "qdiskd/disk_memory.h"
#include "qdiskd/disk_voter.h"
#include "qdiskd/heartbeat_cache.h"
#include "qdiskd/latency_ring.h"

namespace fencepost::qdiskd {

inline constexpr int kOpenTimeouts = 4;  // a login, a barrier of some ten commands
inline constexpr Duration kReopenFirst = Millis(100);
inline constexpr Duration kReopenMost = Millis(1000);
inline constexpr Duration kRefusedPause = Millis(5000);

struct LinkSettings {
  int disk = 0;
  std::string device;  // its name, for people
  NodeId self;
  std::vector<NodeId> nodes;  // in the order of RegionRead::slots
  ClusterId cluster;
  std::string label;       // empty: any
  std::string designator;  // empty: any
  Incarnation incarnation;
  Duration io_timeout{};
  MacFunction mac;
  std::function<std::uint64_t()> wall_ms;  // display only
};

struct LinkPorts {
  Clock& clock;
  BlockDevice& device;
  StateStore& state;
  FactSink& facts;
};

class DiskLink {
 public:
  struct Handler {
    std::function<void()> ready;
    std::function<void(const std::string& why)> lost;  // it was ready
    std::function<void()> written;
    std::function<void(RegionRead)> read;
    std::function<void()> trouble_changed;
    // Why a disk with this uuid must not be taken; empty: it may.
    std::function<std::string(const DiskId&)> why_not;
  };
  DiskLink(LinkSettings settings, LinkPorts ports, Handler handler);
  ~DiskLink() { Close(); }
  DiskLink(const DiskLink&) = delete;
  DiskLink& operator=(const DiskLink&) = delete;

  void Open();   // and keeps it open until Close
  void Close();  // no callback afterwards
  // REQUIRES for both: ready, and nothing under way.
  void Write(Slot slot, MonoTime deadline);
  void Read(MonoTime deadline);

  // Other regions, beside what Write and Read have under way: one at a time for each region,
  // and never what a renewal waits for. kMedium is told and ends nothing where the session goes on;
  // every other error ends it, after `done`. REQUIRES for all: ready.
  using ReadDone = std::function<void(const Result<Bytes, IoError>&)>;
  using WriteDone = std::function<void(const Result<Ok, IoError>&)>;
  using Encode = std::function<Bytes(const Place&, const DiskIdentity&, const MacFunction&)>;
  void ReadOwn(Region region, MonoTime deadline, ReadDone done);  // all copies of this node
  void ReadAll(Region region, MonoTime deadline, ReadDone done);  // of all configured nodes
  void WriteOwn(Region region, int copy, const Encode& encode, MonoTime deadline, WriteDone done);

  [[nodiscard]] bool ready() const { return ready_; }
  [[nodiscard]] const std::string& trouble() const { return trouble_; }  // empty when ready
  [[nodiscard]] const std::string& barrier() const { return barrier_; }  // of the last session
  [[nodiscard]] std::optional<DiskId> disk_id() const;  // of the last that was not refused
  [[nodiscard]] IoLatency latency() const { return latency_.Summary(); }
  // Both: of the last session that was judged.
  [[nodiscard]] const std::optional<Superblock>& superblock() const { return superblock_; }
  [[nodiscard]] const std::optional<Geometry>& geometry() const { return geometry_; }
  [[nodiscard]] const MacFunction& mac() const { return settings_.mac; }

 private:
  template <class Call>
  auto InSession(Call call) {  // what is not of this session any more is not called
    return [current = session_, session = *session_, call = std::move(call)](auto result) {
      if (*current == session) call(std::move(result));
    };
  }
  void Attempt();
  void ReadSuperblock(const DeviceInfo& info);
  [[nodiscard]] Result<Superblock, std::string> Judge(const DeviceInfo& info, ByteView units) const;
  void CheckPin();
  void Judged();
  void Fail(const IoError& error);
  void Refuse(const std::string& why);
  void EndSession();
  void TryAgain(Duration pause);
  void ReadPart(std::uint64_t offset, std::uint32_t length, MonoTime deadline, ReadDone done);
  void SetTrouble(const std::string& why);
  [[nodiscard]] static std::string StateName(int disk) { return Cat("qdisk-", disk, "-uuid"); }
  [[nodiscard]] std::string WhyAnothers(const DiskId& id) const;
  [[nodiscard]] RegionRead Decode(MonoTime began, ByteView region);
  [[nodiscard]] MonoTime IoDeadline() const { return ports_.clock.Now() + settings_.io_timeout; }
  Fact About(Severity severity, std::string_view name) const;

  const LinkSettings settings_;
  const LinkPorts ports_;
  const Handler handler_;
  const Writer writer_;
  // Counts; a callback of another one is stale. It outlives the link for them.
  std::shared_ptr<std::uint64_t> session_ = std::make_shared<std::uint64_t>(0);
  bool ready_ = false;
  bool trusted_ = false;  // looked at without writing, and found to be ours
  TimerId timer_ = 0;
  Duration pause_ = kReopenFirst;
  std::optional<Superblock> superblock_;
  std::optional<Geometry> geometry_;
  HeartbeatCache heartbeats_;
  int next_copy_ = 0;
  LatencyRing latency_;
  std::string trouble_ = "not opened yet", barrier_;
  std::optional<IoKind> failed_;  // told already
  std::string refused_;           // likewise
};

}  // namespace fencepost::qdiskd
