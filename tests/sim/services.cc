#include "tests/sim/services.h"

#include <algorithm>

#include "base/resource.h"

namespace fencepost::sim {
namespace {

std::string ResourceOf(const Command& command) {
  const auto found =
      std::find_if(command.environment.begin(), command.environment.end(),
                   [](const auto& entry) { return entry.first == "OCF_RESOURCE_INSTANCE"; });
  return found == command.environment.end() ? "" : found->second;
}

}  // namespace

void Services::Set(const std::string& resource, bool runs) {
  const bool changed = runs ? running_.insert(resource).second : running_.erase(resource) != 0;
  if (changed) changed_(resource, runs);
}

void Services::Die(const std::string& resource) { Set(resource, false); }

Performance Services::Perform(const Command& command) {
  const std::string verb = command.argv.size() > 1 ? command.argv[1] : "";
  const std::string resource = ResourceOf(command);
  Performance out;
  out.takes = world_.Between(mood_.low, mood_.high);
  out.effect_after = world_.Between(Duration(), out.takes);
  const bool hangs = Happens(mood_.hangs);
  if (hangs) out.takes = kHangs;
  if (hangs && world_.rng().OneIn(2)) return out;  // before it did anything
  if (verb == "start" || verb == "stop") {
    const bool start = verb == "start";
    const bool fails = Happens(start ? mood_.start_fails : mood_.stop_fails);
    if (fails) out.exit_code = kOcfGenericError;
    if (!fails || world_.rng().OneIn(2)) {
      out.effect = [this, resource, start] { Set(resource, start); };
    }
  } else if (verb == "monitor") {
    const bool fails = Happens(mood_.look_fails);
    out.answer = [this, resource, fails] {
      return fails ? kOcfGenericError : Runs(resource) ? kOcfSuccess : kOcfNotRunning;
    };
  } else {
    out.exit_code = kOcfUnimplemented;
  }
  return out;
}

}  // namespace fencepost::sim
