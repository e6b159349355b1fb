// "Why was node 2 fenced?", told from the disk: flight recorders and last heartbeats of all nodes.
//
// Promise: nothing is written, and nothing is invented: each sentence names whose record it is.
//          Text from the disk is printable when it leaves here. What could not be read is counted.
// Time:    the wall clock of each writer, UTC: good for people; clocks may differ between nodes.
// Errors:  IoError of the device.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "qdiskd/mkqdisk/waiting_disk.h"
#include "qdiskd/recorder_format.h"

namespace fencepost::qdiskd::mkqdisk {

struct Told {
  NodeId by;
  Record record;
};
struct DiskStory {
  std::vector<Told> records;    // in the order of time, each once
  std::vector<SlotPair> slots;  // the heartbeats of nodes 1, 2, ...
  int unreadable = 0;           // units of the recorders
};
Result<DiskStory, IoError> ReadStory(WaitingDisk& disk, const Superblock& superblock,
                                     const MacFunction& mac);
// Records of several disks of one cluster as one story.
void Merge(DiskStory& into, DiskStory other);

using NodeNames = std::map<NodeId, std::string>;
// "node 2 (db2)", "node 2" where there is no name.
[[nodiscard]] std::string NameOf(NodeId node, const NodeNames& names);
// "decided to fence node 2 (db2)", with the record's text behind it.
[[nodiscard]] std::string Sentence(const Decision& decision, NodeId by, const NodeNames& names);

// What became of `node` in the end, and the records that a sentence rests on.
struct Explanation {
  std::vector<std::string> sentences;
  std::vector<Told> about;  // everything about it, oldest first
};
[[nodiscard]] Explanation Explain(const DiskStory& story, NodeId node, const NodeNames& names);
[[nodiscard]] std::string WhyText(const DiskStory& story, NodeId node, const NodeNames& names);

}  // namespace fencepost::qdiskd::mkqdisk
