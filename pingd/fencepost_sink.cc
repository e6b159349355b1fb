#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/attribute_lapse.h"
#include "pingd/score_sink.h"

namespace fencepost::ping {

Duration RenewedWithin(const config::PingConfig& config) {
  const Duration wanted = kRenewEvery + kRestartTime + config.attempts * config.timeout;
  return std::clamp(wanted, kMinAttributeLapse, kMaxAttributeLapse);
}

FencepostSink::FencepostSink(const config::PingConfig& config, Clock& clock, LocalClient& client,
                             FactSink& facts)
    : attribute_(config.attribute),
      lapse_(RenewedWithin(config)),
      clock_(clock),
      client_(client),
      facts_(facts) {
  state_.name = "fencepostd";
  state_.trouble = "not connected yet";
  LocalClient::Handler handler;
  handler.connected = [this] {
    connected_ = true;
    unanswered_ = 0;
    state_.trouble.clear();
    facts_.Record(Fact{Severity::kInfo, "ping-sink-connected", {}}.With("sink", state_.name));
    Send();
  };
  handler.message = [this](ByteView message) { Answered(message); };
  handler.gone = [this] { Gone(); };
  client_.Connect(std::move(handler));
}

FencepostSink::~FencepostSink() {
  clock_.Cancel(again_);
  clock_.Cancel(limit_);
}

void FencepostSink::Tell(std::int64_t score) {
  score_ = score;
  state_.reached = false;
  Send();
}

void FencepostSink::Send() {
  clock_.Cancel(again_);
  again_ = 0;
  if (!connected_ || (!score_ && !remove_)) return;
  nlohmann::json request{{"command", "attribute"}, {"name", attribute_}, {"value", nullptr}};
  if (!remove_) {
    request["value"] = std::to_string(*score_);
    if (!last_) request["for_ms"] = ToMillis(lapse_);
  }
  const std::string text = request.dump();
  ++unanswered_;
  client_.Send({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

void FencepostSink::SendAgainIn(Duration wait) {
  if (again_ != 0 || closed_) return;
  again_ = clock_.CallAt(clock_.Now() + wait, [this] {
    again_ = 0;
    Send();
  });
}

void FencepostSink::Answered(ByteView message) {
  if (unanswered_ > 0) --unanswered_;
  const auto answer = nlohmann::json::parse(message.begin(), message.end(), nullptr, false);
  if (answer.is_object() && answer.contains("done")) {
    state_.trouble.clear();
    state_.reached = unanswered_ == 0;
    if (closed_ && unanswered_ == 0) return Finish();
    return SendAgainIn(kRenewEvery);
  }
  const bool says = answer.is_object() && answer.contains("error") && answer["error"].is_string();
  std::string why = says ? answer["error"].get<std::string>() : "an answer that cannot be read";
  if (why != state_.trouble) {
    facts_.Record(Fact{Severity::kWarning, "ping-sink-refused", {}}
                      .With("sink", state_.name)
                      .With("attribute", attribute_)
                      .With("cause", why));
  }
  state_.trouble = std::move(why);
  if (closed_) return Finish();
  SendAgainIn(kTellAgain);
}

void FencepostSink::Gone() {
  connected_ = false;
  state_.reached = false;
  state_.trouble = "not connected";
  facts_.Record(Fact{Severity::kWarning, "ping-sink-gone", {}}.With("sink", state_.name));
  if (closed_) Finish();
}

void FencepostSink::Close(config::PingStop how, std::function<void()> done) {
  closed_ = std::move(done);
  const bool keep = how == config::PingStop::kKeep;
  const bool can_tell = connected_ && (score_ || !keep);
  limit_ = clock_.CallAt(clock_.Now() + (can_tell ? kCloseLimit : Duration{}), [this] {
    limit_ = 0;
    Finish();
  });
  if (!can_tell) return;
  remove_ = how == config::PingStop::kRemove;
  if (!keep) score_ = 0;
  last_ = true;
  Send();
}

void FencepostSink::Finish() {
  clock_.Cancel(limit_);
  clock_.Cancel(again_);
  limit_ = again_ = 0;
  if (const auto done = std::exchange(closed_, nullptr)) done();
}

}  // namespace fencepost::ping
