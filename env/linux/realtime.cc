#include "env/linux/realtime.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cerrno>

#include "base/text.h"
#include "env/linux/unique_fd.h"

namespace fencepost {
namespace {

std::string LockMemory() {  // empty: done
  // With MCL_FUTURE and a finite limit, an allocation far from here would fail one day.
  rlimit limit{};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return ErrnoText(errno);
  if (limit.rlim_cur != RLIM_INFINITY) {
    const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
    if (setrlimit(RLIMIT_MEMLOCK, &unlimited) != 0) {
      return Cat("not locked: at most ", limit.rlim_cur / 1024, " KiB allowed, set ",
                 "LimitMEMLOCK=infinity");
    }
  }
  if (mlockall(MCL_CURRENT | MCL_FUTURE) == 0) return "";
  return Cat("not locked: ", ErrnoText(errno));
}

std::string RaiseScheduling() {  // empty: done
  sched_param parameters{};
  parameters.sched_priority = kRealtimePriority;
  if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &parameters) == 0) return "";
  return Cat("ordinary: ", ErrnoText(errno),
             ", grant CAP_SYS_NICE or LimitRTPRIO=", kRealtimePriority);
}

}  // namespace

Fact GoRealtime() {
  const std::string memory = LockMemory();
  const std::string scheduling = RaiseScheduling();
  const bool both = memory.empty() && scheduling.empty();
  return Fact{both ? Severity::kInfo : Severity::kWarning, "realtime", {}}
      .With("memory", memory.empty() ? std::string("locked") : memory)
      .With("scheduling", scheduling.empty() ? Cat("rr:", kRealtimePriority) : scheduling);
}

}  // namespace fencepost
