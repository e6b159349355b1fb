#include "qdiskd/local_service.h"

namespace fencepost::qdiskd {

LocalService::LocalService(LocalServer& server, FactSink& facts, std::uint32_t own_user,
                           Handler handler)
    : server_(server), facts_(facts), own_user_(own_user), handler_(std::move(handler)) {}

void LocalService::Serve() {
  server_.Serve({[this](PeerId peer, std::uint32_t user) { Connected(peer, user); },
                 [this](PeerId peer, ByteView bytes) { Received(peer, bytes); },
                 [this](PeerId peer) { Gone(peer); }});
}

void LocalService::Close() {
  closed_ = true;
  for (const PeerId peer : peers_) server_.Drop(peer);
  peers_.clear();
  watchers_.clear();
  consumer_ = 0;
}

void LocalService::Connected(PeerId peer, std::uint32_t user) {
  if (closed_) return server_.Drop(peer);
  if (user != 0 && user != own_user_) {
    return DropPeer(peer, Cat("user ", user, " may not speak to qdiskd; be root"));
  }
  peers_.insert(peer);
}

void LocalService::Received(PeerId peer, ByteView bytes) {
  if (peers_.count(peer) == 0) return;  // it has been dropped
  const Result<ToQdiskd> message = DecodeToQdiskd(bytes);
  if (!message.ok()) return DropPeer(peer, message.error().Text());
  if (std::holds_alternative<local::Hello>(*message)) return BecomeConsumer(peer);
  if (std::holds_alternative<local::Watch>(*message)) return BecomeWatcher(peer);
  if (std::holds_alternative<local::SendMessage>(*message) ||
      std::holds_alternative<local::ClearMessage>(*message) ||
      std::holds_alternative<local::AskPower>(*message)) {
    return handler_.asked(peer, *message);
  }
  if (peer != consumer_) return DropPeer(peer, "it gives orders but has not said Hello");
  handler_.said(*message);
}

void LocalService::BecomeConsumer(PeerId peer) {
  const PeerId before = consumer_;
  const bool replaced = before != 0 && before != peer;
  if (replaced) DropPeer(before, "another consumer said Hello");
  watchers_.erase(peer);
  consumer_ = peer;
  server_.Send(peer, Encode(FromQdiskd(handler_.welcome())));
  handler_.hello(replaced);
  server_.Send(peer, Encode(FromQdiskd(handler_.view())));
}

void LocalService::BecomeWatcher(PeerId peer) {
  if (peer == consumer_) return DropPeer(peer, "a consumer does not watch: it gets every view");
  if (watchers_.size() >= kMaxWatchers && watchers_.count(peer) == 0) {
    return DropPeer(peer, Cat("there are ", kMaxWatchers, " watchers already"));
  }
  watchers_.insert(peer);
  server_.Send(peer, Encode(FromQdiskd(handler_.view())));
}

void LocalService::DropPeer(PeerId peer, const std::string& why) {
  facts_.Record(
      Fact{Severity::kWarning, "local-peer-dropped", {}}.With("peer", peer).With("why", why));
  server_.Drop(peer);
  Gone(peer);
}

void LocalService::Gone(PeerId peer) {
  peers_.erase(peer);
  watchers_.erase(peer);
  handler_.peer_gone(peer);
  if (peer != consumer_) return;
  consumer_ = 0;
  handler_.consumer_gone();
}

void LocalService::SendView() {
  if (consumer_ == 0 && watchers_.empty()) return;
  const Bytes bytes = Encode(FromQdiskd(handler_.view()));
  if (consumer_ != 0) server_.Send(consumer_, bytes);
  for (const PeerId watcher : watchers_) server_.Send(watcher, bytes);
}

void LocalService::TellConsumer(const FromQdiskd& message) {
  if (consumer_ != 0) server_.Send(consumer_, Encode(message));
}

void LocalService::Answer(PeerId peer, const FromQdiskd& message) {
  if (peers_.count(peer) != 0) server_.Send(peer, Encode(message));
}

void LocalService::Tell(const VoterNotice& notice) {
  if (consumer_ == 0) return;
  std::visit([this](const auto& n) { server_.Send(consumer_, Encode(FromQdiskd(n))); }, notice);
}

}  // namespace fencepost::qdiskd
