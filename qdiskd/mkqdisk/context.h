// What every action of mkqdisk(8) works with: options, whose cluster it is, devices that wait.
//
// Promise: no secret is printed. Errors: Fail prints to err (and into the JSON), and returns the
//          exit code. Ownership: loop and Io outlive it.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/config/config.h"
#include "env/linux/loop.h"
#include "qdiskd/mkqdisk/mkqdisk.h"
#include "qdiskd/mkqdisk/options.h"
#include "qdiskd/mkqdisk/report_json.h"

namespace fencepost::qdiskd::mkqdisk {

inline constexpr int kDone = 0, kFailed = 1, kUsage = 2;
inline constexpr Duration kPatience = Millis(10'000);  // of one request to the device
inline constexpr NodeId kNobody(0);                    // whose key and lock mkqdisk writes with

// Whose disk it is, and what proves it.
struct Cluster {
  std::string name;
  ClusterId id;
  std::optional<MacFunction> mac;
  std::optional<config::QuorumDiskConfig> disk;
  NodeNames nodes;
  Duration lease{};  // 0: not known
};

class Context {
 public:
  Context(Options given, Loop& run, Io& streams)
      : options(std::move(given)), loop(run), io(streams) {}

  // Prints why not. Listing does without a key, the others do not.
  bool LoadCluster();
  Result<std::unique_ptr<BlockDevice>> Device(const config::DiskUrl& url);
  WaitingDisk Waiting(BlockDevice& device);
  [[nodiscard]] std::string SecretFile(const config::DiskUrl& url) const;
  // The devices to look at: the configured ones, then those that were given.
  [[nodiscard]] std::vector<std::string> Devices() const;
  // The superblock of a disk of this cluster, proven by its key; the error is in words.
  Result<Superblock, std::string> Prove(ByteView head) const;
  int Fail(const std::string& text);
  // With --json: what was collected, as one document. Called once, at the end.
  int Finish(int code);

  const Options options;
  Loop& loop;
  Io& io;
  Cluster cluster;
  Json json = Json::object();
};

int Create(Context& context);
int List(Context& context);
int Why(Context& context);
int Probe(Context& context);

}  // namespace fencepost::qdiskd::mkqdisk
