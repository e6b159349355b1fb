// The local sockets of one simulated node (LocalServer, LocalClient).
//
// Promise: as env/local_channel.h: messages in order, whole; each connected is followed by exactly
//          one gone; a client connects again by itself every kReconnect. What a process sent before
//          it was killed still arrives, then gone.
// Cruelty: each message has its own delay; a new connection may be reported before the end of the
//          older one; a peer that does not read (frozen) is dropped at kMaxQueued messages.
// Errors:  as the port.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "env/local_channel.h"
#include "tests/sim/ports/machine.h"

namespace fencepost::sim {

inline constexpr Duration kReconnect = Millis(200);
inline constexpr int kMaxQueued = 256;

class SimLocalServer;

// One connection; both ends hold it.
struct LocalPipe {
  struct End {
    std::shared_ptr<Life> life;
    std::function<void(ByteView)> message;
    std::function<void()> gone;
    TrueTime last_arrival{};
    int queued = 0;
    bool open = true;  // it may still be called
  };
  End server, client;
};

class LocalHub {  // one for each node
 public:
  explicit LocalHub(Timeline& world) : world_(world) {}
  void SetDelay(Duration most) { delay_ = most; }

 private:
  friend class SimLocalServer;
  friend class SimLocalClient;
  void Send(const std::shared_ptr<LocalPipe>& pipe, LocalPipe::End& to, ByteView message);
  void Close(const std::shared_ptr<LocalPipe>& pipe);  // both ends are told
  TrueTime Arrival(LocalPipe::End& to);

  Timeline& world_;
  Duration delay_ = std::chrono::microseconds(200);
  std::map<std::string, SimLocalServer*> servers_;
};

class SimLocalServer final : public LocalServer {
 public:
  // REQUIRES: no other server of this name lives (the lock of a real one).
  SimLocalServer(LocalHub& hub, std::string name, std::shared_ptr<Life> life);
  ~SimLocalServer() override;
  void Serve(Handler handler) override;
  void Send(PeerId peer, ByteView message) override;
  void Drop(PeerId peer) override;

 private:
  friend class SimLocalClient;
  [[nodiscard]] bool Accepts() const { return serving_ && life_->alive(); }
  void Accept(const std::shared_ptr<LocalPipe>& pipe, std::uint32_t user_id);
  void Leave();

  LocalHub& hub_;
  std::string name_;
  std::shared_ptr<Life> life_;
  Handler handler_;
  bool serving_ = false;
  PeerId last_ = 0;
  std::map<PeerId, std::shared_ptr<LocalPipe>> peers_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

class SimLocalClient final : public LocalClient {
 public:
  SimLocalClient(LocalHub& hub, std::string name, std::shared_ptr<Life> life,
                 std::uint32_t user_id = 0);
  ~SimLocalClient() override;
  void Connect(Handler handler) override;
  void Send(ByteView message) override;
  void Disconnect();  // the process closes it; it does not connect again

 private:
  void Try();
  void Lost();

  LocalHub& hub_;
  std::string name_;
  std::shared_ptr<Life> life_;
  std::uint32_t user_id_;
  Handler handler_;
  bool wanted_ = false;
  std::shared_ptr<LocalPipe> pipe_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fencepost::sim
