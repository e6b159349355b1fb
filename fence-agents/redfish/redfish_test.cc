// The Redfish device against a service that is a script: which requests it sends, and what it
// believes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "fence-agents/redfish/redfish_device.h"

namespace fencepost::redfish {
namespace {

using agent::Cause;
using agent::Phase;
using agent::PowerState;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr MonoTime kDeadline{std::chrono::seconds(10)};
MonoTime now;  // of the device's clock; set anew by each Service

const std::string kRoot =
    R"({"Systems":{"@odata.id":"/rf/Systems"},"Links":{"Sessions":{"@odata.id":"/rf/Sessions"}}})";
const std::string kOne = R"({"Members":[{"@odata.id":"/rf/Systems/1"}]})";

std::string System(const std::string& state, const std::string& types = R"("On","ForceOff")") {
  return Cat(R"({"PowerState":")", state,
             R"(","Actions":{"#ComputerSystem.Reset":{"target":"/rf/reset",)",
             R"("ResetType@Redfish.AllowableValues":[)", types, "]}}}");
}

using Reply = Result<HttpResponse, agent::Failure>;
HttpResponse Answer(long status, std::string body = "{}",
                    std::map<std::string, std::string> headers = {}) {
  return {status, std::move(headers), std::move(body)};
}
agent::Failure Silent(bool effect_unknown) {
  return agent::Failed(Phase::kConnect, Cause::kUnreachable, "BMC h:443", "does not answer", "",
                       effect_unknown);
}

// Replies by "METHOD path"; of several the last one is repeated.
struct Service {
  std::map<std::string, std::vector<Reply>> replies;
  std::vector<std::string> asked, bodies;
  Service() {
    now = MonoTime();
    replies["GET /rf/"] = {Answer(200, kRoot)};
    replies["POST /rf/Sessions"] = {
        Answer(201, "{}", {{"x-auth-token", "t"}, {"location", "https://h/rf/Sessions/9"}})};
    replies["GET /rf/Systems"] = {Answer(200, kOne)};
    replies["GET /rf/Systems/1"] = {Answer(200, System("On"))};
    replies["POST /rf/reset"] = {Answer(204)};
    replies["DELETE /rf/Sessions/9"] = {Answer(204)};
  }
};
class ScriptedHttp : public Http {
 public:
  explicit ScriptedHttp(Service* service) : service_(service) {}
  std::string Name() const override { return "BMC h:443"; }
  Reply Do(const HttpRequest& request, MonoTime) override {
    const std::string what = Cat(request.method, " ", request.path);
    service_->asked.push_back(what);
    if (request.method == "POST") service_->bodies.push_back(request.body);
    auto& replies = service_->replies[what];
    if (replies.empty()) return Answer(404);
    Reply reply = replies.front();
    if (replies.size() > 1) replies.erase(replies.begin());
    return reply;
  }

 private:
  Service* service_;
};
struct Permit : agent::SwitchPermit {
  explicit Permit(bool may = true) : allowed(may) {}
  agent::SwitchResult Check() const override {
    if (allowed) return Ok{};
    return agent::Failed(Phase::kAct, Cause::kDeadline, "not_after_ms", "had passed");
  }
  MonoTime NotAfter() const override { return kDeadline; }
  bool allowed;
};
std::unique_ptr<agent::Device> Make(Service* service, std::string system = "") {
  RedfishSettings settings{"/rf/", std::move(system), "fence", "hunter22"};
  return MakeRedfishDevice(std::make_unique<ScriptedHttp>(service), std::move(settings),
                           {[] { return now; }, [](MonoTime until) { now = until; }});
}

TEST(RedfishStatus, OnlyTheWordOffIsOff) {
  for (const char* on : {"On", "PoweringOn", "PoweringOff"}) {
    Service service;
    service.replies["GET /rf/Systems/1"] = {Answer(200, System(on))};
    EXPECT_EQ(*Make(&service)->Status("", kDeadline), PowerState::kOn) << on;
  }
  Service off;
  off.replies["GET /rf/Systems/1"] = {Answer(200, System("Off"))};
  EXPECT_EQ(*Make(&off)->Status("", kDeadline), PowerState::kOff);
  for (const std::string& odd :
       {System(""), System("off"), System("Paused"), std::string("{}"), std::string("[]"),
        std::string("<html>"), std::string(R"({"PowerState":null})")}) {
    Service service;
    service.replies["GET /rf/Systems/1"] = {Answer(200, odd)};
    const auto state = Make(&service)->Status("", kDeadline);
    ASSERT_FALSE(state.ok()) << odd;
    EXPECT_EQ(state.error().cause, Cause::kUnclear) << odd;
  }
}

TEST(RedfishStatus, TheSessionIsOpenedOnceAndClosed) {
  Service service;
  {
    const auto device = Make(&service);
    EXPECT_TRUE(device->Status("", kDeadline).ok());
    EXPECT_TRUE(device->Status("", kDeadline).ok());
  }
  EXPECT_THAT(service.asked,
              ElementsAre("GET /rf/", "POST /rf/Sessions", "GET /rf/Systems", "GET /rf/Systems/1",
                          "GET /rf/Systems/1", "DELETE /rf/Sessions/9"));
}

TEST(RedfishStatus, OfSeveralMachinesNoneIsGuessed) {
  for (const char* members : {R"([{"@odata.id":"/a"},{"@odata.id":"/b"}])", "[]", "7", "[7]"}) {
    Service service;
    service.replies["GET /rf/Systems"] = {Answer(200, Cat(R"({"Members":)", members, "}"))};
    const auto state = Make(&service)->Status("", kDeadline);
    ASSERT_FALSE(state.ok()) << members;
    EXPECT_EQ(state.error().phase, Phase::kSelect) << members;
    EXPECT_THAT(state.error().error.remedy, HasSubstr("systems_uri"));
  }
  Service named;
  named.replies["GET /b"] = {Answer(200, System("Off"))};
  EXPECT_EQ(*Make(&named, "/b")->Status("", kDeadline), PowerState::kOff);
}

TEST(RedfishStatus, WhatIsRefusedSaysHowFarItCame) {
  struct Case {
    const char* request;
    long status;
    Phase phase;
    Cause cause;
  };
  const Case cases[] = {{"POST /rf/Sessions", 401, Phase::kAuth, Cause::kBadCredentials},
                        {"POST /rf/Sessions", 503, Phase::kConnect, Cause::kRefused},
                        {"POST /rf/Sessions", 500, Phase::kAuth, Cause::kDeviceError},
                        {"GET /rf/", 404, Phase::kConnect, Cause::kNoSuchPlug},
                        {"GET /rf/", 301, Phase::kVerify, Cause::kDeviceError},
                        {"GET /rf/Systems/1", 403, Phase::kAuth, Cause::kBadCredentials},
                        {"GET /rf/Systems/1", 500, Phase::kVerify, Cause::kDeviceError}};
  for (const Case& c : cases) {
    Service service;
    service.replies[c.request] = {Answer(c.status, R"({"error":{"message":"no\nway"}})")};
    const auto state = Make(&service)->Status("", kDeadline);
    ASSERT_FALSE(state.ok()) << c.request << c.status;
    EXPECT_EQ(state.error().phase, c.phase) << c.request << c.status;
    EXPECT_EQ(state.error().cause, c.cause) << c.request << c.status;
    EXPECT_FALSE(state.error().effect_unknown);
    EXPECT_THAT(state.error().Line("fence_redfish"), testing::Not(HasSubstr("hunter22")));
  }
}

TEST(RedfishSwitch, OffIsTheHardOneAndSentOnce) {
  struct Case {
    PowerState wanted;
    const char *allowed, *sent;
  };
  const Case cases[] = {
      {PowerState::kOff, R"("GracefulShutdown","ForceOff")", R"({"ResetType":"ForceOff"})"},
      {PowerState::kOn, R"("On","ForceOn")", R"({"ResetType":"On"})"},
      {PowerState::kOn, R"("ForceOn")", R"({"ResetType":"ForceOn"})"},
      {PowerState::kOff, R"("GracefulShutdown","PushPowerButton")", nullptr}};
  for (const Case& c : cases) {
    Service service;
    service.replies["GET /rf/Systems/1"] = {Answer(200, System("On", c.allowed))};
    const auto done = Make(&service)->Switch("", c.wanted, kDeadline, Permit());
    EXPECT_EQ(done.ok(), c.sent != nullptr) << c.allowed;
    ASSERT_EQ(service.bodies.size(), c.sent == nullptr ? 1U : 2U) << c.allowed;
    if (c.sent != nullptr) {
      EXPECT_EQ(service.bodies[1], c.sent);
    }
  }
}

TEST(RedfishSwitch, WithoutTheRightNothingIsSent) {
  Service service;
  const auto done = Make(&service)->Switch("", PowerState::kOff, kDeadline, Permit(false));
  EXPECT_EQ(done.error().cause, Cause::kDeadline);
  EXPECT_EQ(service.bodies.size(), 1U) << "only the session";
}

TEST(RedfishSwitch, WhatMayHaveSwitchedSaysSo) {
  struct Case {
    Reply reply;
    bool unknown;
    Phase phase;
  };
  const Case cases[] = {{Silent(true), true, Phase::kAct},
                        {Answer(500), true, Phase::kAct},
                        {Answer(409), true, Phase::kAct},
                        {Answer(403), false, Phase::kPrivilege}};
  for (const Case& c : cases) {
    Service service;
    service.replies["POST /rf/reset"] = {c.reply};
    const auto done = Make(&service)->Switch("", PowerState::kOff, kDeadline, Permit());
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.error().effect_unknown, c.unknown);
    EXPECT_EQ(done.error().phase, c.phase);
  }
}

TEST(RedfishSwitch, ATaskIsFollowedToItsEnd) {
  struct Case {
    std::vector<Reply> task;
    bool ok;
    std::size_t looks;
  };
  const auto state = [](long status, const char* text) {
    return Answer(status, Cat(R"({"TaskState":")", text, "\"}"));
  };
  const Case cases[] = {{{state(202, "Running"), state(200, "Completed")}, true, 2},
                        {{state(202, "Running"), state(200, "Exception")}, false, 2},
                        {{Answer(204, "")}, true, 1},
                        {{Silent(false)}, false, 1}};
  for (const Case& c : cases) {
    Service service;
    service.replies["POST /rf/reset"] = {Answer(202, "{}", {{"location", "/rf/tasks/1"}})};
    service.replies["GET /rf/tasks/1"] = c.task;
    const auto done = Make(&service)->Switch("", PowerState::kOff, kDeadline, Permit());
    EXPECT_EQ(done.ok(), c.ok);
    if (!done.ok()) {
      EXPECT_TRUE(done.error().effect_unknown);
    }
    EXPECT_EQ(static_cast<std::size_t>(
                  std::count(service.asked.begin(), service.asked.end(), "GET /rf/tasks/1")),
              c.looks);
  }
  Service endless;  // it is over at the deadline; the power state decides then
  endless.replies["POST /rf/reset"] = {Answer(202, "{}", {{"location", "/rf/tasks/1"}})};
  endless.replies["GET /rf/tasks/1"] = {state(202, "Running")};
  EXPECT_TRUE(Make(&endless)->Switch("", PowerState::kOff, kDeadline, Permit()).ok());
  EXPECT_LE(now, kDeadline);
}

// A location on another host is taken for a path of this one: the token goes nowhere else.
TEST(RedfishSession, WithoutSessionsThePasswordIsSentEachTimeAndElsewhereNothingIs) {
  Service service;
  service.replies["GET /rf/"] = {Answer(200, R"({"Systems":{"@odata.id":"/rf/Systems"}})")};
  EXPECT_TRUE(Make(&service)->Status("", kDeadline).ok());
  EXPECT_TRUE(service.bodies.empty());
  Service far;
  far.replies["POST /rf/Sessions"] = {
      Answer(201, "{}", {{"x-auth-token", "t"}, {"location", "https://elsewhere/s/1"}})};
  EXPECT_TRUE(Make(&far)->Status("", kDeadline).ok());
  EXPECT_EQ(far.asked.back(), "DELETE /s/1") << "of the same service";
}

TEST(RedfishSession, APasswordThatIsNoUtf8IsNoCrash) {
  Service service;
  service.replies["POST /rf/Sessions"] = {Answer(401)};
  RedfishSettings settings{"/rf/", "", "fence", "\xff\xfe"};
  const auto device = MakeRedfishDevice(std::make_unique<ScriptedHttp>(&service), settings,
                                        {[] { return now; }, [](MonoTime until) { now = until; }});
  EXPECT_EQ(device->Status("", kDeadline).error().cause, Cause::kBadCredentials);
}

}  // namespace
}  // namespace fencepost::redfish
