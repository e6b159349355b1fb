#include "pingd/ask_status.h"

#include "env/linux/local_socket.h"
#include "env/linux/loop.h"
#include "pingd/daemon.h"

namespace fencepost::ping {
namespace {

struct Conversation {
  Loop& loop;
  LocalSocketClient client;
  nlohmann::json status;
  bool whole = false, failed = false, connected = false;

  void Ask(std::size_t first) {
    const std::string text = Dump({{"command", "status"}, {"first", first}});
    client.Send({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  void Take(ByteView message) {
    auto page = nlohmann::json::parse(message.begin(), message.end(), nullptr, false);
    if (!page.is_object() || !page.contains("targets") || !page["targets"].is_array()) {
      failed = true;
      return loop.Stop();
    }
    const auto next = page.value("next", nlohmann::json(nullptr));
    if (status.is_null()) {
      status = std::move(page);
    } else {
      for (auto& target : page["targets"]) status["targets"].push_back(std::move(target));
    }
    if (next.is_number_unsigned() && status["targets"].size() < config::kMaxPingTargets) {
      return Ask(next.get<std::size_t>());
    }
    status["next"] = nullptr;
    whole = true;
    loop.Stop();
  }
};

}  // namespace

Result<nlohmann::json> AskStatus(const std::string& run_dir) {
  auto loop = Loop::Create();
  if (!loop.ok()) return loop.error();
  const std::string path = Cat(run_dir, "/", kStatusSocket);
  Conversation talk{**loop, {**loop, path}, nullptr, false, false, false};
  LocalClient::Handler handler;
  handler.connected = [&] {
    talk.connected = true;
    talk.Ask(0);
  };
  handler.message = [&](ByteView message) { talk.Take(message); };
  handler.gone = [&] { (*loop)->Stop(); };
  talk.client.Connect(std::move(handler));
  const MonoTime begun = (*loop)->Now();
  (*loop)->CallAt(begun + Millis(500), [&] {
    if (!talk.connected) (*loop)->Stop();
  });
  (*loop)->CallAt(begun + kAskLimit, [&] { (*loop)->Stop(); });
  (*loop)->Run();
  if (talk.whole) return std::move(talk.status);
  if (!talk.connected) {
    return Error{"pingd", Cat("is not running: nobody answers at ", path),
                 "start it, or name its directory with --run-dir"};
  }
  return Error{"pingd", Cat("gives no status at ", path), "ask as root or as its own user"};
}

}  // namespace fencepost::ping
