#include "tests/sim/ports/local.h"

#include <algorithm>

namespace fencepost::sim {

TrueTime LocalHub::Arrival(LocalPipe::End& to) {
  to.last_arrival = std::max(to.last_arrival, world_.Now() + world_.Between(Duration(1), delay_));
  return to.last_arrival;
}

void LocalHub::Send(const std::shared_ptr<LocalPipe>& pipe, LocalPipe::End& to, ByteView message) {
  FENCEPOST_CHECK(!message.empty() && message.size() <= kMaxLocalMessage);
  if (!to.open) return;
  if (to.queued >= kMaxQueued) return Close(pipe);
  ++to.queued;
  to.life->PostAt(Arrival(to), [pipe, &to, bytes = Bytes(message.begin(), message.end())] {
    --to.queued;
    if (to.open) to.message(bytes);
  });
}

void LocalHub::Close(const std::shared_ptr<LocalPipe>& pipe) {
  for (LocalPipe::End* end : {&pipe->server, &pipe->client}) {
    if (!end->open) continue;
    end->life->PostAt(Arrival(*end), [pipe, end] {
      if (!end->open) return;
      end->open = false;
      end->gone();
    });
  }
}

SimLocalServer::SimLocalServer(LocalHub& hub, std::string name, std::shared_ptr<Life> life)
    : hub_(hub), name_(std::move(name)), life_(std::move(life)) {
  FENCEPOST_CHECK(hub_.servers_.emplace(name_, this).second);
  life_->OnEnd([this, alive = alive_] {
    if (*alive) Leave();
  });
}

SimLocalServer::~SimLocalServer() {
  Leave();
  *alive_ = false;
}

void SimLocalServer::Leave() {
  const auto found = hub_.servers_.find(name_);
  if (found != hub_.servers_.end() && found->second == this) hub_.servers_.erase(found);
  for (const auto& [id, pipe] : peers_) {
    pipe->server.open = false;
    hub_.Close(pipe);
  }
  peers_.clear();
}

void SimLocalServer::Serve(Handler handler) {
  handler_ = std::move(handler);
  serving_ = true;
}

void SimLocalServer::Accept(const std::shared_ptr<LocalPipe>& pipe, std::uint32_t user_id) {
  const PeerId id = ++last_;
  peers_.emplace(id, pipe);
  pipe->server.life = life_;
  pipe->server.message = [this, id](ByteView bytes) { handler_.message(id, bytes); };
  pipe->server.gone = [this, id] {
    peers_.erase(id);
    handler_.gone(id);
  };
  life_->PostAt(hub_.Arrival(pipe->server), [this, pipe, id, user_id] {
    if (pipe->server.open) handler_.connected(id, user_id);
  });
}

void SimLocalServer::Send(PeerId peer, ByteView message) {
  const auto found = peers_.find(peer);
  if (found != peers_.end()) hub_.Send(found->second, found->second->client, message);
}

void SimLocalServer::Drop(PeerId peer) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  const auto pipe = found->second;
  pipe->server.message = [](ByteView) {};  // what was under way is not read any more
  hub_.Close(pipe);
}

SimLocalClient::SimLocalClient(LocalHub& hub, std::string name, std::shared_ptr<Life> life,
                               std::uint32_t user_id)
    : hub_(hub), name_(std::move(name)), life_(std::move(life)), user_id_(user_id) {
  life_->OnEnd([this, alive = alive_] {
    if (*alive) Lost();
  });
}

SimLocalClient::~SimLocalClient() {
  Lost();
  *alive_ = false;
}

void SimLocalClient::Lost() {
  wanted_ = false;
  if (!pipe_) return;
  pipe_->client.open = false;
  hub_.Close(pipe_);
  pipe_.reset();
}

void SimLocalClient::Disconnect() { Lost(); }

void SimLocalClient::Connect(Handler handler) {
  handler_ = std::move(handler);
  wanted_ = true;
  life_->Post([this, alive = alive_] {
    if (*alive) Try();
  });
}

void SimLocalClient::Try() {
  if (!wanted_ || pipe_) return;
  const auto server = hub_.servers_.find(name_);
  if (server == hub_.servers_.end() || !server->second->Accepts()) {
    life_->PostAt(hub_.world_.Now() + kReconnect, [this, alive = alive_] {
      if (*alive) Try();
    });
    return;
  }
  auto pipe = std::make_shared<LocalPipe>();
  pipe_ = pipe;
  pipe->client.life = life_;
  pipe->client.message = [this](ByteView bytes) { handler_.message(bytes); };
  pipe->client.gone = [this, alive = alive_] {
    pipe_.reset();
    life_->PostAt(hub_.world_.Now() + kReconnect, [this, alive] {
      if (*alive) Try();
    });
    handler_.gone();
  };
  server->second->Accept(pipe, user_id_);
  life_->PostAt(hub_.Arrival(pipe->client), [this, pipe] {
    if (pipe->client.open) handler_.connected();
  });
}

void SimLocalClient::Send(ByteView message) {
  if (pipe_) hub_.Send(pipe_, pipe_->server, message);
}

}  // namespace fencepost::sim
