#include "qdiskd/local_protocol.h"

namespace fencepost::qdiskd {
namespace {

void Put(ByteWriter& w, Term term) { w.Put(term.value()); }
void Put(ByteWriter& w, MonoTime t) {
  w.Put(static_cast<std::uint64_t>(t.time_since_epoch().count()));
}
void Put(ByteWriter& w, Duration d) { w.Put(static_cast<std::uint64_t>(d.count())); }
void Put(ByteWriter& w, bool b) { w.Put(static_cast<std::uint8_t>(b ? 1 : 0)); }

Term GetTerm(ByteReader& r) { return Term::FromValue(r.Get<std::uint64_t>()); }
MonoTime GetTime(ByteReader& r) {
  return MonoTime(Duration(static_cast<std::int64_t>(r.Get<std::uint64_t>())));
}
Duration GetDuration(ByteReader& r) {
  return Duration(static_cast<std::int64_t>(r.Get<std::uint64_t>()));
}
bool GetBool(ByteReader& r) { return r.Get<std::uint8_t>() != 0; }

void Put(ByteWriter& w, const NodeReport& report) {
  w.Put(report.view);
  w.Put(static_cast<std::uint32_t>(report.score));
  w.Put(report.votes.value());
  Put(w, report.quorate);
  Put(w, report.quiesced);
  Put(w, report.left);
  Put(w, report.unfit);
}

NodeReport GetReport(ByteReader& r) {
  NodeReport report;
  report.view = r.Get<std::uint64_t>();
  report.score = static_cast<std::int32_t>(r.Get<std::uint32_t>());
  report.votes = Votes(r.Get<std::uint32_t>());
  report.quorate = GetBool(r);
  report.quiesced = GetBool(r);
  report.left = GetBool(r);
  report.unfit = GetBool(r);
  return report;
}

void Put(ByteWriter& w, const IoLatency& latency) {
  w.Put(latency.p50_us);
  w.Put(latency.p99_us);
  w.Put(latency.max_us);
}

IoLatency GetLatency(ByteReader& r) {
  IoLatency latency;
  latency.p50_us = r.Get<std::uint32_t>();
  latency.p99_us = r.Get<std::uint32_t>();
  latency.max_us = r.Get<std::uint32_t>();
  return latency;
}

void Put(ByteWriter& w, const NodeOnDisk& node) {
  const Slot& slot = node.slot;
  w.Put(node.node.value());
  w.PutBytes(slot.boot.bytes);
  w.Put(slot.incarnation.value());
  w.Put(slot.sequence);
  Put(w, slot.promise);
  Put(w, slot.held);
  Put(w, slot.conceded);
  w.PutBytes(slot.held_boot.bytes);
  Put(w, slot.report);
  Put(w, slot.interval);
  Put(w, slot.latency);
  w.Put(slot.wall_ms);
  w.PutText(slot.version);
  Put(w, node.fresh);
  Put(w, node.shared);
  w.Put(node.changes);
  Put(w, node.silent);
}

NodeOnDisk GetNode(ByteReader& r) {
  NodeOnDisk node;
  Slot& slot = node.slot;
  node.node = slot.node = NodeId(r.Get<std::uint8_t>());
  slot.boot.bytes = r.GetArray<16>();
  slot.incarnation = Incarnation(r.Get<std::uint64_t>());
  slot.sequence = r.Get<std::uint64_t>();
  slot.promise = GetTerm(r);
  slot.held = GetTerm(r);
  slot.conceded = GetTerm(r);
  slot.held_boot.bytes = r.GetArray<16>();
  slot.report = GetReport(r);
  slot.interval = GetDuration(r);
  slot.latency = GetLatency(r);
  slot.wall_ms = r.Get<std::uint64_t>();
  slot.version = r.GetText();
  node.fresh = GetBool(r);
  node.shared = GetBool(r);
  node.changes = r.Get<std::uint64_t>();
  node.silent = GetDuration(r);
  return node;
}

void Put(ByteWriter& w, const local::DiskState& disk) {
  w.PutText(disk.device);
  w.PutText(disk.uuid);
  w.PutText(disk.barrier);
  w.PutText(disk.trouble);
  Put(w, disk.latency);
}

local::DiskState GetDisk(ByteReader& r) {
  local::DiskState disk;
  disk.device = r.GetText();
  disk.uuid = r.GetText();
  disk.barrier = r.GetText();
  disk.trouble = r.GetText();
  disk.latency = GetLatency(r);
  return disk;
}

void Put(ByteWriter& w, const Fitness& fitness) {
  w.Put(static_cast<std::uint32_t>(fitness.score));
  w.Put(static_cast<std::uint32_t>(fitness.highest));
  w.Put(static_cast<std::uint32_t>(fitness.min_score));
  Put(w, fitness.fit);
  w.Put(static_cast<std::uint8_t>(fitness.heuristics.size()));
  for (const HeuristicView& each : fitness.heuristics) {
    w.PutText(each.name);
    w.Put(static_cast<std::uint8_t>(each.state));
    w.Put(static_cast<std::uint32_t>(each.score));
    w.PutText(each.last);
    Put(w, each.age);
  }
}

Fitness GetFitness(ByteReader& r) {
  Fitness out;
  out.score = static_cast<std::int32_t>(r.Get<std::uint32_t>());
  out.highest = static_cast<std::int32_t>(r.Get<std::uint32_t>());
  out.min_score = static_cast<std::int32_t>(r.Get<std::uint32_t>());
  out.fit = GetBool(r);
  const int count = r.Get<std::uint8_t>();
  for (int i = 0; i < count && r.Ok(); ++i) {
    HeuristicView each;
    each.name = r.GetText();
    each.state = static_cast<HeuristicState>(r.Get<std::uint8_t>());
    each.score = static_cast<std::int32_t>(r.Get<std::uint32_t>());
    each.last = r.GetText();
    each.age = GetDuration(r);
    out.heuristics.push_back(std::move(each));
  }
  return out;
}

// Each message: its fields, in order. The type byte is the place in the variant.
void PutBody(ByteWriter&, const local::Hello&) {}
void PutBody(ByteWriter&, const local::Watch&) {}
void PutBody(ByteWriter& w, const event::Want& m) {
  Put(w, m.term);
  Put(w, m.enough_votes);
}
void PutBody(ByteWriter& w, const event::Dropped& m) { Put(w, m.term); }
void PutBody(ByteWriter& w, const event::Report& m) { Put(w, m.report); }
void PutBody(ByteWriter& w, const event::PowerIsOff& m) {
  w.Put(m.node.value());
  Put(w, m.asked);
}
void PutBody(ByteWriter& w, const Decision& m) {
  w.Put(static_cast<std::uint8_t>(m.kind));
  w.Put(m.about.value());
  Put(w, m.term);
  w.PutText(m.text);
}
void PutBody(ByteWriter& w, const local::Welcome& m) {
  w.PutBytes(m.boot.bytes);
  w.Put(m.incarnation.value());
  w.PutText(m.device);
}
void PutBody(ByteWriter& w, const local::View& m) {
  Put(w, m.view.readable);
  Put(w, m.view.began);
  Put(w, m.view.highest_promise);
  Put(w, m.view.highest_held);
  w.Put(m.view.election.winners);
  w.Put(static_cast<std::uint8_t>(m.view.election.sides));
  w.PutText(m.view.election.why);
  w.Put(static_cast<std::uint8_t>(m.view.disks_ready));
  w.Put(static_cast<std::uint8_t>(m.view.disks));
  w.PutText(m.view.trouble);
  w.Put(static_cast<std::uint8_t>(m.view.nodes.size()));
  for (const NodeOnDisk& node : m.view.nodes) Put(w, node);
  w.Put(m.cycle_us);
  w.Put(static_cast<std::uint8_t>(m.disks.size()));
  for (const local::DiskState& disk : m.disks) Put(w, disk);
  Put(w, m.fitness);
}
void PutBody(ByteWriter& w, const notice::Held& m) {
  Put(w, m.lease.term);
  Put(w, m.lease.deadline);
}
void PutBody(ByteWriter& w, const notice::Waiting& m) {
  Put(w, m.term);
  Put(w, m.before);
  Put(w, m.since);
  Put(w, m.until);
}
void PutBody(ByteWriter& w, const notice::MustDrop& m) {
  Put(w, m.term);
  w.PutText(m.why);
}
void PutBody(ByteWriter& w, const notice::Refused& m) {
  Put(w, m.term);
  Put(w, m.seen);
  w.PutText(m.why);
}
void PutBody(ByteWriter& w, const local::SendMessage& m) {
  w.Put(static_cast<std::uint8_t>(m.kind));
  w.PutText(m.to);
  Put(w, m.not_after);
  w.PutText(m.by);
}
void PutBody(ByteWriter& w, const local::ClearMessage& m) {
  w.PutText(m.to);
  w.PutText(m.by);
}
void PutBody(ByteWriter& w, const local::AskPower& m) { w.PutText(m.node); }
void PutBody(ByteWriter& w, const local::FeedingEnded& m) { Put(w, m.watchdog); }
void PutBody(ByteWriter& w, const local::Die& m) {
  w.Put(m.by.value());
  w.Put(static_cast<std::uint8_t>(m.kind));
}
void PutBody(ByteWriter& w, const local::MessageEnd& m) {
  w.Put(static_cast<std::uint8_t>(m.proof));
  w.PutText(m.text);
}
void PutBody(ByteWriter& w, const local::PowerSaid& m) {
  w.Put(static_cast<std::uint8_t>(m.power));
  w.PutText(m.text);
}

void GetBody(ByteReader&, local::Hello*) {}
void GetBody(ByteReader&, local::Watch*) {}
void GetBody(ByteReader& r, event::Want* m) {
  m->term = GetTerm(r);
  m->enough_votes = GetBool(r);
}
void GetBody(ByteReader& r, event::Dropped* m) { m->term = GetTerm(r); }
void GetBody(ByteReader& r, event::Report* m) { m->report = GetReport(r); }
void GetBody(ByteReader& r, event::PowerIsOff* m) {
  m->node = NodeId(r.Get<std::uint8_t>());
  m->asked = GetTime(r);
}
void GetBody(ByteReader& r, Decision* m) {
  m->kind = static_cast<DecisionKind>(r.Get<std::uint8_t>());
  m->about = NodeId(r.Get<std::uint8_t>());
  m->term = GetTerm(r);
  m->text = r.GetText();
}
void GetBody(ByteReader& r, local::Welcome* m) {
  m->boot.bytes = r.GetArray<16>();
  m->incarnation = Incarnation(r.Get<std::uint64_t>());
  m->device = r.GetText();
}
void GetBody(ByteReader& r, local::View* m) {
  m->view.readable = GetBool(r);
  m->view.began = GetTime(r);
  m->view.highest_promise = GetTerm(r);
  m->view.highest_held = GetTerm(r);
  m->view.election.winners = r.Get<std::uint64_t>();
  m->view.election.sides = r.Get<std::uint8_t>();
  m->view.election.why = r.GetText();
  m->view.disks_ready = r.Get<std::uint8_t>();
  m->view.disks = r.Get<std::uint8_t>();
  m->view.trouble = r.GetText();
  const int nodes = r.Get<std::uint8_t>();
  for (int i = 0; i < nodes && r.Ok(); ++i) m->view.nodes.push_back(GetNode(r));
  m->cycle_us = r.Get<std::uint32_t>();
  const int disks = r.Get<std::uint8_t>();
  for (int i = 0; i < disks && r.Ok(); ++i) m->disks.push_back(GetDisk(r));
  m->fitness = GetFitness(r);
}
void GetBody(ByteReader& r, notice::Held* m) {
  m->lease.term = GetTerm(r);
  m->lease.deadline = GetTime(r);
}
void GetBody(ByteReader& r, notice::Waiting* m) {
  m->term = GetTerm(r);
  m->before = GetTerm(r);
  m->since = GetTime(r);
  m->until = GetTime(r);
}
void GetBody(ByteReader& r, notice::MustDrop* m) {
  m->term = GetTerm(r);
  m->why = r.GetText();
}
void GetBody(ByteReader& r, notice::Refused* m) {
  m->term = GetTerm(r);
  m->seen = GetTerm(r);
  m->why = r.GetText();
}

void GetBody(ByteReader& r, local::SendMessage* m) {
  m->kind = static_cast<MessageKind>(r.Get<std::uint8_t>());
  m->to = r.GetText();
  m->not_after = GetTime(r);
  m->by = r.GetText();
}
void GetBody(ByteReader& r, local::ClearMessage* m) {
  m->to = r.GetText();
  m->by = r.GetText();
}
void GetBody(ByteReader& r, local::AskPower* m) { m->node = r.GetText(); }
void GetBody(ByteReader& r, local::FeedingEnded* m) { m->watchdog = GetDuration(r); }
void GetBody(ByteReader& r, local::Die* m) {
  m->by = NodeId(r.Get<std::uint8_t>());
  m->kind = static_cast<MessageKind>(r.Get<std::uint8_t>());
}
void GetBody(ByteReader& r, local::MessageEnd* m) {
  m->proof = static_cast<MessageProof>(r.Get<std::uint8_t>());
  m->text = r.GetText();
}
void GetBody(ByteReader& r, local::PowerSaid* m) {
  m->power = static_cast<NodePower>(r.Get<std::uint8_t>());
  m->text = r.GetText();
}

template <class Variant>
Bytes EncodeAny(const Variant& message) {
  ByteWriter w;
  w.Put(kLocalVersion);
  w.Put(static_cast<std::uint8_t>(message.index()));
  std::visit([&](const auto& m) { PutBody(w, m); }, message);
  return w.Take();
}

template <class Variant, std::size_t Index = 0>
Result<Variant> DecodeBody(ByteReader& r, std::size_t type) {
  if constexpr (Index == std::variant_size_v<Variant>) {
    return Error{"local message", Cat("has the unknown type ", type), "update all of Fencepost"};
  } else {
    if (type != Index) return DecodeBody<Variant, Index + 1>(r, type);
    std::variant_alternative_t<Index, Variant> body{};
    GetBody(r, &body);
    if (!r.Done()) return Error{"local message", Cat("of type ", type, " has a wrong length"), ""};
    return Variant(std::move(body));
  }
}

template <class Variant>
Result<Variant> DecodeAny(ByteView bytes) {
  ByteReader r(bytes);
  const auto version = r.Get<std::uint8_t>();
  const std::size_t type = r.Get<std::uint8_t>();
  if (!r.Ok()) return Error{"local message", "is too short", ""};
  if (version != kLocalVersion) {
    return Error{"local message",
                 Cat("has version ", version, ", this program speaks ", kLocalVersion),
                 "update all of Fencepost on this node"};
  }
  return DecodeBody<Variant>(r, type);
}

}  // namespace

Bytes Encode(const ToQdiskd& message) { return EncodeAny(message); }
Bytes Encode(const FromQdiskd& message) { return EncodeAny(message); }
Result<ToQdiskd> DecodeToQdiskd(ByteView bytes) { return DecodeAny<ToQdiskd>(bytes); }
Result<FromQdiskd> DecodeFromQdiskd(ByteView bytes) { return DecodeAny<FromQdiskd>(bytes); }

}  // namespace fencepost::qdiskd
