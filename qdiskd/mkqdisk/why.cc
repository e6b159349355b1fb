#include "qdiskd/mkqdisk/why.h"

#include <algorithm>
#include <tuple>

#include "base/text.h"
#include "qdiskd/mkqdisk/listing.h"

namespace fencepost::qdiskd::mkqdisk {
namespace {

// What a record says, in words: "before WHOM behind".
struct Phrase {
  DecisionKind kind;
  const char* before;
  bool names_whom;
  const char* behind;
};
constexpr Phrase kPhrases[] = {
    {DecisionKind::kStarted, "qdiskd started", false, ""},
    {DecisionKind::kStopped, "qdiskd was stopped", false, ""},
    {DecisionKind::kDropped, "records were dropped", false, ""},
    {DecisionKind::kDiskLost, "lost the disk", false, ""},
    {DecisionKind::kDiskBack, "has the disk again", false, ""},
    {DecisionKind::kPromises, "wants the disk's vote", false, ""},
    {DecisionKind::kHolds, "holds the disk's vote", false, ""},
    {DecisionKind::kMustDrop, "must drop the disk's vote", false, ""},
    {DecisionKind::kConcedes, "conceded the disk's vote", false, ""},
    {DecisionKind::kConsumerGone, "fencepostd is gone", false, ""},
    {DecisionKind::kObeysMessage, "obeys a message of ", true, ""},
    {DecisionKind::kCoordinates, "is quorate and coordinates", false, ""},
    {DecisionKind::kQuorumLost, "lost its quorum", false, ""},
    {DecisionKind::kStandsDown, "stands down", false, ""},
    {DecisionKind::kFollows, "follows ", true, ""},
    {DecisionKind::kGivesUp, "gives up its authority", false, ""},
    {DecisionKind::kStopsAll, "stops everything", false, ""},
    {DecisionKind::kQuiesced, "runs nothing and may start nothing", false, ""},
    {DecisionKind::kLeaves, "leaves", false, ""},
    {DecisionKind::kMemberJoined, "", true, " joined"},
    {DecisionKind::kMemberLost, "lost ", true, ""},
    {DecisionKind::kFenceDecided, "decided to fence ", true, ""},
    {DecisionKind::kFenced, "fenced ", true, ""},
    {DecisionKind::kFenceFailed, "could not fence ", true, ""},
    {DecisionKind::kPowerIsOff, "found ", true, " powered off"},
    {DecisionKind::kEvidence, "has evidence about ", true, ""},
    {DecisionKind::kOrders, "orders on ", true, ""},
    {DecisionKind::kMessageSent, "tells ", true, ""},
    {DecisionKind::kMessageEnded, "told ", true, ""},
};

auto OrderOf(const Told& told) {
  return std::tuple(told.record.wall_ms, told.by, told.record.number);
}
auto ContentOf(const Told& told) {
  const Decision& d = told.record.decision;
  return std::tuple(told.record.wall_ms, told.by, d.kind, d.about, d.term, d.text);
}

void Sort(std::vector<Told>& records) {
  std::sort(records.begin(), records.end(),
            [](const Told& a, const Told& b) { return OrderOf(a) < OrderOf(b); });
}

// What others say about the node, and what it says of itself.
bool IsAbout(const Told& told, NodeId node) {
  const Decision& d = told.record.decision;
  return d.about == node || told.by == node;
}

// The last record that fits; nullptr: none.
template <class Fits>
const Told* Last(const std::vector<Told>& records, Fits fits) {
  const auto found = std::find_if(records.rbegin(), records.rend(), fits);
  return found == records.rend() ? nullptr : &*found;
}

std::string TermText(Term term) { return term.IsNone() ? "" : Cat(", term ", term); }

std::string When(const Told& told) { return InstantText(told.record.wall_ms); }

struct Teller {
  const DiskStory& story;
  const NodeId node;
  const NodeNames& names;
  std::vector<Told> about;
  std::vector<std::string> sentences;

  [[nodiscard]] std::string Name(NodeId id) const { return NameOf(id, names); }
  [[nodiscard]] const Told* LastOf(DecisionKind kind, bool by_itself) const {
    return Last(about, [&](const Told& t) {
      return t.record.decision.kind == kind &&
             (by_itself ? t.by == node : t.record.decision.about == node && t.by != node);
    });
  }
  [[nodiscard]] static bool Later(const Told* a, const Told* b) {
    return a != nullptr && (b == nullptr || OrderOf(*a) > OrderOf(*b));
  }

  void Fencing() {
    const Told* decided = LastOf(DecisionKind::kFenceDecided, false);
    const Told* fenced = LastOf(DecisionKind::kFenced, false);
    const Told* failed = LastOf(DecisionKind::kFenceFailed, false);
    if (fenced != nullptr) {
      const Decision& d = fenced->record.decision;
      sentences.push_back(Cat(Name(node), " was fenced by ", Name(fenced->by), " at ",
                              When(*fenced), TermText(d.term), ": ", Printable(d.text), "."));
    }
    if (Later(failed, fenced)) {
      sentences.push_back(Cat("Fencing it failed at ", When(*failed), " by ", Name(failed->by),
                              ": ", Printable(failed->record.decision.text), "."));
    }
    if (decided == nullptr) {
      if (fenced == nullptr && failed == nullptr) {
        sentences.push_back(Cat("No record on this disk says that ", Name(node), " was fenced."));
      }
      return;
    }
    const bool open = Later(decided, fenced) && Later(decided, failed);
    sentences.push_back(Cat(Name(decided->by), " decided ", open ? "to fence it" : "that", " at ",
                            When(*decided), TermText(decided->record.decision.term),
                            ", because: ", Printable(decided->record.decision.text),
                            open ? "; no outcome of it is recorded." : "."));
  }

  void Loss() {
    const Told* lost = LastOf(DecisionKind::kMemberLost, false);
    const Told* evidence = LastOf(DecisionKind::kEvidence, false);
    if (lost != nullptr) {
      sentences.push_back(Cat(Name(lost->by), " lost it as a member at ", When(*lost),
                              TermText(lost->record.decision.term), ": ",
                              Printable(lost->record.decision.text), "."));
    }
    if (Later(evidence, lost)) {
      sentences.push_back(Cat("Its services could be recovered from ", When(*evidence),
                              " on this evidence of ", Name(evidence->by), ": ",
                              Printable(evidence->record.decision.text), "."));
    }
  }

  void Vote() {
    const Told* held = LastOf(DecisionKind::kHolds, true);
    if (held == nullptr) return;
    const Term term = held->record.decision.term;
    const Told* conceded = Last(about, [&](const Told& t) {
      return t.by == node && t.record.decision.kind == DecisionKind::kConcedes &&
             t.record.decision.term >= term;
    });
    const Told* taken = Last(story.records, [&](const Told& t) {
      return t.by != node && t.record.decision.kind == DecisionKind::kHolds &&
             t.record.decision.term > term;
    });
    std::string text = Cat("It held the disk's vote in term ", term, " from ", When(*held));
    if (conceded != nullptr) {
      text += Cat(" until it conceded it at ", When(*conceded));
    } else if (taken != nullptr) {
      text += Cat("; it never conceded it, and ", Name(taken->by), " held it from ", When(*taken),
                  " (term ", taken->record.decision.term, "), when that lease was over");
    }
    sentences.push_back(text + ".");
  }

  void LastWords() {
    const std::size_t index = std::size_t{node.value()} - 1;
    if (node.value() == 0 || index >= story.slots.size()) return;
    const SlotPair& pair = story.slots[index];
    if (!IsReadable(pair.condition)) {
      sentences.push_back(Cat("Its heartbeat on the disk ", qdiskd::Explain(pair.condition), "."));
    } else if (pair.condition == Condition::kBlank) {
      sentences.push_back("It has never written a heartbeat on this disk.");
    } else {
      sentences.push_back(Cat("Its last heartbeat on the disk is of ",
                              InstantText(pair.slot.wall_ms), " (start ", pair.slot.incarnation,
                              ", ", SlotState(pair.slot), ")."));
    }
  }

  void Return() {
    const Told* started = LastOf(DecisionKind::kStarted, true);
    const Told* fenced = LastOf(DecisionKind::kFenced, false);
    const Told* left = LastOf(DecisionKind::kLeaves, true);
    if (Later(left, started)) {
      sentences.push_back(Cat("It left at ", When(*left), "."));
    }
    if (fenced != nullptr && Later(started, fenced)) {
      sentences.push_back(Cat("Its qdiskd has been started again since, at ", When(*started), "."));
    }
  }
};

}  // namespace

std::string NameOf(NodeId node, const NodeNames& names) {
  const auto name = names.find(node);
  return name == names.end() ? Cat("node ", node) : Cat("node ", node, " (", name->second, ")");
}

Result<DiskStory, IoError> ReadStory(WaitingDisk& disk, const Superblock& superblock,
                                     const MacFunction& mac) {
  const auto geometry = *Geometry::Make(superblock.nodes, superblock.cib_units);
  DiskStory story;
  const auto region =
      disk.Read(geometry.RegionOffset(Region::kHeartbeat),
                static_cast<std::uint32_t>(geometry.RegionBytes(Region::kHeartbeat)));
  if (!region.ok()) return region.error();
  story.slots = DecodeHeartbeats(*region, geometry, superblock.identity, mac);
  for (int i = 1; i <= superblock.nodes; ++i) {
    const NodeId node(static_cast<std::uint8_t>(i));
    const auto ring = disk.Read(geometry.Offset(Region::kRecorder, node, 0),
                                std::uint32_t{kRecorderUnits} * kUnitBytes);
    if (!ring.ok()) return ring.error();
    std::map<std::uint64_t, Record> records;  // a page may be there in two versions
    for (const DecodedPage& page : DecodeRing(*ring, node, geometry, superblock.identity, mac)) {
      if (!IsReadable(page.condition)) ++story.unreadable;
      for (const Record& record : page.page.records) records[record.number] = record;
    }
    for (const auto& [number, record] : records) story.records.push_back({node, record});
  }
  Sort(story.records);
  return story;
}

void Merge(DiskStory& into, DiskStory other) {
  into.unreadable += other.unreadable;
  for (Told& told : other.records) {
    const bool known = std::any_of(into.records.begin(), into.records.end(),
                                   [&](const Told& t) { return ContentOf(t) == ContentOf(told); });
    if (!known) into.records.push_back(std::move(told));
  }
  Sort(into.records);
  for (std::size_t i = 0; i < other.slots.size() && i < into.slots.size(); ++i) {
    SlotPair& mine = into.slots[i];
    const SlotPair& theirs = other.slots[i];
    if (!IsReadable(theirs.condition)) continue;
    if (!IsReadable(mine.condition) || IsNewer(theirs.slot, mine.slot)) mine = theirs;
  }
}

std::string Sentence(const Decision& d, NodeId by, const NodeNames& names) {
  const std::string whom =
      d.about.value() == 0 || d.about == by ? "itself" : NameOf(d.about, names);
  const auto phrase = std::find_if(std::begin(kPhrases), std::end(kPhrases),
                                   [&](const Phrase& p) { return p.kind == d.kind; });
  const std::string words =
      phrase == std::end(kPhrases)
          ? Cat("did something that this version does not know (kind ", static_cast<int>(d.kind),
                ")")
          : Cat(phrase->before, phrase->names_whom ? whom : "", phrase->behind);
  return Cat(words, d.text.empty() ? "" : ": ", Printable(d.text));
}

Explanation Explain(const DiskStory& story, NodeId node, const NodeNames& names) {
  Teller teller{story, node, names, {}, {}};
  std::copy_if(story.records.begin(), story.records.end(), std::back_inserter(teller.about),
               [&](const Told& told) { return IsAbout(told, node); });
  teller.Fencing();
  teller.Loss();
  teller.Vote();
  teller.LastWords();
  teller.Return();
  return {std::move(teller.sentences), std::move(teller.about)};
}

std::string WhyText(const DiskStory& story, NodeId node, const NodeNames& names) {
  const Explanation explanation = Explain(story, node, names);
  std::string out;
  for (const std::string& sentence : explanation.sentences) out += Cat(sentence, "\n");
  out += Cat("\nRecords about ", NameOf(node, names), " (each writer's own clock, UTC):\n");
  for (const Told& told : explanation.about) {
    out += Cat("  ", When(told), "  ", NameOf(told.by, names), TermText(told.record.decision.term),
               "  ", Sentence(told.record.decision, told.by, names), "\n");
  }
  if (explanation.about.empty()) out += "  none\n";
  if (story.unreadable > 0) {
    out += Cat(story.unreadable, " units of the flight recorders could not be read.\n");
  }
  return out;
}

}  // namespace fencepost::qdiskd::mkqdisk
