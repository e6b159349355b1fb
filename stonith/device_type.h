// One device type of the stonith command: an agent (fence_*, rhcs/*), a plugin (external/*), or a
// person (meatware).
//
// Promise: Learn comes first; what it learnt is what Names, Metadata and Help print. Switch tells
//          on stderr what was done and how well it is proved; nothing is begun after its limit.
// Errors:  exit codes (arguments.h), and their reason on stderr, one line "ERROR: ...".
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "stonith/arguments.h"
#include "stonith/command_host.h"

namespace fencepost::stonith {

struct Console {
  CommandHost& host;
  const Arguments& arguments;
  int Print(const std::string& text) const {
    host.Out(text);
    return kOk;
  }
  int Fail(const std::string& text, int code) const;
  void Info(const std::string& text) const;
  void Warn(const std::string& text) const;
  [[nodiscard]] MonoTime Limit() const { return host.Now() + arguments.time_limit; }
};

class DeviceType {
 public:
  virtual ~DeviceType() = default;
  virtual int Learn() = 0;
  [[nodiscard]] virtual std::vector<std::string> Names() const = 0;  // in the order of -p
  // Beside Names(): what may be given by name or by the environment, but not by position.
  [[nodiscard]] virtual std::vector<std::string> OptionalNames() const { return {}; }
  [[nodiscard]] virtual bool Knows(const std::string& name) const = 0;
  [[nodiscard]] virtual std::string Metadata() = 0;
  [[nodiscard]] virtual std::string Help() = 0;
  [[nodiscard]] virtual bool NeedsParameters() const = 0;
  virtual void Configure(Parameters parameters) = 0;
  virtual int TestDevice() = 0;
  virtual int ListHosts(std::vector<std::string>* hosts) = 0;
  // node: as the device's list spells it.
  virtual int Switch(stonith::Switch change, const std::string& node) = 0;
};

std::unique_ptr<DeviceType> MakeAgentType(const Console& console);
std::unique_ptr<DeviceType> MakePluginType(const Console& console);
std::unique_ptr<DeviceType> MakeMeatware(const Console& console);

// "a b, c": names with blanks or commas between them.
std::vector<std::string> HostList(const Parameters& parameters);

}  // namespace fencepost::stonith
