// A small cruel world for disk voters: nodes with drifting clocks, disks whose writes land whenever
// they like, consumers that keep a lease until its deadline. For tests of this folder only.
//
// Promise: every step is chosen by the caller or by one seeded generator. LeasesNow() is the
// oracle:
//          how many nodes count the disk's vote at this instant of true time.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/prng.h"
#include "qdiskd/disk_voter.h"

namespace fencepost::qdiskd {

class VoterWorld {
 public:
  struct Shape {
    int nodes = 2;
    int disks = 1;
    LeaseTimes times{Millis(100), Millis(100), 100'000, Millis(2)};
    Duration interval = Millis(10);
  };
  struct Node {
    std::int64_t rate_ppm = 0;  // this clock gains so much
    Duration offset{};
    BootId boot;
    std::uint64_t incarnation = 0, boots = 0, used = 0;  // durable counters
    std::optional<DiskVoter> voter;
    MonoTime wake_at = kNever;
    bool powered = true;
    bool hung = false;                 // gets no event; its consumer's clock goes on
    std::map<Term, MonoTime> leases;   // consumer: survives the daemon
    std::optional<Term> drop_wanted;   // MustDrop not answered yet
    std::vector<VoterNotice> notices;  // all of them, for directed tests
    std::optional<notice::Waiting> waiting;
    Term refused_above;
  };

  VoterWorld(Shape shape, std::uint64_t seed);

  // One random step of anything that can happen.
  void RandomStep();
  // No further fault; every I/O succeeds. Steps until `node` counts the vote or time runs out.
  bool RunUntilHeld(int node, Duration limit);

  void Advance(Duration d);  // true time; wakes whom it is time for
  void Start(int node);      // daemon, on a powered node
  void Crash(int node);      // the daemon alone
  void PowerOff(int node);
  void PowerOn(int node);
  void OpenDisk(int node, int disk, bool old_writes_land);
  void LoseDisk(int node, int disk);
  // Lets the I/O of this node on this disk complete, and what follows it at once, until idle.
  void Finish(int node, int disk);
  void FinishAll(int node);
  // One sub-step: a write lands, or completes, or one more slot is read.
  bool Progress(int node, int disk);
  bool Land(int node, int disk);  // only lets a pending write land
  void Deliver(int node, const VoterEvent& event);
  void Want(int node, bool enough_votes = true);
  void Drop(int node);      // the consumer gives up, and says so
  void AckStart(int node);  // the consumer says that it holds nothing of an earlier incarnation
  void SetView(int node, std::uint64_t view, std::int32_t score);

  [[nodiscard]] MonoTime Local(int node) const;
  [[nodiscard]] bool Counts(int node) const;
  [[nodiscard]] int LeasesNow() const;
  [[nodiscard]] Node& node(int i) { return nodes_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] Slot& OnDisk(int disk, int node) {
    return disks_[static_cast<std::size_t>(disk)][static_cast<std::size_t>(node)];
  }
  [[nodiscard]] const std::map<std::string, int>& seen() const {
    return seen_;
  }  // facts, by reason

 private:
  struct Io {
    bool active = false, is_write = false, landed = false;
    Slot slot;
    RegionRead read;
  };
  Io& io(int node, int disk) {
    return io_[static_cast<std::size_t>(node)][static_cast<std::size_t>(disk)];
  }
  void Absorb(int node, VoterEffects effects);
  void RandomFault(int node, int disk);
  void RandomConsumer(int node);

  Shape shape_;
  Prng rng_;
  Duration true_time_ = std::chrono::seconds(1);
  std::vector<Node> nodes_;
  std::vector<std::vector<Slot>> disks_;
  std::vector<std::vector<Io>> io_;
  std::vector<std::vector<bool>> open_;
  std::vector<std::vector<std::vector<Slot>>> zombies_;
  std::map<std::string, int> seen_;
};

}  // namespace fencepost::qdiskd
