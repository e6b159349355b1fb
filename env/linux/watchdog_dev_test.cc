// The device's protocol, against a driver that is only played: no machine is reset.
#include "env/linux/watchdog_dev.h"

#include <errno.h>
#include <gmock/gmock.h>
#include <linux/watchdog.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace fencepost {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class PlayedDriver final : public WatchdogCalls {
 public:
  int Open(const std::string&) override {
    if (open_error != 0) return (errno = open_error, -1);
    did.emplace_back("open");
    return 7;
  }
  int Ioctl(int, unsigned long request, void* argument) override {
    auto* number = static_cast<int*>(argument);
    if (request == WDIOC_GETSUPPORT) {
      auto* info = static_cast<watchdog_info*>(argument);
      info->options = magic ? WDIOF_MAGICCLOSE : 0;
      std::memcpy(info->identity, identity.data(),
                  std::min(identity.size(), sizeof info->identity));
    } else if (request == WDIOC_SETTIMEOUT) {
      if (*number > longest) return (errno = EINVAL, -1);
      timeout = *number / step * step;
    } else if (request == WDIOC_GETTIMEOUT) {
      *number = timeout;
    } else if (request == WDIOC_KEEPALIVE) {
      did.emplace_back("feed");
    } else if (request == WDIOC_SETOPTIONS) {
      if (nowayout) return (errno = EBUSY, -1);
      did.emplace_back("disable");
    }
    return 0;
  }
  ssize_t Write(int, char byte) override {
    did.push_back(std::string("write ") + byte);
    return 1;
  }
  int Close(int) override {
    did.emplace_back("close");
    return 0;
  }
  int open_error = 0, longest = 60, step = 1, timeout = 0;
  bool magic = true, nowayout = false;
  std::string identity = "iTCO_wdt";
  std::vector<std::string> did;
};

struct WatchdogDeviceTest : testing::Test {
  PlayedDriver driver;
  WatchdogDevice device{"/dev/watchdog", driver};
};

TEST_F(WatchdogDeviceTest, IsArmedFedAndStoppedInOrder) {
  ASSERT_TRUE(device.Arm(std::chrono::seconds(8)).ok());
  EXPECT_EQ(device.Timeout(), std::chrono::seconds(8));
  EXPECT_EQ(device.Identity(), "iTCO_wdt");
  EXPECT_TRUE(device.IsHardware());
  device.Feed();
  EXPECT_TRUE(device.Disarm().ok());
  EXPECT_THAT(driver.did, ElementsAre("open", "feed", "disable", "write V", "close"));
}

TEST_F(WatchdogDeviceTest, SaysWhatTheDriverReallyTook) {
  driver.step = 4;
  ASSERT_TRUE(device.Arm(std::chrono::seconds(10)).ok());
  EXPECT_EQ(device.Timeout(), std::chrono::seconds(8));
}

TEST_F(WatchdogDeviceTest, SoftdogIsNoHardware) {
  driver.identity = "Software Watchdog";
  ASSERT_TRUE(device.Arm(std::chrono::seconds(8)).ok());
  EXPECT_FALSE(device.IsHardware());
}

TEST_F(WatchdogDeviceTest, WhatItCannotDoIsRefusedAndItIsStoppedAgain) {
  EXPECT_THAT(device.Arm(std::chrono::seconds(61)).error().Text(),
              HasSubstr("/dev/watchdog: cannot set a time-out of 61 s: Invalid argument"));
  EXPECT_THAT(driver.did, ElementsAre("open", "write V", "close"));
  driver.magic = false;
  EXPECT_THAT(device.Arm(std::chrono::seconds(8)).error().Text(), HasSubstr("stops when its file"));
  driver.open_error = EBUSY;
  EXPECT_THAT(device.Arm(std::chrono::seconds(8)).error().Text(), HasSubstr("the other program"));
  EXPECT_FALSE(device.Arm(Millis(900)).ok());
}

TEST_F(WatchdogDeviceTest, UnderNowayoutItStaysArmed) {
  driver.nowayout = true;
  ASSERT_TRUE(device.Arm(std::chrono::seconds(8)).ok());
  EXPECT_THAT(device.Disarm().error().Text(), HasSubstr("nowayout"));
  device.Feed();
  EXPECT_THAT(driver.did, ElementsAre("open", "feed"));
}

TEST_F(WatchdogDeviceTest, DestroyedItStaysArmed) {
  {
    WatchdogDevice gone("/dev/watchdog", driver);
    ASSERT_TRUE(gone.Arm(std::chrono::seconds(8)).ok());
  }
  EXPECT_THAT(driver.did, ElementsAre("open", "close")) << "without the magic byte";
}

TEST(WatchdogLook, NamesADeviceThatIsNotThere) {
  EXPECT_THAT(WatchdogDevice("/dev/no-such-watchdog").Look().error().Text(),
              HasSubstr("load its driver"));
}

}  // namespace
}  // namespace fencepost
