#include "fence-agents/ipmilan/resolve.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "base/text.h"

namespace fencepost::ipmilan {
namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

AddressList Look(const std::string& host, std::uint16_t port, int flags, int* error) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  *error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  return {found, freeaddrinfo};
}

}  // namespace

Result<Address, agent::Failure> Resolve(const std::string& host, std::uint16_t port) {
  int error = 0;
  const AddressList list = Look(host, port, 0, &error);
  std::array<char, NI_MAXHOST> text{};
  if (error != 0 || getnameinfo(list->ai_addr, list->ai_addrlen, text.data(), text.size(), nullptr,
                                0, NI_NUMERICHOST) != 0) {
    return agent::Failure{
        agent::Phase::kResolve,
        agent::Cause::kUnknownHost,
        {Cat("BMC ", agent::OneLine(host)), Cat("has no address (", gai_strerror(error), ")"),
         "check ip, or give the address itself"}};
  }
  return Address{text.data(), list->ai_family == AF_INET6};
}

Presence AskPresence(const Address& address, std::uint16_t port) {
  // RMCP header (version 6, no acknowledgement, class ASF), then an ASF presence ping: enterprise
  // 4542, type 80h, tag 0. Source: ASF 2.0 specification, section 3.2.
  constexpr std::array<std::uint8_t, 12> kPing{6, 0, 0xFF, 6, 0, 0, 0x11, 0xBE, 0x80, 0, 0, 0};
  int error = 0;
  const AddressList list = Look(address.numeric, port, AI_NUMERICHOST, &error);
  if (error != 0) return Presence::kSilent;
  const int fd = socket(list->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Presence::kSilent;
  Presence out = Presence::kSilent;
  pollfd polled{fd, POLLIN, 0};
  if (connect(fd, list->ai_addr, list->ai_addrlen) == 0 &&
      send(fd, kPing.data(), kPing.size(), 0) > 0 && poll(&polled, 1, kPresenceLimitMs) > 0) {
    std::array<std::uint8_t, 64> pong{};
    const bool heard = recv(fd, pong.data(), pong.size(), MSG_DONTWAIT) > 0;
    if (heard) out = Presence::kAnswers;
    if (!heard && errno == ECONNREFUSED) out = Presence::kPortClosed;
  }
  close(fd);
  return out;
}

}  // namespace fencepost::ipmilan
