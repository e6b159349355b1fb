#include "membership/messaging/wire_format.h"

namespace fencepost::messaging {
namespace {

constexpr std::uint8_t kLastAction = static_cast<std::uint8_t>(ResourceAction::kMonitor);
constexpr std::uint8_t kLastState = static_cast<std::uint8_t>(ResourceState::kStopFailed);
constexpr std::uint8_t kLastOutcome = static_cast<std::uint8_t>(Outcome::Kind::kNotExecuted);

// A reader that also remembers that a value was out of its range.
struct Reader {
  ByteReader bytes;
  bool in_range = true;
  template <class E>
  E GetEnum(std::uint8_t last) {
    const auto raw = bytes.Get<std::uint8_t>();
    in_range = in_range && raw <= last;
    return in_range ? static_cast<E>(raw) : E{};
  }
  bool GetBool() { return GetEnum<std::uint8_t>(1) != 0; }
  Term GetTerm() { return Term::FromValue(bytes.Get<std::uint64_t>()); }
  std::size_t GetCount(std::size_t limit) {
    const std::size_t count = bytes.Get<std::uint8_t>();
    in_range = in_range && count <= limit;
    return in_range ? count : 0;
  }
};

void Put(ByteWriter& w, bool b) { w.Put(static_cast<std::uint8_t>(b ? 1 : 0)); }
void Put(ByteWriter& w, Term t) { w.Put(t.value()); }
void Put(ByteWriter& w, const Outcome& o) {
  w.Put(static_cast<std::uint8_t>(o.kind));
  w.Put(static_cast<std::uint32_t>(o.code));
}
Outcome GetOutcome(Reader& r) {
  Outcome o;
  o.kind = r.GetEnum<Outcome::Kind>(kLastOutcome);
  o.code = static_cast<int>(r.bytes.Get<std::uint32_t>());
  return o;
}

void Put(ByteWriter& w, const StatusOnWire& s) {
  w.Put(static_cast<std::uint8_t>(s.state));
  Put(w, s.busy);
  Put(w, s.start_failed);
  Put(w, s.unfit);
  w.Put(static_cast<std::uint8_t>(s.failed_action));
  Put(w, s.failure);
  w.Put(s.fail_count);
}
StatusOnWire GetStatus(Reader& r) {
  StatusOnWire s;
  s.state = r.GetEnum<ResourceState>(kLastState);
  s.busy = r.GetBool();
  s.start_failed = r.GetBool();
  s.unfit = r.GetBool();
  s.failed_action = r.GetEnum<ResourceAction>(kLastAction);
  s.failure = GetOutcome(r);
  s.fail_count = r.bytes.Get<std::uint32_t>();
  return s;
}

void Put(ByteWriter& w, const Attributes& attributes) {
  w.Put(static_cast<std::uint8_t>(attributes.size()));
  for (const auto& [name, value] : attributes) {
    w.PutText(name);
    w.PutText(value);
  }
}
Attributes GetAttributes(Reader& r) {
  Attributes out;
  std::string before;  // names rise, so that equal attributes have equal bytes
  for (std::size_t i = r.GetCount(kMaxTransientAttributes); i > 0; --i) {
    std::string name = r.bytes.GetText();
    std::string value = r.bytes.GetText();
    r.in_range =
        r.in_range && name > before && !WhyNotAttributeName(name) && !WhyNotAttributeValue(value);
    if (!r.in_range) return {};
    before = name;
    out.emplace_hint(out.end(), std::move(name), std::move(value));
  }
  return out;
}

constexpr std::uint16_t kNever = UINT16_MAX;

void Put(ByteWriter& w, const FencedNode& fenced) {
  w.Put(fenced.node.value());
  w.Put(fenced.off_begun.value_or(kNever));
  for (const auto& ago : fenced.proved_off) w.Put(ago.value_or(kNever));
}
FencedNode GetFencedNode(Reader& r) {
  const auto ago = [&r]() -> std::optional<std::uint16_t> {
    const auto seconds = r.bytes.Get<std::uint16_t>();
    if (seconds == kNever) return std::nullopt;
    return seconds;
  };
  FencedNode fenced;
  fenced.node = NodeId(r.bytes.Get<std::uint8_t>());
  r.in_range = r.in_range && fenced.node.value() >= 1 && fenced.node.value() <= kMaxNodes;
  fenced.off_begun = ago();
  for (auto& proved : fenced.proved_off) proved = ago();
  return fenced;
}

void PutBody(ByteWriter& w, const Heartbeat& m) {
  w.PutBytes(m.boot.bytes);
  w.PutBytes(m.digest);
  w.Put(m.view);
  Put(w, m.highest_term);
  Put(w, m.term);
  Put(w, m.quorate);
  w.Put(static_cast<std::uint64_t>(m.remaining.count()));
  w.Put(m.echo);
  w.Put(m.echo_of.value());
  Put(w, m.authority);
  Put(w, m.leaving);
  Put(w, m.quiesced);
  Put(w, m.disk_ok);
  w.Put(m.disk_incarnation.value());
  w.Put(static_cast<std::uint8_t>(m.statuses.size()));
  for (const StatusOnWire& status : m.statuses) Put(w, status);
  w.Put(static_cast<std::uint8_t>(m.done.size()));
  for (const DoneOrder& done : m.done) {
    w.Put(done.operation);
    Put(w, done.outcome);
  }
  w.Put(static_cast<std::uint8_t>(m.fenced.size()));
  for (const FencedNode& fenced : m.fenced) Put(w, fenced);
  Put(w, m.attributes);
}
void GetBody(Reader& r, Heartbeat* m) {
  m->boot.bytes = r.bytes.GetArray<16>();
  m->digest = r.bytes.GetArray<16>();
  m->view = r.bytes.Get<std::uint64_t>();
  m->highest_term = r.GetTerm();
  m->term = r.GetTerm();
  m->quorate = r.GetBool();
  const auto remaining = r.bytes.Get<std::uint64_t>();
  constexpr std::uint64_t kLongest = 3'600'000'000'000;  // no lease lasts an hour
  r.in_range = r.in_range && remaining <= kLongest;
  m->remaining = Duration(static_cast<std::int64_t>(r.in_range ? remaining : 0));
  m->echo = r.bytes.Get<std::uint64_t>();
  m->echo_of = Incarnation(r.bytes.Get<std::uint64_t>());
  m->authority = r.GetTerm();
  m->leaving = r.GetBool();
  m->quiesced = r.GetBool();
  m->disk_ok = r.GetBool();
  m->disk_incarnation = Incarnation(r.bytes.Get<std::uint64_t>());
  for (std::size_t i = r.GetCount(kMaxStatuses); i > 0; --i) m->statuses.push_back(GetStatus(r));
  for (std::size_t i = r.GetCount(kMaxDone); i > 0; --i) {
    DoneOrder done;
    done.operation = r.bytes.Get<std::uint64_t>();
    done.outcome = GetOutcome(r);
    m->done.push_back(done);
  }
  for (std::size_t i = r.GetCount(kMaxFencedNodes); i > 0; --i) {
    m->fenced.push_back(GetFencedNode(r));
  }
  m->attributes = GetAttributes(r);
}

void PutBody(ByteWriter& w, const VoteAsk& m) {
  Put(w, m.term);
  w.Put(m.ask_id);
}
void GetBody(Reader& r, VoteAsk* m) {
  m->term = r.GetTerm();
  m->ask_id = r.bytes.Get<std::uint64_t>();
}
void PutBody(ByteWriter& w, const VoteAnswer& m) {
  Put(w, m.term);
  w.Put(m.ask_id);
  Put(w, m.granted);
  Put(w, m.highest);
}
void GetBody(Reader& r, VoteAnswer* m) {
  m->term = r.GetTerm();
  m->ask_id = r.bytes.Get<std::uint64_t>();
  m->granted = r.GetBool();
  m->highest = r.GetTerm();
}
void PutBody(ByteWriter& w, const VoteRelease& m) { Put(w, m.term); }
void GetBody(Reader& r, VoteRelease* m) { m->term = r.GetTerm(); }
void PutBody(ByteWriter& w, const OrderMessage& m) {
  Put(w, m.term);
  w.Put(m.operation);
  w.Put(m.resource);
  w.Put(static_cast<std::uint8_t>(m.action));
}
void GetBody(Reader& r, OrderMessage* m) {
  m->term = r.GetTerm();
  m->operation = r.bytes.Get<std::uint64_t>();
  m->resource = r.bytes.Get<std::uint16_t>();
  m->action = r.GetEnum<ResourceAction>(kLastAction);
}

template <std::size_t Index = 0>
bool GetAny(Reader& r, std::size_t type, Body* out) {
  if constexpr (Index == std::variant_size_v<Body>) {
    return false;
  } else {
    if (type != Index) return GetAny<Index + 1>(r, type, out);
    std::variant_alternative_t<Index, Body> body{};
    GetBody(r, &body);
    *out = std::move(body);
    return true;
  }
}

}  // namespace

Bytes Encode(const Packet& packet) {
  ByteWriter w;
  w.Put(kWireVersion);
  w.Put(static_cast<std::uint8_t>(packet.body.index()));
  w.Put(packet.from.value());
  w.Put(packet.to.value());
  w.Put(packet.incarnation.value());
  w.Put(packet.counter);
  std::visit([&](const auto& m) { PutBody(w, m); }, packet.body);
  return w.Take();
}

Result<Packet> Decode(ByteView bytes) {
  Reader r{ByteReader(bytes)};
  const auto version = r.bytes.Get<std::uint8_t>();
  const std::size_t type = r.bytes.Get<std::uint8_t>();
  if (!r.bytes.Ok()) return Error{"packet", "is too short", ""};
  if (version != kWireVersion) {
    return Error{"packet", Cat("has version ", version, ", this daemon speaks ", kWireVersion),
                 "run the same version on all nodes"};
  }
  Packet packet;
  packet.from = NodeId(r.bytes.Get<std::uint8_t>());
  packet.to = NodeId(r.bytes.Get<std::uint8_t>());
  packet.incarnation = Incarnation(r.bytes.Get<std::uint64_t>());
  packet.counter = r.bytes.Get<std::uint64_t>();
  if (!GetAny(r, type, &packet.body))
    return Error{"packet", Cat("has the unknown type ", type), ""};
  if (!r.bytes.Done()) return Error{"packet", Cat("of type ", type, " has a wrong length"), ""};
  if (!r.in_range) return Error{"packet", Cat("of type ", type, " holds an impossible value"), ""};
  return packet;
}

}  // namespace fencepost::messaging
