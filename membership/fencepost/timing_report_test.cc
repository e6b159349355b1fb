#include "membership/fencepost/timing_report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/text.h"

namespace fencepost::config {
namespace {

TEST(TimingReport, OfTheStockProfilesIsWhatTheManualShows) {
  std::ifstream file(FENCEPOST_SOURCE_DIR "/docs/timing.md");
  std::stringstream manual;
  manual << file.rdbuf();
  for (const std::string_view profile : kProfileNames) {
    const std::string report = TimingReport(Cat("profile ", profile), *StockTiming(profile));
    EXPECT_NE(manual.str().find(Cat("```\n", report, "```\n")), std::string::npos)
        << "docs/timing.md must hold, between ``` lines:\n"
        << report;
  }
}

TEST(TimingReport, ShowsAViolationWithItsNegativeSlack) {
  Timing t = StockTiming("default").value();
  t.eps = Millis(100);
  const std::string report = TimingReport("x", t);
  EXPECT_NE(report.find("guard-covers-lateness              100ms     500ms    -400ms  VIOLATED"),
            std::string::npos)
      << report;
  EXPECT_EQ(TimingReport("x", *StockTiming("default")).find("VIOLATED"), std::string::npos);
}

TEST(TimingReport, KeepsToItsWidth) {
  std::istringstream lines(TimingReport("profile slow-san", *StockTiming("slow-san")));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 120U) << line;
}

}  // namespace
}  // namespace fencepost::config
