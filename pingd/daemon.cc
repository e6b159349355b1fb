#include "pingd/daemon.h"

namespace fencepost::ping {

Daemon::Daemon(config::PingConfig config, ProberPorts ports, ScoreSink& sink, LocalServer* status,
               FactSink& facts)
    : clock_(ports.clock),
      sink_(sink),
      status_(status),
      facts_(facts),
      on_stop_(config.on_stop),
      prober_(std::move(config), std::move(ports),
              {[this](const Publication& publication) { sink_.Tell(publication.score); },
               [this](const Fact& fact) { facts_.Record(fact); }}) {}

void Daemon::Start() {
  if (status_ != nullptr) Serve();
  prober_.Begin();
}

void Daemon::Serve() {
  LocalServer::Handler handler;
  handler.message = [this](PeerId peer, ByteView message) {
    const auto request = nlohmann::json::parse(message.begin(), message.end(), nullptr, false);
    const bool paged =
        request.is_object() && request.contains("first") && request["first"].is_number_unsigned();
    const std::size_t first = paged ? request["first"].get<std::size_t>() : 0;
    const std::string text =
        Dump(StatusJson(watch(), prober_.replies(), sink_.state(), clock_.Now(), first));
    if (text.size() > kMaxLocalMessage) return status_->Drop(peer);
    status_->Send(peer, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  };
  handler.connected = [](PeerId, std::uint32_t) {};
  handler.gone = [](PeerId) {};
  status_->Serve(std::move(handler));
}

void Daemon::Stop(std::function<void()> ended) {
  if (std::exchange(stopping_, true)) return;
  prober_.End();
  sink_.Close(on_stop_, std::move(ended));
}

OneRound::OneRound(config::PingConfig config, ProberPorts ports, std::function<void()> done)
    : prober_(std::move(config), std::move(ports),
              {[done = std::move(done)](const Publication&) { done(); }, [](const Fact&) {}}) {}

}  // namespace fencepost::ping
