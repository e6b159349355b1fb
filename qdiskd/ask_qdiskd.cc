#include "qdiskd/ask_qdiskd.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "env/linux/local_socket.h"
#include "env/linux/loop.h"

namespace fencepost::qdiskd {
namespace {

bool IsAnswer(const FromQdiskd& message) {
  return std::holds_alternative<local::MessageEnd>(message) ||
         std::holds_alternative<local::PowerSaid>(message);
}

}  // namespace

MonoTime AskClock() {
  const auto loop = Loop::Create();
  return loop ? (*loop)->Now() : kNever;
}

Result<FromQdiskd> AskQdiskd(const std::string& run_dir, const ToQdiskd& request,
                             MonoTime deadline) {
  const std::string path = Cat(run_dir, "/qdiskd.sock");
  auto loop = Loop::Create();
  if (!loop) return loop.error();
  bool connected = false, garbled = false;
  std::optional<FromQdiskd> answer;
  LocalSocketClient client(**loop, path);
  LocalClient::Handler handler;
  handler.connected = [&] {
    if (connected || (*loop)->Now() >= deadline) return (*loop)->Stop();
    connected = true;
    client.Send(Encode(request));
  };
  handler.message = [&](ByteView bytes) {
    const auto message = DecodeFromQdiskd(bytes);
    garbled = !message.ok();
    if (garbled) return (*loop)->Stop();
    if (!IsAnswer(*message)) return;
    answer = *message;
    (*loop)->Stop();
  };
  handler.gone = [&] { (*loop)->Stop(); };
  client.Connect(std::move(handler));
  (*loop)->CallAt(std::min(deadline, (*loop)->Now() + kConnectLimit), [&] {
    if (!connected) (*loop)->Stop();
  });
  (*loop)->CallAt(deadline + kAnswerSlack, [&] { (*loop)->Stop(); });
  (*loop)->Run();
  if (answer) return *answer;
  if (!connected) {
    return Error{"qdiskd", Cat("is not running: nobody answers at ", path),
                 "start it, and be root"};
  }
  if (garbled) {
    return Error{"qdiskd", "speaks another version", "update all of Fencepost on this node"};
  }
  return Error{"qdiskd", Cat("did not answer at ", path), "look at its log; be root"};
}

}  // namespace fencepost::qdiskd
