#include "fence-agents/redfish/redfish_device.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace fencepost::redfish {
namespace {

using agent::Cause;
using agent::Failed;
using agent::Failure;
using agent::Phase;
using nlohmann::json;

constexpr long kOk = 200, kCreated = 201, kAccepted = 202, kNoContent = 204, kUnauthorized = 401,
               kForbidden = 403, kNotFound = 404, kTooMany = 429, kUnavailable = 503;

std::string TextAt(const json& object, const char* pointer) {
  const json* at = nullptr;
  const json::json_pointer where(pointer);
  if (object.contains(where)) at = &object.at(where);
  return at != nullptr && at->is_string() ? at->get<std::string>() : std::string();
}

// What the device says of an error, cut short: foreign text.
std::string Said(const std::string& body) {
  constexpr std::size_t kShown = 120;
  const json object = json::parse(body, nullptr, false);
  std::string text;
  if (object.is_object()) {
    text = TextAt(object, "/error/@Message.ExtendedInfo/0/Message");
    if (text.empty()) text = TextAt(object, "/error/message");
  }
  return text.empty() ? "" : Cat(" (", agent::OneLine(text.substr(0, kShown)), ")");
}

// A path of this service; "" for one that leads elsewhere.
std::string LocalPath(const std::string& uri) {
  if (uri.starts_with("/")) return uri;
  const auto scheme = uri.find("://");
  const auto slash = scheme == std::string::npos ? scheme : uri.find('/', scheme + 3);
  return slash == std::string::npos ? "" : uri.substr(slash);
}

class RedfishDevice : public agent::SingleDevice {
 public:
  RedfishDevice(std::unique_ptr<Http> http, RedfishSettings settings, Clock clock)
      : http_(std::move(http)), s_(std::move(settings)), clock_(clock) {}
  ~RedfishDevice() override {
    if (session_.empty()) return;
    static_cast<void>(http_->Do({"DELETE", session_, "", token_}, clock_.now() + kCloseLimit));
  }
  RedfishDevice(const RedfishDevice&) = delete;
  RedfishDevice& operator=(const RedfishDevice&) = delete;

  agent::PowerResult Status(const std::string&, MonoTime deadline) override {
    const auto system = System(deadline);
    if (!system) return system.error();
    const std::string state = TextAt(*system, "/PowerState");
    if (state == "Off") return agent::PowerState::kOff;
    if (state == "On" || state == "PoweringOn" || state == "PoweringOff") {
      return agent::PowerState::kOn;
    }
    return Failed(Phase::kVerify, Cause::kUnclear, http_->Name(),
                  state.empty() ? "gives no PowerState"
                                : Cat("says PowerState '", agent::OneLine(state),
                                      "', which is neither on nor off"),
                  "look at the machine itself");
  }

  agent::SwitchResult Switch(const std::string&, agent::PowerState wanted, MonoTime deadline,
                             const agent::SwitchPermit& permit) override {
    const auto system = System(deadline);
    if (!system) return system.error();
    const std::string target = LocalPath(TextAt(*system, "/Actions/#ComputerSystem.Reset/target"));
    if (target.empty()) {
      return Failed(Phase::kSelect, Cause::kDeviceError, http_->Name(),
                    "offers no reset action for this machine",
                    "this BMC or user cannot be used for fencing");
    }
    const auto type = ResetType(*system, wanted);
    if (!type) return type.error();
    const auto may = permit.Check();
    if (!may) return may.error();
    deadline = std::min(deadline, permit.NotAfter());
    const auto answer = Authorized("POST", target, json{{"ResetType", *type}}.dump(), deadline);
    if (!answer) {
      Failure failure = answer.error();
      if (failure.effect_unknown) failure.phase = Phase::kAct;
      return failure;
    }
    return Judge(*answer, deadline);
  }

 private:
  agent::SwitchResult Judge(const HttpResponse& answer, MonoTime deadline) {
    if (answer.status == kAccepted) return FollowTask(answer, deadline);
    if (answer.status == kOk || answer.status == kNoContent || answer.status == kCreated)
      return Ok{};
    if (answer.status == kUnauthorized || answer.status == kForbidden) {
      return Failed(Phase::kPrivilege, Cause::kNotPermitted, http_->Name(),
                    Cat("does not let user '", agent::OneLine(s_.username), "' switch the power",
                        Said(answer.body)),
                    "give the user a role with the privilege ConfigureComponents (Operator)");
    }
    // It may have begun nevertheless, and "already off" is an error for some.
    return Failed(Phase::kAct, Cause::kDeviceError, http_->Name(),
                  Cat("failed at the power command (HTTP ", answer.status, ")", Said(answer.body)),
                  "look at the BMC's log", true);
  }

  // 202: the work goes on. Followed as long as there is time; the power state decides in the end.
  agent::SwitchResult FollowTask(const HttpResponse& accepted, MonoTime deadline) {
    const auto location = accepted.headers.find("location");
    const std::string path = location == accepted.headers.end() ? "" : LocalPath(location->second);
    while (!path.empty() && clock_.now() + kTaskPause < deadline) {
      clock_.wait_until(clock_.now() + kTaskPause);
      const auto answer = Authorized("GET", path, "", deadline);
      if (!answer) {
        Failure failure = answer.error();
        failure.effect_unknown = true;
        return failure;
      }
      const json task = json::parse(answer->body, nullptr, false);
      const std::string state = task.is_object() ? TextAt(task, "/TaskState") : "";
      if (state == "Exception" || state == "Killed" || state == "Cancelled") {
        return Failed(Phase::kAct, Cause::kDeviceError, http_->Name(),
                      Cat("began the power command and gave up (task ", state, ")"),
                      "look at the BMC's log", true);
      }
      if (answer->status != kAccepted && (state.empty() || state == "Completed")) return Ok{};
    }
    return Ok{};
  }

  Result<std::string, Failure> ResetType(const json& system, agent::PowerState wanted) const {
    const json::json_pointer where(
        "/Actions/#ComputerSystem.Reset/ResetType@Redfish.AllowableValues");
    const bool on = wanted == agent::PowerState::kOn;
    if (!system.contains(where) || !system.at(where).is_array())
      return std::string(on ? "On" : "ForceOff");
    const json& allowed = system.at(where);
    const auto offers = [&](const char* type) {
      return std::find(allowed.begin(), allowed.end(), type) != allowed.end();
    };
    if (!on && offers("ForceOff")) return std::string("ForceOff");
    if (on && offers("On")) return std::string("On");
    if (on && offers("ForceOn")) return std::string("ForceOn");
    return Failed(Phase::kSelect, Cause::kDeviceError, http_->Name(),
                  Cat("does not offer ResetType ", on ? "On" : "ForceOff", " for this machine"),
                  on ? "" : "a soft shutdown is no fencing: use another device");
  }

  Result<json, Failure> System(MonoTime deadline) {
    const auto open = Open(deadline);
    if (!open) return open.error();
    if (s_.system.empty()) {
      auto found = FindSystem(deadline);
      if (!found) return found.error();
      s_.system = *found;
    }
    return Fetch(s_.system, Phase::kSelect, deadline);
  }

  Result<std::string, Failure> FindSystem(MonoTime deadline) {
    if (systems_.empty()) {
      return Failed(Phase::kSelect, Cause::kUnclear, http_->Name(),
                    "has no collection of systems in its service root", "say systems_uri");
    }
    const auto collection = Fetch(systems_, Phase::kSelect, deadline);
    if (!collection) return collection.error();
    std::vector<std::string> paths;
    const json members = collection->value("Members", json::array());
    if (members.is_array()) {
      for (const json& member : members) {
        paths.push_back(member.is_object() ? LocalPath(TextAt(member, "/@odata.id")) : "");
      }
    }
    if (paths.size() == 1 && !paths[0].empty()) return paths[0];
    std::string all;
    for (const std::string& path : paths) all += " " + agent::OneLine(path);
    return Failed(Phase::kSelect, Cause::kNoSuchPlug, http_->Name(),
                  Cat("has ", paths.size(), " systems, and which one is not said"),
                  paths.empty() ? "say systems_uri" : Cat("say systems_uri, one of:", all));
  }

  // A resource, as an object.
  Result<json, Failure> Fetch(const std::string& path, Phase phase, MonoTime deadline) {
    const auto answer = Authorized("GET", path, "", deadline);
    if (!answer) {
      Failure failure = answer.error();
      failure.effect_unknown = false;  // a question switches nothing
      return failure;
    }
    if (answer->status == kUnauthorized || answer->status == kForbidden) {
      return Failed(Phase::kAuth, Cause::kBadCredentials, http_->Name(),
                    Cat("rejects user '", agent::OneLine(s_.username), "'", Said(answer->body)),
                    "check username and password");
    }
    if (answer->status == kNotFound) {
      return Failed(phase, Cause::kNoSuchPlug, http_->Name(), Cat("has no ", agent::OneLine(path)),
                    "check systems_uri and redfish_uri");
    }
    if (answer->status != kOk) {
      return Failed(Phase::kVerify, Cause::kDeviceError, http_->Name(),
                    Cat("failed at a question (HTTP ", answer->status, ")", Said(answer->body)),
                    "ask again");
    }
    json object = json::parse(answer->body, nullptr, false);
    if (!object.is_object()) {
      return Failed(Phase::kVerify, Cause::kUnclear, http_->Name(),
                    Cat("gives for ", agent::OneLine(path), " what is no JSON object"),
                    "check ipport and redfish_uri");
    }
    return object;
  }

  Result<HttpResponse, Failure> Authorized(const std::string& method, const std::string& path,
                                           const std::string& body, MonoTime deadline) {
    return http_->Do({method, path, body, token_, open_ && token_.empty()}, deadline);
  }

  Result<Ok, Failure> Open(MonoTime deadline) {
    if (open_) return Ok{};
    const auto root = Fetch(s_.root, Phase::kConnect, deadline);
    if (!root) return root.error();
    systems_ = LocalPath(TextAt(*root, "/Systems/@odata.id"));
    const std::string sessions = LocalPath(TextAt(*root, "/Links/Sessions/@odata.id"));
    if (sessions.empty()) {  // basic authentication then, which every service must understand
      open_ = true;
      return Ok{};
    }
    // Bytes that JSON cannot hold are replaced: the device says that the password is wrong.
    const std::string login = json{{"UserName", s_.username}, {"Password", s_.password}}.dump(
        -1, ' ', false, json::error_handler_t::replace);
    const auto made = http_->Do({"POST", sessions, login}, deadline);
    if (!made) {
      Failure failure = made.error();
      failure.effect_unknown = false;  // of the power, not of the session
      return failure;
    }
    const auto token = made->headers.find("x-auth-token");
    if (made->status == kCreated && token != made->headers.end()) {
      token_ = token->second;
      const auto location = made->headers.find("location");
      if (location != made->headers.end()) session_ = LocalPath(location->second);
      open_ = true;
      return Ok{};
    }
    return SessionRefused(*made);
  }

  [[nodiscard]] Failure SessionRefused(const HttpResponse& made) const {
    if (made.status == kUnavailable || made.status == kTooMany) {
      return Failed(Phase::kConnect, Cause::kRefused, http_->Name(),
                    Cat("has no free session", Said(made.body)),
                    "end other sessions to the BMC, or ask again");
    }
    if (made.status >= 400 && made.status < 500) {
      return Failed(
          Phase::kAuth, Cause::kBadCredentials, http_->Name(),
          Cat("rejects user '", agent::OneLine(s_.username), "' or the password", Said(made.body)),
          "check username and password");
    }
    return Failed(Phase::kAuth, Cause::kDeviceError, http_->Name(),
                  Cat("opens no session (HTTP ", made.status, ")", Said(made.body)), "ask again");
  }

  std::unique_ptr<Http> http_;
  RedfishSettings s_;
  Clock clock_;
  bool open_ = false;
  std::string token_, session_, systems_;
};

}  // namespace

std::unique_ptr<agent::Device> MakeRedfishDevice(std::unique_ptr<Http> http,
                                                 RedfishSettings settings, Clock clock) {
  return std::make_unique<RedfishDevice>(std::move(http), std::move(settings), clock);
}

}  // namespace fencepost::redfish
