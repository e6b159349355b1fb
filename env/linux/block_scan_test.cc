// sysfs as a directory of our own.
#include "env/linux/block_scan.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace fencepost {
namespace {

class BlockScan : public ::testing::Test {
 protected:
  BlockScan() {
    std::string name = testing::TempDir() + "sysfs-XXXXXX";
    root_ = mkdtemp(name.data());
  }
  ~BlockScan() override { std::filesystem::remove_all(root_); }
  void Add(const std::string& name, const std::string& size = "2048") {
    std::filesystem::create_directories(Of(name) + "/holders");
    Put(name, "size", size);
    Put(name, "ro", "0");
  }
  void Put(const std::string& name, const std::string& file, const std::string& text) {
    const std::filesystem::path path(Of(name) + "/" + file);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text << "\n";
  }
  [[nodiscard]] std::string Of(const std::string& name) const {
    return root_ + "/class/block/" + name;
  }
  std::string root_;
};

TEST_F(BlockScan, FindsDisksThatNobodyElseUses) {
  for (const char* name : {"sdb", "sda", "sda1", "dm-0", "ram0", "zram1", "sr0", "fd0", "md127",
                           "drbd1", "cciss!c0d0", "sdx", "nvme0n1"}) {
    Add(name);
  }
  Add("loop0", "0");
  Put("sdx", "holders/dm-0", "");
  EXPECT_EQ(ScanBlockDevices(root_),
            (std::vector<std::string>{"/dev/cciss/c0d0", "/dev/dm-0", "/dev/nvme0n1", "/dev/sda",
                                      "/dev/sda1", "/dev/sdb"}));
  EXPECT_TRUE(ScanBlockDevices(root_ + "/absent").empty());
}

TEST_F(BlockScan, SaysWhoUsesADeviceAndWhatMayBeACopy) {
  Add("sda");
  EXPECT_EQ(WhyNotBySysfs(Of("sda")), "");
  Put("sda", "ro", "1");
  EXPECT_EQ(WhyNotBySysfs(Of("sda")), "is read-only");
  Put("sda", "holders/dm-3", "");
  EXPECT_EQ(WhyNotBySysfs(Of("sda")).find("is used by dm-3"), 0U);
  struct Case {
    const char *uuid, *said;
  };
  for (const Case& c : {Case{"mpath-36001405", ""}, Case{"part2-mpath-36001405", ""},
                        Case{"LVM-abc", "is a device-mapper device (LVM)"},
                        Case{"CRYPT-LUKS2-1", "is a device-mapper device (CRYPT)"},
                        Case{"", "is a device-mapper device, which"}}) {
    Add("dm-0");
    Put("dm-0", "dm/uuid", c.uuid);
    const std::string why = WhyNotBySysfs(Of("dm-0"));
    EXPECT_EQ(why.substr(0, std::string(c.said).size()), c.said);
    EXPECT_EQ(why.empty(), *c.said == '\0') << why;
  }
}

}  // namespace
}  // namespace fencepost
