#include "fence-agents/agent/resolve.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <future>
#include <memory>
#include <thread>

#include "base/text.h"
#include "fence-agents/agent/run_program.h"

namespace fencepost::agent {
namespace {

struct FreeList {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, FreeList>;

AddressList Look(const std::string& host, std::uint16_t port, int flags, int* error) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  *error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  return AddressList(*error == 0 ? found : nullptr);
}

struct Found {
  int error = EAI_FAIL;
  Address address{};
};

Found LookUp(const std::string& host, std::uint16_t port, int flags) {
  Found out;
  const AddressList list = Look(host, port, flags, &out.error);
  std::array<char, NI_MAXHOST> text{};
  if (out.error != 0) return out;
  out.error = getnameinfo(list->ai_addr, list->ai_addrlen, text.data(), text.size(), nullptr, 0,
                          NI_NUMERICHOST);
  out.address = {text.data(), list->ai_family == AF_INET6};
  return out;
}

}  // namespace

Result<Address, Failure> Resolve(const std::string& host, std::uint16_t port,
                                 const std::string& device, MonoTime deadline) {
  const auto unknown = [&](std::string why) {
    return Failed(Phase::kResolve, Cause::kUnknownHost, device, std::move(why),
                  "check ip, or give the address itself");
  };
  Found found = LookUp(host, port, AI_NUMERICHOST);
  if (found.error == 0) return found.address;
  std::promise<Found> promise;
  auto future = promise.get_future();
  std::thread([host, port, p = std::move(promise)]() mutable {
    p.set_value(LookUp(host, port, 0));
  }).detach();
  const auto left = std::max(deadline - BoottimeNow(), Duration::zero());
  if (future.wait_for(left) != std::future_status::ready) {
    return unknown("has no address yet: the name server gives no answer");
  }
  found = future.get();
  if (found.error != 0) return unknown(Cat("has no address (", gai_strerror(found.error), ")"));
  return found.address;
}

Presence AskOnce(const Address& address, std::uint16_t port, ByteView question, int wait_ms) {
  int error = 0;
  const AddressList list = Look(address.numeric, port, AI_NUMERICHOST, &error);
  if (!list) return Presence::kSilent;
  const int fd = socket(list->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Presence::kSilent;
  Presence out = Presence::kSilent;
  pollfd polled{fd, POLLIN, 0};
  if (connect(fd, list->ai_addr, list->ai_addrlen) == 0 &&
      send(fd, question.data(), question.size(), 0) > 0 && poll(&polled, 1, wait_ms) > 0) {
    std::array<std::uint8_t, 512> answer{};
    const bool heard = recv(fd, answer.data(), answer.size(), MSG_DONTWAIT) > 0;
    if (heard) out = Presence::kAnswers;
    if (!heard && errno == ECONNREFUSED) out = Presence::kPortClosed;
  }
  close(fd);
  return out;
}

}  // namespace fencepost::agent
