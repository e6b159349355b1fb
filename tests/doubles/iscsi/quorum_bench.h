// One node's disk daemon (the shell that ships, on real sockets) and three target doubles in one
// loop, with a consumer that holds the vote.
//
// Time: the real clock; waits are bounded by kBenchPatience. The lease is long enough for a machine
//       that is slow to schedule us.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "env/linux/iscsi_disk.h"
#include "qdiskd/disk_runner.h"
#include "tests/doubles/iscsi/target.h"

namespace fencepost::doubles {

inline constexpr Duration kBenchInterval = Millis(50), kBenchPatience = Millis(30'000);

struct BenchFacts final : FactSink {
  void Record(const Fact& fact) override { text += fact.Text() + "\n"; }
  std::string text;
};

struct BenchState final : StateStore {
  Result<std::optional<Bytes>> Load(std::string_view name) override;
  void Store(std::string_view name, Bytes value, std::function<void(Status)> done) override;
  std::map<std::string, Bytes, std::less<>> values;
};

struct BenchIdentity final : NodeIdentity {
  Result<BootId> Boot() override { return BootId{{0xB1}}; }
  std::uint64_t Random() override { return 4; }
};

// Nobody here is told to die.
struct BenchDeath final : NodeDeath {
  Status Mark(const BootId&, Death) override { return Error{"mark", "no part of this bench", ""}; }
  std::optional<Death> Marked(const BootId&) const override { return std::nullopt; }
  Status Act(Death) override { return Error{"death", "no part of this bench", ""}; }
};

// The socket and the consumer behind it, in one.
class BenchConsumer final : public LocalServer {
 public:
  explicit BenchConsumer(Loop& loop) : loop_(loop) {}
  void Serve(Handler handler) override;
  void Send(PeerId peer, ByteView message) override;
  void Drop(PeerId) override {}
  void Say(const qdiskd::ToQdiskd& message);
  // Of this node's slot in the last view; 0: none.
  [[nodiscard]] std::uint64_t SequenceOf(int node) const;

  qdiskd::local::View view;
  int held = 0;      // renewals
  bool gap = false;  // a lease had run out before the next one came, or it was taken away

 private:
  Loop& loop_;
  Handler handler_;
  std::optional<Lease> lease_;
};

class QuorumBench {
 public:
  QuorumBench();
  ~QuorumBench();
  QuorumBench(const QuorumBench&) = delete;
  QuorumBench& operator=(const QuorumBench&) = delete;

  // Superblock and blank slots for two nodes, straight onto the medium.
  void Format(std::size_t disk, std::uint8_t uuid);
  // Node 2's slot on one disk, as its daemon would write it.
  void WriteAsPeer(std::size_t disk, std::uint64_t sequence);
  bool HoldVote();  // false: not in time
  bool RunUntil(const std::function<bool()>& done, Duration patience = kBenchPatience);
  void RunFor(Duration d);

  std::unique_ptr<Loop> loop;
  std::vector<std::unique_ptr<IscsiTarget>> targets;
  std::vector<std::unique_ptr<IscsiDisk>> disks;
  BenchFacts facts;
  BenchState state;
  BenchIdentity identity;
  BenchDeath death;
  BenchConsumer server;
  std::unique_ptr<qdiskd::DiskRunner> runner;
};

}  // namespace fencepost::doubles
