// [quorum_disk]: one disk in the table itself, or three in [[quorum_disk.disk]].
#include <gtest/gtest.h>

#include "base/config/config.h"
#include "base/text.h"

namespace fencepost::config {
namespace {

constexpr std::string_view kNodes = R"([cluster]
name = "shop"
[[node]]
name = "alpha"
id = 1
address = "10.0.0.1"
[[node]]
name = "beta"
id = 2
address = "10.0.0.2"
)";

std::string Errors(std::string_view disks) {
  const auto config = ParseConfig(Cat(kNodes, disks), "f");
  std::string all;
  if (!config.ok()) {
    for (const ConfigError& error : config.error()) all += error.Text() + "\n";
  }
  return all;
}

TEST(QuorumDisk, ThreeDisksOfAnyKindMakeASet) {
  const auto config = ParseConfig(Cat(kNodes, R"([quorum_disk]
label = "shop"
[[quorum_disk.disk]]
device = "iscsi://10.0.0.9/iqn.2026-01.org.example:q/1"
[[quorum_disk.disk]]
device = "iscsi://me@10.0.1.9/iqn.2026-01.org.example:r/1"
chap_secret_file = "/etc/fencepost/chap"
designator = "naa.6001405"
[[quorum_disk.disk]]
device = "/dev/disk/by-id/q"
label = "spare"
)"),
                                  "f");
  ASSERT_TRUE(config.ok()) << config.error().front().Text();
  const auto& disks = config->quorum_disk->disks;
  ASSERT_EQ(disks.size(), 3U);
  EXPECT_EQ(disks[0].label, "shop");
  EXPECT_EQ(disks[1].chap_secret_file, "/etc/fencepost/chap");
  EXPECT_EQ(disks[1].designator, "naa.6001405");
  EXPECT_EQ(disks[2].label, "spare");
  EXPECT_EQ(disks[2].device.path, "/dev/disk/by-id/q");
  EXPECT_EQ(config->DiskVotes(), Votes(1)) << "of the three together";
  EXPECT_EQ(config->quorum_disk->DevicesText(),
            "iscsi://10.0.0.9:3260/iqn.2026-01.org.example:q/1, "
            "iscsi://me@10.0.1.9:3260/iqn.2026-01.org.example:r/1, /dev/disk/by-id/q");
}

TEST(QuorumDisk, ADiskMayHaveSeveralPortals) {
  const auto config =
      ParseConfig(Cat(kNodes,
                      "[quorum_disk]\ndevice = 'iscsi://10.0.0.9/iqn.2026-01.org.example:q/1'\n"
                      "portals = ['10.0.1.9', '[fd00::9]:3261']\n"),
                  "f");
  ASSERT_TRUE(config.ok()) << config.error().front().Text();
  const DiskConfig& disk = config->quorum_disk->disks[0];
  ASSERT_EQ(disk.portals.size(), 2U);
  EXPECT_EQ(disk.portals[0].Text(), "iscsi://10.0.1.9:3260/iqn.2026-01.org.example:q/1");
  EXPECT_EQ(disk.portals[1].Text(), "iscsi://[fd00::9]:3261/iqn.2026-01.org.example:q/1");
}

TEST(QuorumDisk, OneDiskMayStandInEitherForm) {
  const auto plain = ParseConfig(Cat(kNodes, "[quorum_disk]\ndevice = \"/q\"\n"), "f");
  const auto listed = ParseConfig(Cat(kNodes, "[[quorum_disk.disk]]\ndevice = \"/q\"\n"), "f");
  ASSERT_TRUE(plain.ok() && listed.ok());
  EXPECT_EQ(plain->quorum_disk, listed->quorum_disk);
}

struct BadCase {
  std::string_view disks, error;
};

constexpr BadCase kBadCases[] = {
    {"[[quorum_disk.disk]]\ndevice = '/a'\n[[quorum_disk.disk]]\ndevice = '/b'\n",
     "f:11:1: quorum_disk.disk: there are 2 disks; one or three: of two, the loss of either would "
     "cost the majority\n"},
    {"[[quorum_disk.disk]]\ndevice = '/a'\n[[quorum_disk.disk]]\ndevice = '/b'\n"
     "[[quorum_disk.disk]]\ndevice = '/a'\n",
     "f:16:10: quorum_disk.disk[3].device: is the disk of disk[1] again; name three different "
     "disks, best of three different boxes; other portals of one disk stand in portals\n"},
    {"[[quorum_disk.disk]]\ndevice = 'iscsi://10.0.0.9/iqn.2026-01.org.example:q/1'\n"
     "[[quorum_disk.disk]]\ndevice = '/b'\n"
     "[[quorum_disk.disk]]\ndevice = 'iscsi://10.0.1.9/iqn.2026-01.org.example:q/1'\n",
     "f:16:10: quorum_disk.disk[3].device: is the disk of disk[1] again; name three different "
     "disks, best of three different boxes; other portals of one disk stand in portals\n"},
    {"[quorum_disk]\ndevice = '/z'\n[[quorum_disk.disk]]\ndevice = '/a'\n",
     "f:12:10: quorum_disk.device: stands beside [[quorum_disk.disk]]; move it into one of those "
     "tables\n"},
    {"[quorum_disk]\ndevice = '/z'\nportals = ['10.0.0.9']\n",
     "f:13:11: quorum_disk.portals: is given, but the device is no iscsi:// URL; remove it\n"},
    {"[quorum_disk]\ndevice = 'iscsi://10.0.0.9/iqn.a/1'\nportals = ['box', '10.0.0.9']\n",
     "f:13:11: quorum_disk.portals: \"box\": the host \"box\" is no numeric address; write its "
     "IPv4 or "
     "[IPv6] address: a name server may be down when it is needed\n"
     "f:13:11: quorum_disk.portals: 10.0.0.9:3260 is named twice; name each once\n"},
    {"[quorum_disk]\ndevice = 'iscsi://10.0.0.9/iqn.a/1'\nportals = '10.0.1.9'\n",
     "f:13:11: quorum_disk.portals: is no list of at most 7 texts; write [\"…\", \"…\"]\n"},
    {"[[quorum_disk.disk]]\nlabel = 'x'\n",
     "f:11:1: quorum_disk.disk[1].device: is missing; add device = … here\n"},
    {"[[quorum_disk.disk]]\ndevice = '/a'\nvotes = 1\n",
     "f:13:1: quorum_disk.disk[1].votes: unknown key; remove it; fencepost.toml(5) lists the "
     "keys\n"},
    {"[quorum_disk]\ndisk = '/a'\n",
     "f:12:8: quorum_disk.disk: is text, not a list of tables; write [[quorum_disk.disk]] with two "
     "brackets, once for each disk\n"},
};

TEST(QuorumDisk, WhatIsWrongWithASetIsSaid) {
  for (const BadCase& c : kBadCases) EXPECT_EQ(Errors(c.disks), c.error) << c.disks;
}

}  // namespace
}  // namespace fencepost::config
