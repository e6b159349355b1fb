// For unit tests only: ports whose time and answers the test decides.
#pragma once
#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "env/clock.h"
#include "env/fact_sink.h"
#include "env/local_channel.h"
#include "env/node_identity.h"
#include "env/probes.h"
#include "env/process.h"

namespace fencepost::ping {

class FakeClock final : public Clock {
 public:
  [[nodiscard]] MonoTime Now() const override { return now_; }
  TimerId CallAt(MonoTime when, std::function<void()> call) override {
    calls_[{std::max(when, now_), ++last_}] = std::move(call);
    return last_;
  }
  void Cancel(TimerId timer) override {
    std::erase_if(calls_, [timer](const auto& entry) { return entry.first.second == timer; });
  }
  void Run(Duration time) {
    const MonoTime end = now_ + time;
    while (!calls_.empty() && calls_.begin()->first.first <= end) {
      auto call = calls_.extract(calls_.begin());
      now_ = call.key().first;
      call.mapped()();
    }
    now_ = end;
  }

 private:
  MonoTime now_{std::chrono::seconds(1000)};
  TimerId last_ = 0;
  std::map<std::pair<MonoTime, TimerId>, std::function<void()>> calls_;
};

// Answers by `answers`; what was sent is kept.
class FakeNetwork final : public EchoPort, public TcpPort, public ArpPort {
 public:
  explicit FakeNetwork(Clock& clock) : clock_(clock) {}
  [[nodiscard]] std::uint16_t Identifier(bool ipv6) const override { return ipv6 ? 66 : 44; }
  Status SendEcho(const Route& route, std::uint16_t sequence, ByteView payload) override {
    ++sent[route.address];
    if (no_route) return Error{route.address, "no route", ""};
    const bool ipv6 = route.address.find(':') != std::string::npos;
    Bytes reply{static_cast<std::uint8_t>(ipv6 ? 129 : 0),
                0,
                0,
                0,
                0,
                static_cast<std::uint8_t>(Identifier(ipv6)),
                static_cast<std::uint8_t>(sequence >> 8),
                static_cast<std::uint8_t>(sequence)};
    reply.insert(reply.end(), payload.begin(), payload.end());
    last_reply = reply;
    if (answers(route.address)) Answer(route.address, ipv6, reply);
    return Ok{};
  }
  void OnReceive(EchoPort::Receive receive) override { echo_ = std::move(receive); }
  void Connect(const Route& route, std::uint16_t, MonoTime deadline,
               std::function<void(Status)> done) override {
    const bool up = answers(route.address);
    clock_.CallAt(up ? clock_.Now() : deadline, [up, done = std::move(done)] {
      done(up ? Status(Ok{}) : Status(Error{"", "refused", ""}));
    });
  }
  Status Ask(const Route& route) override {
    if (answers(route.address)) {
      clock_.CallAt(clock_.Now(), [this, route] { arp_(route.device, route.address); });
    }
    return Ok{};
  }
  void OnReceive(ArpPort::Receive receive) override { arp_ = std::move(receive); }
  void Answer(const std::string& from, bool ipv6, Bytes reply) {
    clock_.CallAt(clock_.Now(), [this, from, ipv6, reply] { echo_(from, ipv6, reply); });
  }

  std::function<bool(const std::string&)> answers = [](const std::string&) { return true; };
  std::map<std::string, int> sent;
  Bytes last_reply;
  bool no_route = false;

 private:
  Clock& clock_;
  EchoPort::Receive echo_;
  ArpPort::Receive arp_;
};

class FakeProcesses final : public ProcessRunner {
 public:
  explicit FakeProcesses(Clock& clock) : clock_(clock) {}
  ProcessId Start(const Command& command, MonoTime kill_at,
                  std::function<void(ProcessEnd)> done) override {
    started.push_back(command.argv);
    ++running;
    most = std::max(most, running);
    ProcessEnd end = run(command);
    const MonoTime when = end.killed ? kill_at : clock_.Now() + takes;
    clock_.CallAt(when, [this, end, done = std::move(done)] {
      --running;
      done(end);
    });
    return ++last_;
  }
  void Kill(ProcessId) override { ++kills; }

  std::function<ProcessEnd(const Command&)> run = [](const Command&) { return Ended(0, ""); };
  static ProcessEnd Ended(int code, std::string output) {
    ProcessEnd end;
    end.started = true;
    end.exit_code = code;
    end.output = std::move(output);
    return end;
  }
  std::vector<std::vector<std::string>> started;
  Duration takes = Millis(50);
  int running = 0, most = 0, kills = 0;

 private:
  Clock& clock_;
  ProcessId last_ = 0;
};

// fencepostd's end of its local socket.
class FakeFencepostd final : public LocalClient {
 public:
  explicit FakeFencepostd(Clock& clock) : clock_(clock) {}
  void Connect(Handler handler) override { handler_ = std::move(handler); }
  void Send(ByteView message) override {
    received.emplace_back(message.begin(), message.end());
    if (answer.empty()) return;
    clock_.CallAt(clock_.Now(), [this, text = answer] {
      handler_.message({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    });
  }
  void Appear() { handler_.connected(); }
  void Vanish() { handler_.gone(); }

  std::vector<std::string> received;
  std::string answer = R"({"done": true})";

 private:
  Clock& clock_;
  Handler handler_;
};

class FakeIdentity final : public NodeIdentity {
 public:
  Result<BootId> Boot() override { return BootId{}; }
  std::uint64_t Random() override { return ++value_ * 0x9E3779B97F4A7C15U; }

 private:
  std::uint64_t value_ = 0;
};

class FakeFacts final : public FactSink {
 public:
  void Record(const Fact& fact) override { texts.push_back(fact.Text()); }
  [[nodiscard]] long Count(const std::string& part) const {
    return std::count_if(texts.begin(), texts.end(), [&](const std::string& text) {
      return text.find(part) != std::string::npos;
    });
  }
  std::vector<std::string> texts;
};

}  // namespace fencepost::ping
