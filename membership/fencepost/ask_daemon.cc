#include "membership/fencepost/ask_daemon.h"

#include <optional>

#include "base/text.h"
#include "env/linux/local_socket.h"
#include "env/linux/loop.h"
#include "membership/fencepostd/tool_request.h"

namespace fencepost::command {
namespace {

struct Conversation {
  bool connected = false;
  std::optional<std::string> answer;
};

Result<Conversation> Talk(const std::string& path, const std::string& request) {
  auto loop = Loop::Create();
  if (!loop) return loop.error();
  Conversation out;
  LocalSocketClient client(**loop, path);
  LocalClient::Handler handler;
  handler.connected = [&] {
    out.connected = true;
    client.Send({reinterpret_cast<const std::uint8_t*>(request.data()), request.size()});
    (*loop)->CallAt((*loop)->Now() + kAnswerLimit, [&] { (*loop)->Stop(); });
  };
  handler.message = [&](ByteView message) {
    out.answer = std::string(message.begin(), message.end());
    (*loop)->Stop();
  };
  handler.gone = [&] { (*loop)->Stop(); };
  client.Connect(std::move(handler));
  (*loop)->CallAt((*loop)->Now() + kConnectLimit, [&] {
    if (!out.connected) (*loop)->Stop();
  });
  (*loop)->Run();
  return out;
}

}  // namespace

Result<nlohmann::json, Unanswered> AskDaemon(const std::string& run_dir,
                                             const nlohmann::json& request) {
  const std::string path = Cat(run_dir, "/", daemon::kToolSocket);
  const auto talk = Talk(path, request.dump());
  if (!talk) return Unanswered{false, talk.error()};
  if (!talk->connected) {
    return Unanswered{false, Error{"fencepostd", Cat("is not running: nobody answers at ", path),
                                   "start it with \"systemctl start fencepostd\" or "
                                   "\"fencepostd\""}};
  }
  if (!talk->answer) {
    return Unanswered{true, Error{"fencepostd", Cat("does not answer at ", path),
                                  "run as root; if you are, look at its log"}};
  }
  nlohmann::json answer = nlohmann::json::parse(*talk->answer, nullptr, false);
  if (!answer.is_object()) {
    return Unanswered{true, Error{"fencepostd", "answered something that is no JSON object",
                                  "use the fencepost command of its version"}};
  }
  if (answer.contains("error") && answer["error"].is_string()) {
    return Unanswered{true, Error{"fencepostd", answer["error"].get<std::string>(), ""}};
  }
  return answer;
}

void SleepFor(Duration d) {
  auto loop = Loop::Create();
  if (!loop) return;
  (*loop)->CallAt((*loop)->Now() + d, [&] { (*loop)->Stop(); });
  (*loop)->Run();
}

}  // namespace fencepost::command
