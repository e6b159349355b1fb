#include "qdiskd/message_sender.h"

#include <algorithm>

#include "base/text.h"

namespace fencepost::qdiskd {

std::string_view ToText(MessageProof proof) {
  switch (proof) {
    case MessageProof::kNone:
      return "none";
    case MessageProof::kAnswered:
      return "acknowledged";
    case MessageProof::kNewBoot:
      return "new-boot";
    case MessageProof::kWatchdogReset:
      return "watchdog-reset";
  }
  return "none";
}

SenderEffects MessageSender::Step(MonoTime now, const SenderEvent& event) {
  out_ = {};
  std::visit([&](const auto& e) { On(now, e); }, event);
  Advance(now);
  MayWrite(now);
  out_.wake_at = NextWake();
  return std::move(out_);
}

std::string MessageSender::NameOf(NodeId node) const {
  const auto name = settings_.names.find(node);
  return name != settings_.names.end() ? name->second : Cat("node ", node);
}

const Slot* MessageSender::SlotOf(NodeId node) const {
  for (const NodeOnDisk& each : view_.nodes) {
    if (each.node == node && !each.slot.IsBlank()) return &each.slot;
  }
  return nullptr;
}

std::optional<std::string> MessageSender::WhyNot(MonoTime now, const sender::Ask& ask) const {
  if (ask.to == settings_.self) return "a node sends itself no message";
  for (const Pending& each : pending_) {
    if (each.ask.to == ask.to) {
      return Cat("a message '", ToText(each.message.kind), "' of ", each.ask.by,
                 " to it is under way; wait for its end");
    }
  }
  if (!view_.readable) {
    return Cat("the quorum disk cannot be read",
               view_.trouble.empty() ? "; see 'fencepost status'" : Cat(": ", view_.trouble));
  }
  if (SlotOf(ask.to) == nullptr) return "it has never written to the quorum disk";
  if (now + LandLimit(settings_) > ask.not_after) {
    return Cat("too little time is left: a message needs ", LandLimit(settings_), " to land");
  }
  return std::nullopt;
}

void MessageSender::On(MonoTime now, const sender::Ask& e) {
  if (const auto why = WhyNot(now, e)) {
    out_.answers.push_back({e.id, MessageProof::kNone, Cat(NameOf(e.to), ": ", *why)});
    return;
  }
  const Slot& slot = *SlotOf(e.to);
  Pending pending;
  pending.ask = e;
  pending.message = {e.to, e.kind, ++number_, e.term, slot.boot, slot.incarnation};
  pending.first_sequence = sequence_ + 1;
  pending.slot_incarnation = slot.incarnation;
  pending.slot_sequence = slot.sequence;
  pending.changed = now;
  pending_.push_back(std::move(pending));
  off_.erase(e.to);
  dirty_ = true;
  const std::string text = Cat("message ", ToText(e.kind), " by ", e.by);
  out_.decisions.push_back({DecisionKind::kMessageSent, e.to, e.term, text});
  out_.facts.push_back(Fact{Severity::kWarning, "message-sent", {}}
                           .With("node", settings_.self)
                           .With("to", NameOf(e.to))
                           .With("kind", ToText(e.kind))
                           .With("by", e.by)
                           .With("term", e.term));
}

void MessageSender::On(MonoTime, const sender::Withdraw& e) {
  for (const Pending& each : pending_) {
    if (each.ask.id != e.id) continue;
    Finish(each, {e.id, MessageProof::kNone, Cat(NameOf(each.ask.to), ": withdrawn")});
    dirty_ = true;
  }
  std::erase_if(pending_, [&](const Pending& each) { return each.ask.id == e.id; });
  // Nobody is there to be answered.
  std::erase_if(out_.answers, [&](const MessageAnswer& answer) { return answer.id == e.id; });
}

void MessageSender::On(MonoTime, const sender::Clear& e) {
  const auto it = std::find_if(pending_.begin(), pending_.end(),
                               [&](const Pending& each) { return each.ask.to == e.to; });
  if (it == pending_.end()) return;
  dirty_ |= it->in_box;
  Finish(*it, {it->ask.id, MessageProof::kNone, Cat(NameOf(e.to), ": cleared by ", e.by)});
  pending_.erase(it);
}

void MessageSender::On(MonoTime now, const sender::Saw& e) {
  view_ = e.view;
  for (Pending& each : pending_) {
    const Slot* slot = SlotOf(each.ask.to);
    if (slot == nullptr ||
        (slot->incarnation == each.slot_incarnation && slot->sequence == each.slot_sequence)) {
      continue;
    }
    each.slot_incarnation = slot->incarnation;
    each.slot_sequence = slot->sequence;
    each.changed = now;
  }
}

void MessageSender::On(MonoTime, const sender::AcksRead& e) {
  for (Pending& each : pending_) {
    for (const auto& box : e.boxes) {
      if (!box || box->node != each.ask.to || box->boot != each.message.to_boot) continue;
      for (const Acknowledgement& ack : box->entries) {
        const bool ours = ack.from == settings_.self &&
                          ack.from_incarnation == settings_.incarnation &&
                          ack.number == each.message.number;
        if (!ours || (each.answer && each.answer->phase >= ack.phase)) continue;
        each.answer = Answered{ack.phase, ack.watchdog, e.ended};
      }
    }
  }
}

void MessageSender::On(MonoTime, const sender::BoxWritten& e) {
  for (Pending& each : pending_) each.taken |= e.sequence >= each.first_sequence;
}

// What lies there and is not written anew is obeyed by nobody; it is put away for those who look.
void MessageSender::On(MonoTime, const sender::DiskReady& e) { dirty_ |= e.holds_messages; }

void MessageSender::On(MonoTime, const sender::BoxFailed& e) {
  for (Pending& each : pending_) {
    if (e.sequence >= each.first_sequence) each.failed[e.disk] = e.why;
  }
}

// The instant from which a look at an unchanged slot proves that the watchdog has bitten.
MonoTime MessageSender::Bitten(const Pending& pending) const {
  const MonoTime since = std::max(pending.answer->at, pending.changed);
  return since + Inflate(pending.answer->watchdog, settings_.drift) + settings_.eps;
}

std::optional<MessageAnswer> MessageSender::Judge(MonoTime now, const Pending& p) const {
  const std::string name = NameOf(p.ask.to);
  const auto say = [&](MessageProof proof, const std::string& text) {
    return MessageAnswer{p.ask.id, proof, Cat(name, ": ", text)};
  };
  const Slot* slot = SlotOf(p.ask.to);
  const bool anew = view_.readable && slot != nullptr && slot->boot != p.message.to_boot &&
                    slot->incarnation > p.message.to_incarnation;
  if (anew && Kills(p.message.kind)) {
    return say(MessageProof::kNewBoot, "was started anew: its slot shows another boot");
  }
  if (anew) return say(MessageProof::kNone, "was started anew meanwhile; ask again");
  if (p.answer && p.answer->phase == MessagePhase::kRefused) {
    return say(MessageProof::kNone, "refused: a later term than ours was promised on the disk");
  }
  if (p.answer && p.answer->phase == MessagePhase::kDone && !Kills(p.message.kind)) {
    return say(MessageProof::kAnswered, Cat("acknowledged ", ToText(p.message.kind)));
  }
  const bool bites = p.answer && p.answer->phase == MessagePhase::kResetting &&
                     p.answer->watchdog > Duration() && Kills(p.message.kind);
  if (bites && view_.readable && slot != nullptr && view_.began >= Bitten(p)) {
    return say(MessageProof::kWatchdogReset,
               Cat("acknowledged that it dies and was silent for longer than its armed hardware "
                   "watchdog of ",
                   p.answer->watchdog));
  }
  const bool nobody_took_it =
      !p.taken && p.failed.size() == static_cast<std::size_t>(settings_.disks);
  if (nobody_took_it) {
    return say(MessageProof::kNone, Cat("the message was not written: ", p.failed.begin()->second));
  }
  if (now >= p.ask.not_after) return say(MessageProof::kNone, WhyNoProof(p));
  return std::nullopt;
}

std::string MessageSender::WhyNoProof(const Pending& p) const {
  const std::string disk = view_.readable || view_.trouble.empty()
                               ? std::string()
                               : Cat("; the quorum disk: ", view_.trouble);
  if (!p.taken) return Cat("no disk took the message in time", disk);
  if (!p.answer) return Cat("no acknowledgement came in time: it does not read the disk", disk);
  if (p.answer->phase != MessagePhase::kResetting) return Cat("no proof came in time", disk);
  if (p.answer->watchdog == Duration()) {
    return Cat(
        "it acknowledged that it dies, but nothing proves that it did: it has no armed "
        "hardware watchdog, and has not started anew in time",
        disk);
  }
  return Cat("it acknowledged that it dies; its watchdog of ", p.answer->watchdog,
             " had not the time to prove it", disk);
}

void MessageSender::Finish(const Pending& p, const MessageAnswer& answer) {
  const bool proved = answer.proof != MessageProof::kNone;
  if (answer.proof == MessageProof::kWatchdogReset && p.message.kind == MessageKind::kOff) {
    off_[p.ask.to] = {p.slot_incarnation, p.slot_sequence};
  }
  const std::string text =
      Cat("message ", ToText(p.message.kind),
          proved ? ": " : " failed: ", proved ? std::string(ToText(answer.proof)) : answer.text);
  out_.decisions.push_back({DecisionKind::kMessageEnded, p.ask.to, p.ask.term, text});
  out_.facts.push_back(Fact{proved ? Severity::kNotice : Severity::kError, "message-ended", {}}
                           .With("node", settings_.self)
                           .With("to", NameOf(p.ask.to))
                           .With("kind", ToText(p.message.kind))
                           .With("proof", ToText(answer.proof))
                           .With("text", answer.text));
  out_.answers.push_back(answer);
}

void MessageSender::Advance(MonoTime now) {
  for (auto it = pending_.begin(); it != pending_.end();) {
    const bool meant = !it->answer && now + LandLimit(settings_) <= it->ask.not_after;
    if (it->in_box && !meant) {
      it->in_box = false;
      dirty_ = true;
    }
    const auto answer = Judge(now, *it);
    if (!answer) {
      ++it;
      continue;
    }
    dirty_ |= it->in_box;
    Finish(*it, *answer);
    it = pending_.erase(it);
  }
}

void MessageSender::MayWrite(MonoTime now) {
  const bool meant = std::any_of(pending_.begin(), pending_.end(),
                                 [](const Pending& each) { return each.in_box; });
  const bool again = meant && now >= written_at_ + settings_.interval;
  if (!dirty_ && !again) return;
  // What a disk did not take is tried again no sooner than a cycle later.
  dirty_ = false;
  written_at_ = now;
  Outbox box{settings_.self, settings_.boot, settings_.incarnation, ++sequence_, 0, {}};
  for (const Pending& each : pending_) {
    if (each.in_box) box.messages.push_back(each.message);
  }
  std::sort(box.messages.begin(), box.messages.end(),
            [](const OutMessage& a, const OutMessage& b) { return a.to < b.to; });
  out_.write = std::move(box);
}

MonoTime MessageSender::NextWake() const {
  MonoTime at = kNever;
  for (const Pending& each : pending_) {
    at = std::min(at, each.ask.not_after);
    if (each.in_box) at = std::min(at, written_at_ + settings_.interval);
  }
  return at;
}

NodePowerAnswer MessageSender::PowerOf(MonoTime now, NodeId node) const {
  const std::string name = NameOf(node);
  const bool old = now - view_.began > 4 * settings_.interval + 2 * settings_.io_timeout;
  if (!view_.readable || old) {
    return {NodePower::kUnknown, Cat(name, ": the quorum disk cannot be read: ", view_.trouble)};
  }
  for (const NodeOnDisk& each : view_.nodes) {
    if (each.node != node) continue;
    if (each.fresh) return {NodePower::kOn, Cat(name, ": it writes to the quorum disk")};
    const auto off = off_.find(node);
    if (off != off_.end() && off->second.slot_incarnation == each.slot.incarnation &&
        off->second.slot_sequence == each.slot.sequence) {
      return {NodePower::kOff, Cat(name,
                                   ": it was told to power off, and its armed hardware "
                                   "watchdog has had its time; silent since")};
    }
    return {NodePower::kUnknown,
            Cat(name, ": it is silent on the quorum disk, which proves nothing")};
  }
  return {NodePower::kUnknown, Cat(name, ": it is no node of this cluster")};
}

}  // namespace fencepost::qdiskd
