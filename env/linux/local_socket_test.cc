#include "env/linux/local_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fstream>

#include "env/linux/loop_testing.h"

namespace fencepost {
namespace {

Bytes Text(std::string_view text) { return {text.begin(), text.end()}; }

class LocalSocketTest : public LoopTest {
 protected:
  std::unique_ptr<LocalSocketServer> Open() {
    auto server = LocalSocketServer::Open(*loop_, path_);
    FENCEPOST_CHECK(server.ok());
    return std::move(*server);
  }
  // A peer that does not keep our manners; blocking.
  UniqueFd RawClient() const {
    UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    FENCEPOST_CHECK(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    return fd;
  }
  LocalServer::Handler Recorder() {
    return {.connected =
                [this](PeerId peer, std::uint32_t uid) {
                  peer_ = peer;
                  story_ += Cat("connected ", uid == geteuid() ? "self" : "other", "; ");
                },
            .message =
                [this](PeerId, ByteView m) {
                  story_ += m.size() > 20 ? Cat(m.size(), " bytes; ")
                                          : std::string(m.begin(), m.end()) + "; ";
                },
            .gone =
                [this](PeerId) {
                  story_ += "gone; ";
                  loop_->Stop();
                }};
  }
  TemporaryDirectory directory_;
  std::string path_ = directory_ / "run/daemon.sock";
  std::string story_;
  PeerId peer_ = 0;
};

TEST_F(LocalSocketTest, MessagesGoBothWaysInOrderAndTheKernelNamesTheUser) {
  auto server = Open();
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  LocalSocketClient client(*loop_, path_);
  auto handler = Recorder();
  handler.message = [&, record = handler.message](PeerId peer, ByteView m) {
    record(peer, m);
    if (m.size() == kMaxLocalMessage) server->Send(peer, Text("re"));
  };
  server->Serve(handler);
  std::string replies;
  client.Connect({.connected =
                      [&] {
                        client.Send(Text("one"));
                        client.Send(Text("two"));
                        client.Send(Bytes(kMaxLocalMessage, 'x'));
                      },
                  .message =
                      [&](ByteView m) {
                        replies.assign(m.begin(), m.end());
                        loop_->Stop();
                      },
                  .gone = [] {}});
  RunUntilStopped();
  EXPECT_EQ(story_, "connected self; one; two; 65536 bytes; ");
  EXPECT_EQ(replies, "re");
}

TEST_F(LocalSocketTest, APeerThatDiesIsReportedOnceAfterItsLastWords) {
  auto server = Open();
  server->Serve(Recorder());
  {
    const UniqueFd raw = RawClient();
    ASSERT_EQ(send(raw.get(), "bye", 3, 0), 3);
  }
  RunUntilStopped();
  server->Send(peer_, Text("too late"));  // dropped
  server->Drop(peer_);
  RunFor(Millis(5));
  EXPECT_EQ(story_, "connected self; bye; gone; ");
}

TEST_F(LocalSocketTest, LastWordsArriveAlsoWhenAnAnswerWasLeftUnread) {
  auto server = Open();
  auto handler = Recorder();
  handler.connected = [&](PeerId peer, std::uint32_t) {
    server->Send(peer, Text("hello"));
    loop_->Stop();
  };
  server->Serve(handler);
  UniqueFd raw = RawClient();
  RunUntilStopped();
  ASSERT_EQ(send(raw.get(), "bye", 3, 0), 3);
  raw.Reset();  // with "hello" unread: a reset for the server
  RunUntilStopped();
  EXPECT_EQ(story_, "bye; gone; ");
}

TEST_F(LocalSocketTest, AMessageThatIsTooLongOrEmptyEndsTheConnection) {
  auto server = Open();
  server->Serve(Recorder());
  for (const std::size_t size : {kMaxLocalMessage + 1, std::size_t{0}}) {
    story_.clear();
    const UniqueFd raw = RawClient();
    const Bytes bytes(size + 1);
    ASSERT_EQ(send(raw.get(), bytes.data(), size, 0), static_cast<ssize_t>(size));
    RunUntilStopped();
    EXPECT_EQ(story_, "connected self; gone; ") << size;
  }
}

TEST_F(LocalSocketTest, APeerThatDoesNotReadIsDroppedAndNobodyWaits) {
  auto server = Open();
  server->Serve(Recorder());
  const UniqueFd raw = RawClient();
  RunFor(Millis(1));
  ASSERT_NE(peer_, 0U);
  for (std::size_t sent = 0; sent < 2 * kMaxLocalQueue; sent += kMaxLocalMessage) {
    server->Send(peer_, Bytes(kMaxLocalMessage));
  }
  EXPECT_EQ(story_, "connected self; ") << "gone comes from the loop";
  RunUntilStopped();
  EXPECT_EQ(story_, "connected self; gone; ");
}

TEST_F(LocalSocketTest, AQueueThatIsReadInTimeIsDeliveredWhole) {
  auto server = Open();
  auto handler = Recorder();
  constexpr int kMessages = 12;  // more than a socket holds, less than the queue
  handler.connected = [&](PeerId peer, std::uint32_t) {
    for (std::uint8_t i = 0; i < kMessages; ++i) {
      server->Send(peer, Bytes(kMaxLocalMessage, i));
    }
  };
  server->Serve(handler);
  LocalSocketClient client(*loop_, path_);
  std::vector<std::uint8_t> got;
  client.Connect({.connected = [] {},
                  .message =
                      [&](ByteView m) {
                        got.push_back(m[0]);
                        if (got.size() == kMessages) loop_->Stop();
                      },
                  .gone = [] {}});
  RunUntilStopped();
  EXPECT_TRUE(std::is_sorted(got.begin(), got.end()));
}

TEST_F(LocalSocketTest, HandlersMayDropThePeerThatCallsThem) {
  auto server = Open();
  auto handler = Recorder();
  handler.message = [&](PeerId peer, ByteView) {
    story_ += "message; ";
    server->Drop(peer);
  };
  server->Serve(handler);
  const UniqueFd raw = RawClient();
  ASSERT_EQ(send(raw.get(), "a", 1, 0), 1);
  ASSERT_EQ(send(raw.get(), "b", 1, 0), 1);
  RunUntilStopped();
  EXPECT_EQ(story_, "connected self; message; gone; ");
}

TEST_F(LocalSocketTest, AClientConnectsAsSoonAsThereIsAServerAndAgainAfterItsRestart) {
  LocalSocketClient client(*loop_, path_);
  std::string story;
  client.Send(Text("dropped"));
  client.Connect({.connected =
                      [&] {
                        story += "connected; ";
                        loop_->Stop();
                      },
                  .message = [](ByteView) {},
                  .gone =
                      [&] {
                        story += "gone; ";
                        loop_->Stop();
                      }});
  RunFor(Millis(5));
  EXPECT_EQ(story, "");
  auto server = Open();
  server->Serve(Recorder());
  RunUntilStopped();
  server.reset();
  RunUntilStopped();
  server = Open();
  server->Serve(Recorder());
  RunUntilStopped();
  EXPECT_EQ(story, "connected; gone; connected; ");
}

TEST_F(LocalSocketTest, MorePeersThanTheLimitAreTurnedAway) {
  auto server = Open();
  std::size_t connected = 0;
  auto handler = Recorder();
  handler.connected = [&](PeerId, std::uint32_t) { ++connected; };
  server->Serve(handler);
  std::vector<UniqueFd> raw;
  for (std::size_t i = 0; i < kMaxLocalPeers + 1; ++i) {
    raw.push_back(RawClient());
    RunFor(Millis(0));  // the backlog is shorter than the limit
  }
  RunFor(Millis(5));
  EXPECT_EQ(connected, kMaxLocalPeers);
  char byte = 0;
  EXPECT_EQ(recv(raw.back().get(), &byte, 1, 0), 0) << "the last one is hung up on";
}

TEST_F(LocalSocketTest, TheLivingKeepTheirSocketTheDeadLoseItAndFilesAreLeftAlone) {
  auto server = Open();
  const auto second = LocalSocketServer::Open(*loop_, path_);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().Text().find("another daemon is serving there"), std::string::npos);
  server.reset();
  {  // what a killed daemon leaves: a bound socket that nobody serves
    const UniqueFd dead(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  server = Open();
  server.reset();
  std::ofstream(path_) << "precious";
  const auto third = LocalSocketServer::Open(*loop_, path_);
  ASSERT_FALSE(third.ok());
  EXPECT_NE(third.error().Text().find("is not a socket"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(LocalSocketTest, AnImpossiblePathIsRefused) {
  for (const std::string& path :
       {std::string("relative.sock"), "/" + std::string(200, 'x'), std::string()}) {
    EXPECT_FALSE(LocalSocketServer::Open(*loop_, path).ok()) << path;
  }
  EXPECT_FALSE(LocalSocketServer::Open(*loop_, directory_ / "no/such/place.sock").ok());
}

}  // namespace
}  // namespace fencepost
