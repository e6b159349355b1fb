// What a Redfish service answers, one exchange after the other: a byte for the status, then the
// body up to a byte 0x1e. Whatever it says, nothing is switched that the caller does not permit,
// and an exchange that never comes is no state.
#include "base/check.h"
#include "base/text.h"
#include "fence-agents/redfish/redfish_device.h"
#include "tests/fuzz/input.h"

using namespace fencepost;

namespace {

constexpr long kStatuses[] = {200, 201, 202, 204, 301, 401, 403, 404, 429, 500, 503};
constexpr MonoTime kDeadline{std::chrono::seconds(60)};
MonoTime now;  // of the device's clock

struct Log {
  int exchanges = 0, posts = 0;
  bool ran_dry = false;
};

class Service : public redfish::Http {
 public:
  Service(std::vector<std::string> answers, Log* log) : answers_(std::move(answers)), log_(log) {}
  std::string Name() const override { return "BMC h:443"; }
  Result<redfish::HttpResponse, agent::Failure> Do(const redfish::HttpRequest& request,
                                                   MonoTime) override {
    log_->posts += request.method == "POST" ? 1 : 0;
    const auto at = static_cast<std::size_t>(log_->exchanges++);
    if (at >= answers_.size()) {
      log_->ran_dry = true;
      return agent::Failed(agent::Phase::kConnect, agent::Cause::kUnreachable, Name(), "is silent");
    }
    redfish::HttpResponse answer;
    const std::string& text = answers_[at];
    if (text.empty()) return answer;
    answer.status = kStatuses[static_cast<unsigned char>(text[0]) % std::size(kStatuses)];
    answer.body = text.substr(1);
    answer.headers = {{"x-auth-token", "t"}, {"location", answer.body.substr(0, 64)}};
    return answer;
  }

 private:
  std::vector<std::string> answers_;
  Log* log_;
};

struct Never : agent::SwitchPermit {
  agent::SwitchResult Check() const override {
    return agent::Failed(agent::Phase::kAct, agent::Cause::kDeadline, "not_after", "has passed");
  }
  MonoTime NotAfter() const override { return kDeadline; }
};
struct Always : agent::SwitchPermit {
  agent::SwitchResult Check() const override { return Ok{}; }
  MonoTime NotAfter() const override { return kDeadline; }
};

std::unique_ptr<agent::Device> Make(const std::vector<std::string>& answers, Log* log) {
  now = MonoTime();
  redfish::RedfishSettings settings;
  settings.username = "fence";
  settings.password = "secret";
  return redfish::MakeRedfishDevice(std::make_unique<Service>(answers, log), settings,
                                    {[] { return now; }, [](MonoTime until) { now = until; }});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto answers = Split(std::string_view(reinterpret_cast<const char*>(data), size), '\x1e');
  Log asked, refused, switched;
  const auto state = Make(answers, &asked)->Status("", kDeadline);
  FENCEPOST_CHECK(asked.posts <= 1);  // the session
  if (state && *state == agent::PowerState::kOff) {
    FENCEPOST_CHECK(asked.exchanges >= 2);
  }
  const auto kept =
      Make(answers, &refused)->Switch("", agent::PowerState::kOff, kDeadline, Never());
  FENCEPOST_CHECK(!kept.ok() && refused.posts <= 1);
  static_cast<void>(
      Make(answers, &switched)->Switch("", agent::PowerState::kOn, kDeadline, Always()));
  FENCEPOST_CHECK(switched.posts <= 2);
  return 0;
}
