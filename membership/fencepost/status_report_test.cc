#include "membership/fencepost/status_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fencepost::command {
namespace {
TEST(StatusReport, TakesAnyObject) { EXPECT_EQ(StatusExit(nlohmann::json::object()), 2); }
}  // namespace
}  // namespace fencepost::command
