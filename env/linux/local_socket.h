// LocalServer and LocalClient over a UNIX SOCK_SEQPACKET socket at a path.
//
// Promise: the socket has mode 0600; its directory is made (0755) when missing. What a dead daemon
//          left at the path is removed; a living one keeps it (a lock on "PATH.lock" tells them
//          apart) and Open fails. Each connected is followed by exactly one gone, also after Drop.
//          Limits: kMaxLocalPeers, kMaxLocalMessage, kMaxLocalQueue (seqpacket.h); beyond them a
//          peer is dropped, never waited for.
// Time:    a client tries again kLocalReconnect after a failure, for as long as it lives.
// Errors:  Open names the path, cause and remedy. A client never fails: it is just not connected,
//          and what is sent meanwhile is dropped.
// Ownership: the loop outlives both. Neither may be destroyed from inside its own handler.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "env/linux/loop.h"
#include "env/linux/seqpacket.h"
#include "env/local_channel.h"

namespace fencepost {

inline constexpr std::size_t kMaxLocalPeers = 64;
inline constexpr Duration kLocalReconnect = Millis(200);

class LocalSocketServer final : public LocalServer {
 public:
  static Result<std::unique_ptr<LocalSocketServer>> Open(Loop& loop, const std::string& path);
  ~LocalSocketServer() override;  // removes the socket; peers see the end
  LocalSocketServer(const LocalSocketServer&) = delete;
  LocalSocketServer& operator=(const LocalSocketServer&) = delete;

  void Serve(Handler handler) override;  // nobody is accepted before
  void Send(PeerId peer, ByteView message) override;
  void Drop(PeerId peer) override;

 private:
  LocalSocketServer(Loop& loop, std::string path, UniqueFd lock, UniqueFd socket)
      : loop_(loop), path_(std::move(path)), lock_(std::move(lock)), socket_(std::move(socket)) {}
  void Accept();

  Loop& loop_;
  std::string path_;
  UniqueFd lock_;
  UniqueFd socket_;
  WatchId watch_ = 0;
  TimerId resume_ = 0;
  Handler handler_;
  PeerId last_peer_ = 0;
  std::map<PeerId, std::shared_ptr<SeqPacket>> peers_;
};

class LocalSocketClient final : public LocalClient {
 public:
  LocalSocketClient(Loop& loop, std::string path) : loop_(loop), path_(std::move(path)) {}
  ~LocalSocketClient() override;
  LocalSocketClient(const LocalSocketClient&) = delete;
  LocalSocketClient& operator=(const LocalSocketClient&) = delete;

  void Connect(Handler handler) override;  // REQUIRES: called once
  void Send(ByteView message) override;

 private:
  void Try();
  void TryAt(MonoTime when);
  UniqueFd Dial() const;

  Loop& loop_;
  std::string path_;
  Handler handler_;
  TimerId timer_ = 0;
  std::shared_ptr<SeqPacket> connection_;
};

}  // namespace fencepost
