// Who is told the score.
//
// Promise: the last score that was told is what the receiver has, as soon as it can be reached: it
//          is told again to a receiver that was away or refused. Nothing is told before the first
//          score, so that "not defined" means that nobody knows.
// Time:    a Close is over after kCloseLimit, whatever the receiver does.
// Errors:  facts ping-sink-connected, ping-sink-gone, ping-sink-refused; each trouble once.
// Ownership: ports outlive sinks. Close's done is called once, never from inside Close.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/config/ping_config.h"
#include "env/clock.h"
#include "env/fact_sink.h"
#include "env/local_channel.h"
#include "env/process.h"

namespace fencepost::ping {

inline constexpr Duration kCloseLimit = std::chrono::seconds(2);
inline constexpr Duration kTellAgain = std::chrono::seconds(10);  // after a refusal
// fencepostd is told again so often, and forgets what it was not told for RenewedWithin().
inline constexpr Duration kRenewEvery = std::chrono::seconds(5);
inline constexpr Duration kRestartTime = std::chrono::seconds(10);        // of a pingd that died
inline constexpr Duration kAttrdLimit = std::chrono::seconds(10);         // of one attrd_updater
inline constexpr std::string_view kFencepostdSocket = "fencepostd.sock";  // in paths.run_dir

struct SinkState {
  std::string name;      // "fencepostd", "pacemaker", "none"
  bool reached = false;  // it has the last score
  std::string trouble;
};

class ScoreSink {
 public:
  virtual ~ScoreSink() = default;
  virtual void Tell(std::int64_t score) = 0;
  virtual void Close(config::PingStop how, std::function<void()> done) = 0;
  [[nodiscard]] virtual const SinkState& state() const = 0;
};

// For --no-updates and sink = "none".
class NoSink final : public ScoreSink {
 public:
  explicit NoSink(Clock& clock) : clock_(clock) { state_.name = "none"; }
  void Tell(std::int64_t) override {}
  void Close(config::PingStop, std::function<void()> done) override {
    clock_.CallAt(clock_.Now(), std::move(done));
  }
  [[nodiscard]] const SinkState& state() const override { return state_; }

 private:
  Clock& clock_;
  SinkState state_;
};

// How long fencepostd keeps a score of a pingd that is silent: until a new one could have come up
// and have its first score.
[[nodiscard]] Duration RenewedWithin(const config::PingConfig& config);

// fencepostd, over its local socket (docs/format/status.md, the request "attribute"). The values
// live in its memory: the connection is kept, so that its restart is noticed. A score is renewed
// every kRenewEvery: one whose pingd was killed or hangs lapses after RenewedWithin().
class FencepostSink final : public ScoreSink {
 public:
  FencepostSink(const config::PingConfig& config, Clock& clock, LocalClient& client,
                FactSink& facts);
  ~FencepostSink() override;
  FencepostSink(const FencepostSink&) = delete;
  FencepostSink& operator=(const FencepostSink&) = delete;
  void Tell(std::int64_t score) override;
  void Close(config::PingStop how, std::function<void()> done) override;
  [[nodiscard]] const SinkState& state() const override { return state_; }

 private:
  void Send();
  void SendAgainIn(Duration wait);
  void Answered(ByteView message);
  void Gone();
  void Finish();

  std::string attribute_;
  Duration lapse_;
  Clock& clock_;
  LocalClient& client_;
  FactSink& facts_;
  SinkState state_;
  bool connected_ = false;
  int unanswered_ = 0;
  std::optional<std::int64_t> score_;
  bool remove_ = false;  // the attribute is to go
  bool last_ = false;    // what is told now is to outlive us
  TimerId again_ = 0, limit_ = 0;
  std::function<void()> closed_;
};

// Pacemaker's attribute daemon, by its own program: one run at a time, the newest score wins. It is
// told again every kTellAgain, because Pacemaker forgets transient attributes when it restarts.
class AttrdSink final : public ScoreSink {
 public:
  AttrdSink(const config::PingConfig& config, Clock& clock, ProcessRunner& processes,
            FactSink& facts);
  ~AttrdSink() override;
  AttrdSink(const AttrdSink&) = delete;
  AttrdSink& operator=(const AttrdSink&) = delete;
  void Tell(std::int64_t score) override;
  void Close(config::PingStop how, std::function<void()> done) override;
  [[nodiscard]] const SinkState& state() const override { return state_; }

 private:
  void Run();
  void Ended(const ProcessEnd& end);
  void Finish();

  config::PingConfig config_;
  Clock& clock_;
  ProcessRunner& processes_;
  FactSink& facts_;
  SinkState state_;
  std::optional<std::int64_t> score_;
  bool remove_ = false;
  bool running_ = false, changed_ = false;
  ProcessId process_ = 0;
  TimerId again_ = 0, limit_ = 0;
  std::function<void()> closed_;
};

}  // namespace fencepost::ping
