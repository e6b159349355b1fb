// NodeDeath by sysrq and reboot(2); the mark is a file in the run directory, which no boot
// outlives.
//
// Promise: sysrq is the machine's, so it is used only in the machine's own, first pid namespace;
//          in any other, and where that cannot be told, reboot(2) alone is called, which ends that
//          namespace's pid 1. There a crashdump is a reset.
// Time:    none. Errors: as env/node_death.h. A mark that cannot be read counts as one of this boot
//          that asks for a reset: it is written only by who was to die.
// Ownership: `calls` outlives it.
#pragma once
#include <string>

#include "env/node_death.h"

namespace fencepost {

inline constexpr std::string_view kCondemnedFile = "condemned";  // in the run directory

// The system calls, so that this is testable by who wants to live.
class DeathCalls {
 public:
  virtual ~DeathCalls() = default;
  virtual bool InFirstPidNamespace();
  virtual int Sysrq(char key);      // 0, or errno
  virtual int Reboot(int command);  // likewise
};
DeathCalls& SystemDeathCalls();

class LinuxNodeDeath final : public NodeDeath {
 public:
  explicit LinuxNodeDeath(const std::string& run_dir, DeathCalls& calls = SystemDeathCalls())
      : path_(run_dir + "/" + std::string(kCondemnedFile)), calls_(calls) {}
  Status Mark(const BootId& boot, Death death) override;
  [[nodiscard]] std::optional<Death> Marked(const BootId& boot) const override;
  Status Act(Death death) override;

 private:
  std::string path_;
  DeathCalls& calls_;
};

}  // namespace fencepost
