#include "pingd/score_sink.h"

namespace fencepost::ping {

AttrdSink::AttrdSink(const config::PingConfig& config, Clock& clock, ProcessRunner& processes,
                     FactSink& facts)
    : config_(config), clock_(clock), processes_(processes), facts_(facts) {
  state_.name = "pacemaker";
}

AttrdSink::~AttrdSink() {
  clock_.Cancel(again_);
  clock_.Cancel(limit_);
  if (running_) processes_.Kill(process_);
}

void AttrdSink::Tell(std::int64_t score) {
  score_ = score;
  changed_ = true;
  if (!running_) Run();
}

// The daemon behind it waits its own dampening, so that what all nodes lose at once is one change
// of the cluster.
void AttrdSink::Run() {
  clock_.Cancel(again_);
  again_ = 0;
  changed_ = false;
  running_ = true;
  Command command;
  command.path = config_.attrd_updater;
  command.argv = {config_.attrd_updater, "-n", config_.attribute};
  if (remove_) {
    command.argv.emplace_back("-D");
  } else {
    const std::string dampen = Cat(ToMillis(config_.dampen), "ms");
    for (const std::string& word :
         {std::string("-U"), std::to_string(*score_), std::string("-d"), dampen}) {
      command.argv.push_back(word);
    }
  }
  command.environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"LANG", "C"}};
  process_ = processes_.Start(command, clock_.Now() + kAttrdLimit,
                              [this](const ProcessEnd& end) { Ended(end); });
}

void AttrdSink::Ended(const ProcessEnd& end) {
  running_ = false;
  std::string trouble;
  if (!end.started || end.killed) {
    trouble = end.killed ? "attrd_updater did not end in time" : end.errors;
  } else if (end.exit_code != 0) {
    trouble = Cat("attrd_updater ended with ", end.exit_code, ": ", Trim(end.errors));
  }
  if (!trouble.empty() && trouble != state_.trouble) {
    facts_.Record(Fact{Severity::kWarning, "ping-sink-refused", {}}
                      .With("sink", state_.name)
                      .With("attribute", config_.attribute)
                      .With("cause", trouble));
  }
  state_.reached = trouble.empty() && !changed_;
  state_.trouble = std::move(trouble);
  if (changed_) return Run();
  if (closed_) return Finish();
  again_ = clock_.CallAt(clock_.Now() + kTellAgain, [this] { Run(); });
}

void AttrdSink::Close(config::PingStop how, std::function<void()> done) {
  closed_ = std::move(done);
  const bool tell = score_ && how != config::PingStop::kKeep;
  limit_ = clock_.CallAt(clock_.Now() + (tell ? kCloseLimit : Duration{}), [this] {
    limit_ = 0;
    Finish();
  });
  if (!tell) return;
  remove_ = how == config::PingStop::kRemove;
  Tell(0);
}

void AttrdSink::Finish() {
  clock_.Cancel(limit_);
  clock_.Cancel(again_);
  limit_ = again_ = 0;
  if (const auto done = std::exchange(closed_, nullptr)) done();
}

}  // namespace fencepost::ping
