#include "qdiskd/message_target.h"

#include <algorithm>

#include "base/text.h"

namespace fencepost::qdiskd {

TargetEffects MessageTarget::Step(MonoTime now, const TargetEvent& event) {
  out_ = {};
  std::visit([&](const auto& e) { On(now, e); }, event);
  Advance(now);
  out_.wake_at = NextWake();
  return std::move(out_);
}

std::vector<Acknowledgement> MessageTarget::Acks() const {
  std::vector<Acknowledgement> out;
  for (const auto& [from, ack] : acks_) out.push_back(ack);
  return out;
}

void MessageTarget::On(MonoTime now, const target::BoxesRead& e) {
  for (const auto& box : e.boxes) {
    if (!box || box->node == settings_.self) continue;
    const auto mine = std::find_if(box->messages.begin(), box->messages.end(),
                                   [this](const OutMessage& m) { return m.to == settings_.self; });
    if (mine == box->messages.end()) {
      seen_.erase({e.disk, box->node});
      continue;
    }
    if (IsLive(now, e, *box, *mine) && IsMeantForThisLife(*mine)) {
      Obey(now, *box, *mine, e.highest_promise);
    }
  }
}

// One look shows that it was written some time; a second one, at a later write of the same message,
// that its sender meant it after the first.
bool MessageTarget::IsLive(MonoTime now, const target::BoxesRead& read, const Outbox& box,
                           const OutMessage& message) {
  const auto [it, first] = seen_.try_emplace({read.disk, box.node});
  Seen& seen = it->second;
  const bool same = !first && seen.incarnation == box.incarnation && seen.number == message.number;
  const Duration window = LiveWindow(settings_);
  const bool live = same && box.sequence > seen.sequence && read.began - seen.at <= window &&
                    now - read.began <= window;
  seen = {box.incarnation, message.number, box.sequence, read.began};
  return live;
}

bool MessageTarget::IsMeantForThisLife(const OutMessage& message) const {
  if (message.to_boot != settings_.boot) return false;
  return message.kind != MessageKind::kExit || message.to_incarnation == settings_.incarnation;
}

void MessageTarget::Obey(MonoTime now, const Outbox& box, const OutMessage& message,
                         Term highest_promise) {
  const auto before = acks_.find(box.node);
  if (before != acks_.end()) {
    const Acknowledgement& last = before->second;
    if (std::pair(last.from_incarnation, last.number) >= std::pair(box.incarnation, message.number))
      return;
  }
  if (dying_ || exit_version_) return;
  if (!message.term.IsNone() && highest_promise > message.term) {
    out_.facts.push_back(Fact{Severity::kWarning, "message-refused", {}}
                             .With("node", settings_.self)
                             .With("by", box.node)
                             .With("kind", ToText(message.kind))
                             .With("term", message.term)
                             .With("promised", highest_promise));
    return Acknowledge(box, message, MessagePhase::kRefused);
  }
  if (Kills(message.kind)) return Condemn(now, box, message);
  out_.facts.push_back(Fact{Severity::kNotice, "message-obeyed", {}}
                           .With("node", settings_.self)
                           .With("by", box.node)
                           .With("kind", ToText(message.kind)));
  Acknowledge(box, message, MessagePhase::kDone);
  if (message.kind != MessageKind::kExit) return;
  exit_version_ = version_;
  exit_at_ = now + settings_.io_timeout;
}

void MessageTarget::Condemn(MonoTime now, const Outbox& box, const OutMessage& message) {
  const Sentence sentence{box.node, message.kind};
  dying_ = Dying{sentence, now + QuietLimit(settings_), now + ActLimit(settings_)};
  // Kept for the acknowledgement; it is written when the node is quiet.
  acks_[box.node] = {box.node,     box.incarnation,          message.number,
                     message.kind, MessagePhase::kResetting, Duration()};
  out_.quiet = sentence;
  out_.decisions.push_back({DecisionKind::kObeysMessage, box.node, message.term,
                            Cat("this node dies: ", ToText(message.kind))});
  out_.facts.push_back(Fact{Severity::kCritical, "message-obeyed", {}}
                           .With("node", settings_.self)
                           .With("by", box.node)
                           .With("kind", ToText(message.kind))
                           .With("term", message.term));
}

void MessageTarget::Acknowledge(const Outbox& box, const OutMessage& message, MessagePhase phase,
                                Duration watchdog) {
  acks_[box.node] = {box.node, box.incarnation, message.number, message.kind, phase, watchdog};
  out_.acknowledge = ++version_;
}

void MessageTarget::On(MonoTime, const target::SessionOver& e) {
  std::erase_if(seen_, [&](const auto& entry) { return entry.first.first == e.disk; });
}

void MessageTarget::On(MonoTime, const target::FeedingEnded& e) {
  if (dying_ && !dying_->quiet) ItIsQuiet(e.watchdog);
}

void MessageTarget::ItIsQuiet(Duration watchdog) {
  dying_->quiet = true;
  acks_.at(dying_->sentence.by).watchdog = watchdog;
  out_.acknowledge = ++version_;
}

void MessageTarget::On(MonoTime now, const target::Acknowledged& e) {
  if (exit_version_ && e.version >= *exit_version_) exit_at_ = now;
  if (dying_ && dying_->quiet && !dying_->acted && e.version >= version_) Act(now);
}

void MessageTarget::Advance(MonoTime now) {
  if (exit_version_ && now >= exit_at_) {
    out_.exit = true;
    exit_at_ = kNever;
  }
  if (!dying_) return;
  if (!dying_->quiet && now >= dying_->quiet_until) ItIsQuiet(Duration());
  if (now >= dying_->act_at) Act(now);
}

void MessageTarget::Act(MonoTime now) {
  dying_->acted = true;
  dying_->act_at = now + kActAgain;
  out_.act = dying_->sentence;
}

MonoTime MessageTarget::NextWake() const {
  MonoTime at = exit_at_;
  if (!dying_) return at;
  at = std::min(at, dying_->act_at);
  return dying_->quiet ? at : std::min(at, dying_->quiet_until);
}

}  // namespace fencepost::qdiskd
