// What an agent is: its parameter table and its actions, as data. Everything an agent needs beside
// its device class (options, stdin, metadata, help, manual page, checks) is derived from this.
//
// Promise: a table that BuildSpec accepted has unique names, short options and defaults that pass
//          their own check.
// Errors:  a faulty table is our own bug (FENCEPOST_CHECK).
// Source:  the fence-agents project's option names and defaults; see docs/fencing.md for every
//          intended difference.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace fencepost::agent {

enum class Type { kString, kInteger, kSecond, kBoolean, kSelect };

struct Parameter {
  std::string name{};  // on stdin; as long option with '-' for '_' unless long_name says
  Type type = Type::kString;
  std::string help{};       // one sentence
  char short_option = 0;    // 0: none
  std::string long_name{};  // empty: derived from name
  std::string obsoletes{};  // older stdin name, listed as deprecated in the metadata
  std::string alias{};      // older stdin name, accepted but not listed
  std::string default_value{};
  std::vector<std::string> choices{};  // kSelect
  std::int64_t low = 0, high = 0;      // kInteger and kSecond (whole seconds)
  bool required = false;
  bool secret = false;    // never printed; wiped from argv
  bool ignored = false;   // accepted for the sake of old configurations, has no effect
  std::string refused{};  // not empty: giving it is an error, with this reason
  // A secret that may also come from NAME_file, NAME_script or NAME_credential: BuildSpec adds
  // them.
  bool sourced = false;
  char script_option = 0;          // short option of NAME_script
  std::string script_obsoletes{};  // older name of NAME_script
  [[nodiscard]] std::string LongName() const;
};

// An option of old configurations that has no meaning here: taken, without effect.
Parameter Ignored(std::string name, char letter = 0, std::string older = {});
// The same for one that stands alone on a command line.
Parameter IgnoredFlag(std::string name, char letter = 0, std::string older = {});

struct Spec {
  std::string name;  // "fence_ipmilan"
  std::string shortdesc;
  std::string longdesc;
  std::string vendor_url;
  bool has_plugs = false;                       // one device, many plugs; `list` works
  bool needs_login = true;                      // a password, by one of the four ways, is required
  std::vector<Parameter> parameters;            // of the device; BuildSpec adds the common ones
  std::map<std::string, std::string> defaults;  // overrides of the common ones' defaults
  bool fabric = false;     // cuts a connection, not power: no reboot; hosts unfence who joins
  bool on_target = false;  // `on` runs on the machine that is unfenced
  bool username_required = false;
  bool password_optional = false;  // the device decides what it needs
  bool on_always_acts = false;     // `on` switches also what seems to be on

  [[nodiscard]] const Parameter* Find(std::string_view stdin_name) const;
};

// The given spec with the parameters common to all agents, in the order of the metadata.
// REQUIRES: the table is sound.
Spec BuildSpec(Spec own);

// The checked values of one run. A name that is not in the spec is our own bug.
class Values {
 public:
  void Set(std::string name, std::string value) { text_[std::move(name)] = std::move(value); }
  [[nodiscard]] bool Has(std::string_view name) const;  // given or with a default, not empty
  [[nodiscard]] std::string Text(std::string_view name) const;
  // A sourced secret, by whichever of its four ways.
  [[nodiscard]] bool HasSecret(const std::string& name) const;
  [[nodiscard]] bool Flag(std::string_view name) const;
  [[nodiscard]] std::int64_t Number(std::string_view name) const;
  [[nodiscard]] Duration Time(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> text_;
};

// "2", "0.25": seconds with up to three decimals in [low, high] seconds.
bool ParseSeconds(std::string_view text, std::int64_t low, std::int64_t high, Duration* out);
// 1/yes/on/true, 0/no/off/false in any case.
bool ParseFlag(std::string_view text, bool* out);
std::string LowerCase(std::string_view text);

}  // namespace fencepost::agent
