#include "qdiskd/mkqdisk/report_json.h"

#include "base/text.h"

namespace fencepost::qdiskd::mkqdisk {
namespace {

std::int64_t Micros(Duration d) {
  return std::chrono::duration_cast<std::chrono::microseconds>(d).count();
}
Json PercentilesJson(const Percentiles& p) {
  return {{"p50", Micros(p.p50)},
          {"p90", Micros(p.p90)},
          {"p99", Micros(p.p99)},
          {"max", Micros(p.longest)},
          {"count", p.count}};
}
Json TriedJson(const Tried& tried) {
  Json answer = nullptr;
  if (tried.answer != Tried::Answer::kNotTried) answer = tried.answer == Tried::Answer::kYes;
  return {{"works", answer}, {"text", Printable(tried.text)}};
}
Json Maybe(const std::optional<bool>& value) { return value ? Json(*value) : Json(nullptr); }

Json ScsiJson(const ScsiAbilities& s) {
  return {{"product", Printable(s.product)},
          {"physical_bytes", s.physical_bytes},
          {"write_protected", s.write_protected},
          {"write_cache", Maybe(s.write_cache)},
          {"claims_fua", Maybe(s.claims_fua)},
          {"fua", TriedJson(s.fua)},
          {"flush", TriedJson(s.flush)},
          {"compare_and_write", TriedJson(s.compare_and_write)},
          {"write_atomic", TriedJson(s.write_atomic)},
          {"atomic_blocks", s.atomic_blocks},
          {"reservation_types", s.claimed_types},
          {"keeps_keys", Maybe(s.keeps_keys)},
          {"barrier", TriedJson(s.barrier)},
          {"barrier_us", Micros(s.barrier_took)},
          {"others_excluded", TriedJson(s.others_excluded)},
          {"session_reinstated", TriedJson(s.session_reinstated)},
          {"plain_write_us", Micros(s.plain_write)},
          {"fua_write_us", Micros(s.fua_write)},
          {"flushed_write_us", Micros(s.flushed_write)}};
}

Json TermJson(Term term) { return term.IsNone() ? Json(nullptr) : Json(ToText(term)); }

}  // namespace

Json SlotJson(NodeId node, const SlotPair& pair) {
  Json out;
  out["node"] = node.value();
  if (!IsReadable(pair.condition)) {
    out["unreadable"] = qdiskd::Explain(pair.condition);
    return out;
  }
  const Slot& s = pair.slot;
  out["state"] = SlotState(s);
  out["written_ms"] = s.wall_ms;
  out["boot"] = UuidText(s.boot.bytes);
  out["incarnation"] = s.incarnation.value();
  out["sequence"] = s.sequence;
  out["promise"] = TermJson(s.promise);
  out["held"] = TermJson(s.held);
  out["conceded"] = TermJson(s.conceded);
  out["score"] = s.report.score;
  out["votes"] = s.report.votes.value();
  out["hears"] = Json::array();
  for (int i = 1; i <= kMaxNodes; ++i) {
    if ((s.report.view >> (i - 1) & 1) != 0) out["hears"].push_back(i);
  }
  out["interval_ms"] = ToMillis(s.interval);
  out["latency_us"] = {
      {"p50", s.latency.p50_us}, {"p99", s.latency.p99_us}, {"max", s.latency.max_us}};
  out["version"] = Printable(s.version);
  return out;
}

Json DiskJson(const ListedDisk& disk) {
  Json out;
  out["device"] = Printable(disk.device);
  out["kind"] = disk.foreign ? "foreign" : "fencepost";
  out["sector_bytes"] = disk.info.sector_bytes;
  out["device_bytes"] = disk.info.size_bytes;
  out["designator"] = Printable(disk.info.designator);
  if (disk.foreign) {
    out["owner"] = disk.foreign->owner;
    out["label"] = disk.foreign->label;
    for (const auto& [name, value] : disk.foreign->fields) out["header"][name] = value;
    return out;
  }
  const Superblock& s = disk.superblock;
  const auto geometry = Geometry::Make(s.nodes, s.cib_units);
  out["label"] = Printable(s.label);
  out["cluster"] = Printable(s.cluster_name);
  out["cluster_id"] = UuidText(s.identity.cluster.bytes);
  out["disk_id"] = UuidText(s.identity.disk.bytes);
  out["created_ms"] = s.created_ms;
  out["host"] = Printable(s.creator_host);
  out["format"] = Cat(kFormatMajor, ".", s.minor);
  out["recorded_sector_bytes"] = s.sector_bytes;
  out["nodes"] = s.nodes;
  out["cib_bytes"] = std::uint64_t{s.cib_units} * kUnitBytes;
  out["used_bytes"] = geometry.ok() ? geometry->total_bytes() : 0;
  out["authentic"] = disk.authenticated;
  for (std::size_t i = 0; i < disk.slots.size(); ++i) {
    if (disk.slots[i].condition == Condition::kBlank) continue;
    Json slot = SlotJson(NodeId(static_cast<std::uint8_t>(i + 1)), disk.slots[i]);
    slot["living"] = static_cast<bool>(disk.living.at(i));
    out["slots"].push_back(slot);
  }
  for (const Outbox& box : disk.outboxes) {
    for (const OutMessage& m : box.messages) {
      out["messages"].push_back({{"from", box.node.value()},
                                 {"to", m.to.value()},
                                 {"kind", ToText(m.kind)},
                                 {"incarnation", box.incarnation.value()},
                                 {"number", m.number},
                                 {"term", Cat(m.term)},
                                 {"to_boot", UuidText(m.to_boot.bytes)},
                                 {"written_ms", box.wall_ms}});
    }
  }
  for (const AckBox& box : disk.acks) {
    for (const Acknowledgement& a : box.entries) {
      out["answers"].push_back({{"from", box.node.value()},
                                {"to", a.from.value()},
                                {"kind", ToText(a.kind)},
                                {"incarnation", a.from_incarnation.value()},
                                {"number", a.number},
                                {"answer", ToText(a.phase)},
                                {"watchdog_ms", ToMillis(a.watchdog)},
                                {"boot", UuidText(box.boot.bytes)},
                                {"written_ms", box.wall_ms}});
    }
  }
  return out;
}

Json RoundJson(std::uint64_t wall_ms, const std::vector<WatchedSlot>& slots, MonoTime now) {
  Json out;
  out["at_ms"] = wall_ms;
  out["slots"] = Json::array();
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (!slots[i].changed || slots[i].pair.condition == Condition::kBlank) continue;
    Json slot = SlotJson(NodeId(static_cast<std::uint8_t>(i + 1)), slots[i].pair);
    slot["live"] = slots[i].IsLive(now);
    slot["age_ms"] = ToMillis(now - *slots[i].changed);
    out["slots"].push_back(slot);
  }
  return out;
}

Json ProbeJson(const std::string& device, const ProbeFindings& f) {
  const Verdict verdict = Judge(f);
  Json out;
  out["device"] = Printable(device);
  out["can_carry_a_vote"] = verdict.vote == Verdict::Vote::kUnproven
                                ? Json(nullptr)
                                : Json(verdict.vote == Verdict::Vote::kCan);
  out["verdict"] = verdict.sentence;
  out["profile"] = verdict.profile.empty() ? Json(nullptr) : Json(verdict.profile);
  out["remarks"] = verdict.remarks;
  out["sector_bytes"] = f.info.sector_bytes;
  out["device_bytes"] = f.info.size_bytes;
  out["designator"] = Printable(f.info.designator);
  out["written"] = f.written;
  out["latency_us"] = {{"read", PercentilesJson(f.read)},
                       {"region", PercentilesJson(f.region)},
                       {"write", PercentilesJson(f.write)},
                       {"cycle", PercentilesJson(f.cycle)}};
  out["others_see_writes"] = Maybe(f.others_see_writes);
  out["torn"] = {{"seen", f.torn}, {"of", f.torn_rounds}};
  if (f.scsi) out["scsi"] = ScsiJson(*f.scsi);
  return out;
}

Json WhyJson(const DiskStory& story, NodeId node, const NodeNames& names) {
  const Explanation explanation = Explain(story, node, names);
  Json out;
  out["node"] = node.value();
  out["sentences"] = explanation.sentences;
  out["records"] = Json::array();
  for (const Told& told : explanation.about) {
    const Decision& d = told.record.decision;
    out["records"].push_back({{"at_ms", told.record.wall_ms},
                              {"by", told.by.value()},
                              {"number", told.record.number},
                              {"kind", static_cast<int>(d.kind)},
                              {"about", d.about.value() == 0 ? told.by.value() : d.about.value()},
                              {"term", TermJson(d.term)},
                              {"text", Printable(d.text)},
                              {"sentence", Sentence(d, told.by, names)}});
  }
  out["unreadable_units"] = story.unreadable;
  return out;
}

}  // namespace fencepost::qdiskd::mkqdisk
