// Does this node's clock keep the bound on its rate that the leases rest on? What can be seen of
// it.
//
// Promise: pure. A warning is a whole sentence that says what to do; none is no proof.
// Source:  chrony.conf(5): maxslewrate is 83333.333 ppm where it is not set. DESIGN assumption (a):
//          two nodes differ by at most `drift`, so each may be off by half of it.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace fencepost::command {

inline constexpr double kChronyDefaultSlew = 83333.333;  // ppm

struct ClockFacts {
  bool chrony = false;             // it is installed
  std::string chrony_file;         // its configuration
  std::optional<double> max_slew;  // set there, ppm
  std::optional<double> rate_ppm;  // how much the kernel speeds the clock up now
};

// The last maxslewrate in a configuration of chrony; nullopt: none.
[[nodiscard]] std::optional<double> MaxSlewIn(std::string_view text);
// Directories that its confdir directives name.
[[nodiscard]] std::vector<std::string> ConfDirsIn(std::string_view text);
[[nodiscard]] std::vector<std::string> ClockWarnings(const ClockFacts& facts, DriftPpm drift);

}  // namespace fencepost::command
