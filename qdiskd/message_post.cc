#include "qdiskd/message_post.h"

#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace fencepost::qdiskd {
namespace {

template <class... Calls>
struct Overloaded : Calls... {
  using Calls::operator()...;
};
template <class... Calls>
Overloaded(Calls...) -> Overloaded<Calls...>;

}  // namespace

Death DeathOf(MessageKind kind) {
  FENCEPOST_CHECK(Kills(kind));
  return kind == MessageKind::kOff         ? Death::kOff
         : kind == MessageKind::kCrashdump ? Death::kCrashdump
                                           : Death::kReset;
}

MessagePost::MessagePost(Settings settings, Ports ports, Handler handler)
    : settings_(std::move(settings)),
      ports_(ports),
      handler_(std::move(handler)),
      sender_(settings_.sender),
      target_({settings_.sender.self, settings_.sender.boot, settings_.sender.incarnation,
               settings_.sender.interval, settings_.sender.io_timeout}) {}

MessagePost::~MessagePost() { Close(); }

void MessagePost::Close() {
  closed_ = true;
  for (const TimerId timer : {tick_, sender_wake_, target_wake_}) ports_.clock.Cancel(timer);
}

Fact MessagePost::About(Severity severity, std::string_view name) const {
  return Fact{severity, name, {}}.With("node", settings_.sender.self);
}

MonoTime MessagePost::Deadline() const { return ports_.clock.Now() + settings_.sender.io_timeout; }

MessagePost::OwnPair& MessagePost::PairOf(int disk, Region region) {
  return region == Region::kOutbox ? At(disk).outbox : At(disk).acks;
}

void MessagePost::Start(std::vector<DiskLink*> links) {
  disks_.resize(links.size());
  for (std::size_t i = 0; i < links.size(); ++i) disks_[i].link = links[i];
  Tick();
}

void MessagePost::Tick() {
  for (int disk = 0; disk < static_cast<int>(disks_.size()); ++disk) {
    ReadBoxes(disk);
    if (!sender_.Idle()) ReadAcks(disk);
  }
  if (!sender_.Idle()) ViewChanged();
  tick_ = ports_.clock.CallAt(ports_.clock.Now() + settings_.sender.interval, [this] { Tick(); });
}

void MessagePost::LinkReady(int disk) {
  Load(disk, Region::kOutbox);
  Load(disk, Region::kAck);
  ReadBoxes(disk);
}

void MessagePost::SessionOver(int disk) {
  Disk& each = At(disk);
  const bool unsure = each.outbox.state == OwnPair::State::kWriting || each.outbox.wanted;
  const std::string why = each.link->trouble();
  each = Disk{each.link, false, false, {}, {}};
  // What should be there is written as soon as the disk is back.
  each.outbox.wanted = outbox_.sequence != 0;
  each.acks.wanted = ack_sequence_ != 0;
  Step(TargetEvent(target::SessionOver{disk}));
  if (unsure) Step(SenderEvent(sender::BoxFailed{disk, outbox_.sequence, why}));
}

void MessagePost::ViewChanged() { Step(SenderEvent(sender::Saw{handler_.view()})); }

void MessagePost::ReadBoxes(int disk) {
  if (!Ready(disk) || std::exchange(At(disk).reading_boxes, true)) return;
  const MonoTime began = ports_.clock.Now();
  At(disk).link->ReadAll(
      Region::kOutbox, Deadline(), Alive([this, disk, began](const Result<Bytes, IoError>& all) {
        At(disk).reading_boxes = false;
        if (!all.ok()) {
          if (!std::exchange(unreadable_told_, true)) {
            ports_.facts.Record(About(Severity::kError, "message-boxes-unreadable")
                                    .With("disk", disk)
                                    .With("why", all.error().text));
          }
          return;
        }
        const DiskLink& link = *At(disk).link;
        const auto boxes =
            DecodeOutboxes(*all, *link.geometry(), link.superblock()->identity, link.mac());
        target::BoxesRead read{disk, began, {}, handler_.view().highest_promise};
        for (const NodeId node : settings_.nodes) {
          const auto& pair = boxes.at(std::size_t{node.value()} - 1);
          const bool ok = pair.condition == Condition::kOk;
          read.boxes.push_back(ok ? std::optional(pair.box) : std::nullopt);
        }
        Step(TargetEvent(std::move(read)));
      }));
}

void MessagePost::ReadAcks(int disk) {
  if (!Ready(disk) || std::exchange(At(disk).reading_acks, true)) return;
  At(disk).link->ReadAll(
      Region::kAck, Deadline(), Alive([this, disk](const Result<Bytes, IoError>& all) {
        At(disk).reading_acks = false;
        if (!all.ok()) return;
        const DiskLink& link = *At(disk).link;
        sender::AcksRead read{ports_.clock.Now(), {}};
        for (auto& pair :
             DecodeAckBoxes(*all, *link.geometry(), link.superblock()->identity, link.mac())) {
          const bool ok = pair.condition == Condition::kOk;
          read.boxes.push_back(ok ? std::optional(std::move(pair.box)) : std::nullopt);
        }
        Step(SenderEvent(std::move(read)));
      }));
}

void MessagePost::Load(int disk, Region region) {
  if (!Ready(disk)) return;
  PairOf(disk, region).state = OwnPair::State::kLoading;
  At(disk).link->ReadOwn(region, Deadline(),
                         Alive([this, disk, region](const Result<Bytes, IoError>& pair) {
                           Loaded(disk, region, pair);
                         }));
}

// What cannot be read there holds nothing of ours that anybody could have read: copy A is next.
void MessagePost::Loaded(int disk, Region region, const Result<Bytes, IoError>& pair) {
  OwnPair& own = PairOf(disk, region);
  own.state = OwnPair::State::kIdle;
  bool holds_messages = false;
  if (pair.ok()) {
    const DiskLink& link = *At(disk).link;
    const NodeId self = settings_.sender.self;
    if (region == Region::kOutbox) {
      const auto box =
          DecodeOutboxPair(*pair, self, *link.geometry(), link.superblock()->identity, link.mac());
      own.next_copy = box.write_next;
      holds_messages = !box.box.messages.empty();
    } else {
      own.next_copy =
          DecodeAckPair(*pair, self, *link.geometry(), link.superblock()->identity, link.mac())
              .write_next;
    }
  }
  if (holds_messages && outbox_.sequence == 0) Step(SenderEvent(sender::DiskReady{true}));
  MayWrite(disk, region);
}

void MessagePost::Want(Region region) {
  for (int disk = 0; disk < static_cast<int>(disks_.size()); ++disk) {
    PairOf(disk, region).wanted = true;
    MayWrite(disk, region);
  }
}

void MessagePost::MayWrite(int disk, Region region) {
  OwnPair& own = PairOf(disk, region);
  if (!own.wanted || !Ready(disk) || own.state != OwnPair::State::kIdle) return;
  own.wanted = false;
  own.state = OwnPair::State::kWriting;
  const bool box = region == Region::kOutbox;
  const std::uint64_t version = box ? outbox_.sequence : target_.version();
  const DiskLink::Encode encode = [&](const Place& place, const DiskIdentity& identity,
                                      const MacFunction& mac) {
    if (box) {
      outbox_.wall_ms = settings_.wall_ms();
      return EncodeOutbox(outbox_, place, identity, mac);
    }
    const SenderSettings& me = settings_.sender;
    return EncodeAckBox(
        {me.self, me.boot, me.incarnation, ++ack_sequence_, settings_.wall_ms(), target_.Acks()},
        place, identity, mac);
  };
  At(disk).link->WriteOwn(region, own.next_copy, encode, Deadline(),
                          Alive([this, disk, region, version](const Result<Ok, IoError>& result) {
                            Written(disk, region, version, result);
                          }));
}

void MessagePost::Written(int disk, Region region, std::uint64_t version,
                          const Result<Ok, IoError>& result) {
  if (!result.ok()) {  // the session ends: SessionOver follows
    PairOf(disk, region).state = OwnPair::State::kUnknown;
    if (region == Region::kOutbox) {
      Step(SenderEvent(sender::BoxFailed{disk, version, result.error().text}));
    }
    return;
  }
  OwnPair& own = PairOf(disk, region);
  own.state = OwnPair::State::kIdle;
  own.next_copy = 1 - own.next_copy;
  if (region == Region::kOutbox) {
    Step(SenderEvent(sender::BoxWritten{version}));
  } else {
    Step(TargetEvent(target::Acknowledged{version}));
  }
  MayWrite(disk, region);
}

void MessagePost::SetWake(TimerId& timer, MonoTime at, const std::function<void()>& call) {
  ports_.clock.Cancel(timer);
  timer = at == kNever || closed_ ? 0 : ports_.clock.CallAt(at, call);
}

void MessagePost::Step(const SenderEvent& event) {
  if (!closed_) Perform(sender_.Step(ports_.clock.Now(), event));
}

void MessagePost::Step(const TargetEvent& event) {
  if (!closed_) Perform(target_.Step(ports_.clock.Now(), event));
}

void MessagePost::Perform(SenderEffects effects) {
  for (const Fact& fact : effects.facts) ports_.facts.Record(fact);
  for (const Decision& decision : effects.decisions) handler_.keep(decision);
  SetWake(sender_wake_, effects.wake_at, [this] { Step(SenderEvent(sender::Wake{})); });
  for (const MessageAnswer& answer : effects.answers) {
    const auto peer = asked_.find(answer.id);
    if (peer == asked_.end()) continue;
    handler_.answer(peer->second, local::MessageEnd{answer.proof, answer.text});
    asked_.erase(peer);
  }
  if (!effects.write) return;
  outbox_ = std::move(*effects.write);
  const std::uint64_t sequence = outbox_.sequence;
  Want(Region::kOutbox);
  for (int disk = 0; disk < static_cast<int>(disks_.size()); ++disk) {
    if (Ready(disk)) continue;
    Step(SenderEvent(sender::BoxFailed{disk, sequence, At(disk).link->trouble()}));
  }
}

void MessagePost::Perform(TargetEffects effects) {
  for (const Fact& fact : effects.facts) ports_.facts.Record(fact);
  for (const Decision& decision : effects.decisions) handler_.keep(decision);
  SetWake(target_wake_, effects.wake_at, [this] { Step(TargetEvent(target::Wake{})); });
  if (effects.quiet) Quiet(*effects.quiet);
  if (effects.acknowledge) Want(Region::kAck);
  if (effects.act) Act(*effects.act);
  if (effects.exit) handler_.exit();
}

void MessagePost::Quiet(const Sentence& sentence) {
  const Status marked = ports_.death.Mark(settings_.sender.boot, DeathOf(sentence.kind));
  marked_ = marked.ok();
  if (!marked_) {
    ports_.facts.Record(
        About(Severity::kError, "condemned-without-mark").With("why", marked.error().Text()));
  }
  handler_.end_heartbeats();
  handler_.tell_consumer({sentence.by, sentence.kind});
}

void MessagePost::FeedingEnded(Duration watchdog) {
  Step(TargetEvent(target::FeedingEnded{marked_ ? watchdog : Duration()}));
}

void MessagePost::Act(const Sentence& sentence) {
  const Status done = ports_.death.Act(DeathOf(sentence.kind));
  if (done.ok()) return;
  ports_.facts.Record(
      About(Severity::kCritical, "node-does-not-die").With("why", done.error().Text()));
}

std::optional<NodeId> MessagePost::NodeNamed(const std::string& name) const {
  for (const auto& [node, each] : settings_.sender.names) {
    if (each == name || Cat(node) == name) return node;
  }
  return std::nullopt;
}

void MessagePost::Asked(PeerId peer, const ToQdiskd& request) {
  const auto unknown = [](const std::string& name) {
    return Cat(name, ": there is no such node in the configuration");
  };
  std::visit(
      Overloaded{
          [&](const local::SendMessage& m) { Send(peer, m); },
          [&](const local::ClearMessage& m) {
            const auto node = NodeNamed(m.to);
            if (!node) {
              return handler_.answer(peer, local::MessageEnd{MessageProof::kNone, unknown(m.to)});
            }
            Step(SenderEvent(sender::Clear{*node, m.by}));
            handler_.answer(peer, local::MessageEnd{MessageProof::kAnswered,
                                                    Cat(m.to, ": no message of this node")});
          },
          [&](const local::AskPower& m) {
            const auto node = NodeNamed(m.node);
            ViewChanged();
            const NodePowerAnswer said =
                node ? sender_.PowerOf(ports_.clock.Now(), *node)
                     : NodePowerAnswer{NodePower::kUnknown, unknown(m.node)};
            handler_.answer(peer, local::PowerSaid{said.power, said.text});
          },
          [](const auto&) {}},
      request);
}

void MessagePost::Send(PeerId peer, const local::SendMessage& message) {
  const auto refuse = [&](const std::string& why) {
    handler_.answer(peer, local::MessageEnd{MessageProof::kNone, why});
  };
  const auto node = NodeNamed(message.to);
  if (!node) return refuse(Cat(message.to, ": there is no such node in the configuration"));
  if (!IsMessageKind(static_cast<std::uint8_t>(message.kind))) return refuse("no such message");
  if (IsCondemned()) return refuse("this node is about to die itself");
  for (const auto& [id, who] : asked_) {
    if (who == peer) return refuse("one message at a time");
  }
  ViewChanged();
  asked_[++last_id_] = peer;
  Step(SenderEvent(sender::Ask{last_id_, *node, message.kind, message.not_after,
                               handler_.held_term(), message.by}));
}

void MessagePost::PeerGone(PeerId peer) {
  for (auto it = asked_.begin(); it != asked_.end();) {
    if (it->second != peer) {
      ++it;
      continue;
    }
    const std::uint64_t id = it->first;
    it = asked_.erase(it);
    Step(SenderEvent(sender::Withdraw{id}));
  }
}

}  // namespace fencepost::qdiskd
