// TcpPort over sockets of the loop.
//
// Promise: each done is called once, from the loop; connections are reset, not lingering. At most
//          kMaxTcpProbes are under way, further ones fail. Errors: the system's words for why.
// Ownership: the loop outlives it; after its destruction nothing is called.
#pragma once
#include <map>

#include "env/linux/loop.h"
#include "env/probes.h"

namespace fencepost {

inline constexpr std::size_t kMaxTcpProbes = 512;

class LinuxTcpProbe final : public TcpPort {
 public:
  explicit LinuxTcpProbe(Loop& loop) : loop_(loop) {}
  ~LinuxTcpProbe() override;
  LinuxTcpProbe(const LinuxTcpProbe&) = delete;
  LinuxTcpProbe& operator=(const LinuxTcpProbe&) = delete;

  void Connect(const Route& route, std::uint16_t port, MonoTime deadline,
               std::function<void(Status)> done) override;

 private:
  struct Attempt {
    UniqueFd fd;
    WatchId watch = 0;
    TimerId timer = 0;
    std::function<void(Status)> done;
  };
  Result<UniqueFd> Dial(const Route& route, std::uint16_t port) const;
  void Finish(std::uint64_t id, Status status);

  Loop& loop_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Attempt> attempts_;
};

}  // namespace fencepost
