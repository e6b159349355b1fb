// The daemon's end of the local protocol: who may speak, who is the consumer, who only watches.
//
// Promise: at most one consumer, the peer that said Hello last; the one before it is dropped. Only
//          root and the daemon's own user are heard. Views go to the consumer and to kMaxWatchers.
//          A peer that sends what it may not send is dropped, with a fact.
// Time:    none. Limits: kMaxWatchers; peers in all are the server's limit.
// Errors:  facts local-peer-dropped.
// Ownership: the server outlives it.
#pragma once
#include <functional>
#include <set>
#include <string>

#include "env/fact_sink.h"
#include "env/local_channel.h"
#include "qdiskd/local_protocol.h"

namespace fencepost::qdiskd {

inline constexpr std::size_t kMaxWatchers = 16;

class LocalService {
 public:
  struct Handler {
    std::function<local::Welcome()> welcome;
    std::function<local::View()> view;
    // After an earlier consumer that is still connected was dropped: `replaced`.
    std::function<void(bool replaced)> hello;
    std::function<void(const ToQdiskd&)> said;  // Want, Dropped, Report, ...
    std::function<void()> consumer_gone;        // also before a replacing hello
    // Storage death: what any peer may ask, and that a peer is gone.
    std::function<void(PeerId, const ToQdiskd&)> asked;
    std::function<void(PeerId)> peer_gone;
  };
  LocalService(LocalServer& server, FactSink& facts, std::uint32_t own_user, Handler handler);

  void Serve();
  void Close();  // every peer; nobody is heard any more
  void SendView();
  void Tell(const VoterNotice& notice);  // to the consumer, if there is one
  void TellConsumer(const FromQdiskd& message);
  void Answer(PeerId peer, const FromQdiskd& message);
  [[nodiscard]] bool HasConsumer() const { return consumer_ != 0; }

 private:
  void Connected(PeerId peer, std::uint32_t user);
  void Received(PeerId peer, ByteView bytes);
  void Gone(PeerId peer);
  void BecomeConsumer(PeerId peer);
  void BecomeWatcher(PeerId peer);
  void DropPeer(PeerId peer, const std::string& why);

  LocalServer& server_;
  FactSink& facts_;
  const std::uint32_t own_user_;
  const Handler handler_;
  bool closed_ = false;
  std::set<PeerId> peers_;  // accepted, consumer and watchers among them
  std::set<PeerId> watchers_;
  PeerId consumer_ = 0;
};

}  // namespace fencepost::qdiskd
