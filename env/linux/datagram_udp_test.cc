#include "env/linux/datagram_udp.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <vector>

#include "env/linux/loop_testing.h"

namespace fencepost {
namespace {

constexpr std::uint16_t kPort = 5409;

class UdpTest : public LoopTest {
 protected:
  // Loopback addresses of this process alone, so that tests may run side by side.
  static std::string Host(int node) {
    return Cat("127.", 1 + getpid() / 250 % 250, ".", 1 + getpid() % 250, ".", node);
  }
  static std::vector<UdpAddress> Nodes() {
    return {{NodeId(1), Host(1), kPort}, {NodeId(2), Host(2), kPort}};
  }
  std::unique_ptr<UdpDatagram> Open(int self) {
    auto port = UdpDatagram::Open(*loop_, NodeId(static_cast<std::uint8_t>(self)), Nodes());
    FENCEPOST_CHECK(port.ok());
    return std::move(*port);
  }
  // From outside the cluster, straight at node 2.
  static ssize_t Throw(const Bytes& bytes) {
    const UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(kPort);
    inet_pton(AF_INET, Host(2).c_str(), &to.sin_addr);
    return sendto(fd.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&to),
                  sizeof to);
  }
};

TEST_F(UdpTest, DatagramsOfEverySizeUpToTheLimitArriveWhole) {
  const auto one = Open(1), two = Open(2);
  std::vector<Bytes> got;
  two->OnReceive([&](ByteView bytes) {
    got.emplace_back(bytes.begin(), bytes.end());
    if (got.size() == 3) loop_->Stop();
  });
  const std::vector<Bytes> sent = {Bytes(1, 7), Bytes(1400, 8), Bytes(kMaxDatagram, 9)};
  for (const Bytes& bytes : sent) one->Send(NodeId(2), bytes);
  RunUntilStopped();
  EXPECT_EQ(got, sent);
  EXPECT_EQ(one->counters().sent, 3U);
  EXPECT_EQ(two->counters().received, 3U);
}

TEST_F(UdpTest, TooLongIsDroppedAndCountedOnBothSidesNeverCut) {
  const auto one = Open(1), two = Open(2);
  std::vector<std::size_t> got;
  two->OnReceive([&](ByteView bytes) {
    got.push_back(bytes.size());
    loop_->Stop();
  });
  one->Send(NodeId(2), Bytes(kMaxDatagram + 1));
  EXPECT_EQ(one->counters().send_failed, 1U);
  ASSERT_EQ(Throw(Bytes(kMaxDatagram + 1)), static_cast<ssize_t>(kMaxDatagram + 1));
  ASSERT_EQ(Throw(Bytes(60000)), 60000);
  one->Send(NodeId(2), Bytes(5));
  RunUntilStopped();
  EXPECT_EQ(got, std::vector<std::size_t>{5});
  EXPECT_EQ(two->counters().too_long, 2U);
}

TEST_F(UdpTest, GarbageAndEmptinessFromStrangersAreHandedOnAsTheyAre) {
  const auto two = Open(2);
  std::vector<Bytes> got;
  two->OnReceive([&](ByteView bytes) {
    got.emplace_back(bytes.begin(), bytes.end());
    if (got.size() == 2) loop_->Stop();
  });
  const Bytes garbage = {0xFF, 0x00, 0xDE, 0xAD};
  ASSERT_EQ(Throw({}), 0);
  ASSERT_EQ(Throw(garbage), 4);
  RunUntilStopped();
  EXPECT_EQ(got, (std::vector<Bytes>{{}, garbage}));
}

TEST_F(UdpTest, SendingToNobodyOrToADeadNodeFailsQuietly) {
  const auto one = Open(1);
  one->Send(NodeId(9), Bytes(1));
  EXPECT_EQ(one->counters().send_failed, 1U);
  one->Send(NodeId(2), Bytes(1));  // nobody listens there: the network swallows it
  one->Send(NodeId(2), Bytes(1));
  RunFor(Millis(2));
  EXPECT_EQ(one->counters().received, 0U);
}

TEST_F(UdpTest, Ipv6WorksAlike) {
  auto port =
      UdpDatagram::Open(*loop_, NodeId(1),
                        {{NodeId(1), "::1", static_cast<std::uint16_t>(20000 + getpid() % 20000)}});
  if (!port && port.error().cause.find("Cannot assign") != std::string::npos) {
    GTEST_SKIP() << "this machine has no IPv6 loopback";
  }
  ASSERT_TRUE(port.ok()) << port.error().Text();
  (*port)->OnReceive([&](ByteView) { loop_->Stop(); });
  (*port)->Send(NodeId(1), Bytes(3));
  RunUntilStopped();
}

TEST_F(UdpTest, WrongAddressesAreRefusedByName) {
  const auto taken = Open(1);
  const struct {
    const char* name;
    std::vector<UdpAddress> nodes;
    const char* says;
  } cases[] = {
      {"a name", {{NodeId(1), "localhost", kPort}}, "not a numeric IP address"},
      {"no address", {{NodeId(1), "", kPort}}, "not a numeric IP address"},
      {"no port", {{NodeId(1), "127.0.0.1", 0}}, "a port is missing"},
      {"node 0", {{NodeId(0), "127.0.0.1", kPort}}, "the node id is not valid"},
      {"twice", {{NodeId(1), "127.0.0.1", kPort}, {NodeId(1), "127.0.0.2", kPort}}, "named twice"},
      {"mixed",
       {{NodeId(1), "127.0.0.1", kPort}, {NodeId(2), "::1", kPort}},
       "not of the IP version"},
      {"self is missing", {{NodeId(2), "127.0.0.1", kPort}}, "node 1: has no address"},
      {"in use", {{NodeId(1), Host(1), kPort}}, "another daemon uses this port"},
      {"not ours", {{NodeId(1), "192.0.2.1", kPort}}, "does not have the address"},
  };
  for (const auto& c : cases) {
    const auto port = UdpDatagram::Open(*loop_, NodeId(1), c.nodes);
    ASSERT_FALSE(port.ok()) << c.name;
    EXPECT_NE(port.error().Text().find(c.says), std::string::npos)
        << c.name << ": " << port.error().Text();
  }
}

}  // namespace
}  // namespace fencepost
