// The command on files in a directory of its own.
#include "qdiskd/mkqdisk/mkqdisk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/text.h"
#include "env/linux/disk_signature.h"
#include "env/linux/unique_fd.h"

namespace fencepost::qdiskd::mkqdisk {
namespace {

class MkqdiskTest : public ::testing::Test {
 protected:
  MkqdiskTest() {
    std::string name = testing::TempDir() + "mkqdisk-XXXXXX";
    directory_ = mkdtemp(name.data());
    WriteKey("key", '7');
    MakeFile("disk", 2 << 20);
  }
  ~MkqdiskTest() override { std::filesystem::remove_all(directory_); }
  [[nodiscard]] std::string At(const std::string& name) const { return directory_ + "/" + name; }
  void WriteKey(const std::string& name, char digit) const {
    const UniqueFd fd(open(At(name).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    const std::string text(64, digit);
    ASSERT_EQ(write(fd.get(), text.data(), text.size()), 64);
  }
  void MakeFile(const std::string& name, off_t size) const {
    const UniqueFd fd(open(At(name).c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    ASSERT_EQ(ftruncate(fd.get(), size), 0);
  }
  void Put(std::uint64_t offset, std::string_view bytes) const {
    const UniqueFd fd(open(At("disk").c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)),
              static_cast<ssize_t>(bytes.size()));
  }
  [[nodiscard]] std::string Content() const {
    std::ifstream in(At("disk"), std::ios::binary);
    std::ostringstream all;
    all << in.rdbuf();
    return all.str();
  }
  int Command(std::vector<std::string> arguments, const std::string& answer = "",
              const std::string& cluster = "alpha") {
    for (const char* more : {"--cluster", cluster.c_str(), "--key"}) arguments.emplace_back(more);
    arguments.push_back(At("key"));
    std::istringstream in(answer);
    std::ostringstream out, err;
    Io io{in, out, err, Millis(10)};
    const int code = mkqdisk::Run(arguments, io);
    out_ = out.str();
    err_ = err.str();
    return code;
  }
  int Create(std::vector<std::string> more, const std::string& answer = "",
             const std::string& cluster = "alpha") {
    std::vector<std::string> arguments = {"-c", At("disk"), "-l", "shop", "--nodes", "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Command(arguments, answer, cluster);
  }
  std::string directory_, out_, err_;
};

TEST_F(MkqdiskTest, ADiskIsMadeListedFoundAndShownInDetail) {
  ASSERT_EQ(Create({"-y"}), 0) << err_;
  EXPECT_EQ(out_.find("mkqdisk v"), 0U);
  EXPECT_NE(out_.find("\n\nWriting new quorum disk label 'shop' to " + At("disk") + ".\n"),
            std::string::npos);
  EXPECT_NE(out_.find("Initializing status block for node 2...\n"), std::string::npos);
  EXPECT_NE(out_.find("1228800 bytes are used"), std::string::npos) << out_;
  EXPECT_EQ(Command({"-L", At("disk")}), 0) << err_;
  EXPECT_NE(out_.find(At("disk") + ":\n\tMagic:"), std::string::npos) << out_;
  EXPECT_NE(out_.find("\tLabel:                shop\n"), std::string::npos) << out_;
  EXPECT_NE(out_.find("\tAuthentic:            yes\n"), std::string::npos) << out_;
  EXPECT_EQ(Command({"-f", "shop", At("disk")}), 0) << err_;
  EXPECT_EQ(Command({"-f", "other", At("disk")}), 1);
  EXPECT_EQ(Command({"-L", "-d", At("disk")}), 0) << err_;
  EXPECT_EQ(out_.find("Status block"), std::string::npos) << "blank slots are not shown";
}

TEST_F(MkqdiskTest, OnlyAYesDestroysData) {
  Put(300'000, "precious");
  const std::string before = Content();
  for (const char* answer : {"", "n\n", "yes please\n", "\n"}) {
    EXPECT_EQ(Create({}, answer), 0);
    EXPECT_NE(out_.find("WARNING: About to destroy all data on " + At("disk") +
                        "; proceed [N/y] ? Good thinking.\n"),
              std::string::npos)
        << out_;
    EXPECT_EQ(Content(), before);
  }
  EXPECT_EQ(Create({}, "y\n"), 0) << err_;
  EXPECT_NE(Content(), before);
}

TEST_F(MkqdiskTest, WhatBelongsToOthersIsRefusedUntilForced) {
  struct Case {
    std::uint64_t offset;
    std::string bytes, reason;
  };
  std::string swap(4096, '\0');
  swap[1024] = 1;    // version
  swap[1028] = 100;  // last page
  swap.replace(4086, 10, "SWAPSPACE2");
  std::string partitions(512, '\0');
  partitions.replace(446, 16, std::string("\0\0\x02\0\x83\0\x3f\0\x01\0\0\0\x00\x08\0\0", 16));
  partitions.replace(510, 2, "\x55\xAA");
  const Case cases[] = {{0, swap, "swap"},
                        {0, partitions, "dos partition table"},
                        {0, "SBD_SBD_", "quorum disk of SBD"},
                        {0, std::string("\x1e\xbb\xde\0", 4), "Red Hat Cluster Suite"}};
  for (const Case& c : cases) {
    std::filesystem::remove(At("disk"));
    MakeFile("disk", 2 << 20);
    Put(c.offset, c.bytes);
    const std::string before = Content();
    EXPECT_EQ(Create({"-y"}), 1) << c.reason;
    EXPECT_NE(err_.find(c.reason), std::string::npos) << err_;
    EXPECT_EQ(Content(), before);
    EXPECT_EQ(Create({"-y", "--force"}), 0) << err_;
  }
}

TEST_F(MkqdiskTest, AnotherClustersDiskAndTooSmallOnesAreRefused) {
  ASSERT_EQ(Create({"-y"}), 0) << err_;
  EXPECT_EQ(Create({"-y"}), 0) << "one's own may be made anew";
  EXPECT_NE(out_.find("Warning: Initializing previously initialized partition"), std::string::npos);
  EXPECT_EQ(Create({"-y"}, "", "beta"), 1);
  EXPECT_NE(err_.find("'shop' of another cluster, 'alpha'"), std::string::npos) << err_;
  EXPECT_EQ(Create({"-y", "--force", "--nodes", "64"}), 2) << "an option twice";
  EXPECT_EQ(Create({"-y", "--force", "--cib-size", "4096"}), 1);
  EXPECT_NE(err_.find("are needed"), std::string::npos) << "not even by force: " << err_;
}

TEST_F(MkqdiskTest, AListingSaysWhenTheKeyIsNotTheDisks) {
  ASSERT_EQ(Create({"-y"}), 0) << err_;
  std::filesystem::remove(At("key"));
  WriteKey("key", '8');
  EXPECT_EQ(Command({"-L", At("disk")}), 1);
  EXPECT_NE(err_.find("another cluster key"), std::string::npos) << err_;
  EXPECT_EQ(Command({"-L", At("disk")}, "", "beta"), 0);
  EXPECT_NE(out_.find("not checked"), std::string::npos) << out_;
  std::filesystem::permissions(At("key"), std::filesystem::perms(0644));
  EXPECT_EQ(Create({"-y"}), 1);
  EXPECT_NE(err_.find(At("key")), std::string::npos) << err_;
}

std::string RedHatHead() {
  std::string head(512, '\0');
  head.replace(0, 4, std::string("\x1e\xbb\xde\0", 4));
  head.replace(32, 8, "\xeb\x7a\x62\xc2\x38\x9f\xab\xc4");
  head.replace(48, 4, "old1");
  head.replace(176, 4, "rhel");
  return head;
}

TEST_F(MkqdiskTest, QuorumDisksOfOthersAreListedAsForeignAndFoundByLabel) {
  Put(0, RedHatHead());
  EXPECT_EQ(Command({"-L", At("disk")}), 0) << err_;
  EXPECT_NE(out_.find("\tMagic:                eb7a62c2\n\tLabel:                rhel\n"),
            std::string::npos)
      << out_;
  EXPECT_NE(out_.find("Red Hat Cluster Suite (qdiskd); Fencepost does not use it"),
            std::string::npos)
      << out_;
  EXPECT_EQ(Command({"-f", "rhel", At("disk")}), 0);
  EXPECT_EQ(Command({"-f", "shop", At("disk")}), 1);
  EXPECT_EQ(Create({"-y"}), 1);
  EXPECT_NE(err_.find("Red Hat Cluster Suite (qdiskd), 'rhel'"), std::string::npos) << err_;
}

TEST_F(MkqdiskTest, EverythingIsThereForProgramsToo) {
  ASSERT_EQ(Create({"-y", "--json"}), 0) << err_;
  const auto created = nlohmann::json::parse(out_).at("created");
  EXPECT_EQ(created.at("label"), "shop");
  EXPECT_EQ(created.at("nodes"), 2);
  EXPECT_EQ(created.at("used_bytes"), 1228800);
  EXPECT_EQ(created.at("barrier"), "lock");
  EXPECT_EQ(Command({"-L", "-d", "--json", At("disk")}), 0) << err_;
  const auto listed = nlohmann::json::parse(out_).at("disks").at(0);
  EXPECT_EQ(listed.at("disk_id"), created.at("disk_id"));
  EXPECT_EQ(listed.at("authentic"), true);
  EXPECT_EQ(Command({"-L", "--json", "--watch=3", At("disk")}), 0) << err_;
  EXPECT_EQ(nlohmann::json::parse(out_).at("rounds").size(), 3U);
  EXPECT_EQ(Command({"--why", "2", "--json", At("disk")}), 0) << err_;
  const auto why = nlohmann::json::parse(out_).at("why");
  EXPECT_EQ(why.at("sentences").at(0), "No record on this disk says that node 2 was fenced.");
  EXPECT_EQ(Command({"-L", "--json", At("absent")}), 1);
  EXPECT_NE(nlohmann::json::parse(out_).at("errors").at(0).get<std::string>().find("cannot open"),
            std::string::npos);
}

TEST_F(MkqdiskTest, ADiskThatIsWatchedIsReadAgainAndAgain) {
  ASSERT_EQ(Create({"-y"}), 0) << err_;
  EXPECT_EQ(Command({"-L", "-d", "-dd", "--watch=2", At("disk")}), 0) << err_;
  std::size_t rounds = 0;
  for (std::size_t at = out_.find("node state"); at != std::string::npos;
       at = out_.find("node state", at + 1)) {
    ++rounds;
  }
  EXPECT_EQ(rounds, 2U) << out_;
}

TEST_F(MkqdiskTest, AProbeWritesOnlyWhereItMayAndPutsItBack) {
  Put(7 * 4096, "precious");
  const std::string before = Content();
  EXPECT_EQ(Command({"--probe", At("disk")}), 0) << err_;
  EXPECT_NE(out_.find("not proven, nothing was written: it is no quorum disk of Fencepost"),
            std::string::npos)
      << out_;
  EXPECT_EQ(Content(), before);
  EXPECT_EQ(Command({"--probe", At("disk"), "--force"}), 0) << err_;
  EXPECT_NE(out_.find("can carry a vote: barrier by lock of this machine"), std::string::npos)
      << out_;
  EXPECT_EQ(Content(), before);
  ASSERT_EQ(Create({"-y"}), 0) << err_;
  EXPECT_EQ(Command({"--probe", "--json", At("disk")}), 0) << err_;
  const auto probe = nlohmann::json::parse(out_).at("probe");
  EXPECT_EQ(probe.at("can_carry_a_vote"), true);
  EXPECT_EQ(probe.at("latency_us").at("write").at("count"), 100);
  EXPECT_EQ(Command({"--probe", At("absent")}), 1);
}

TEST_F(MkqdiskTest, WhyNamesWhatItNeeds) {
  ASSERT_EQ(Create({"-y"}), 0) << err_;
  EXPECT_EQ(Command({"--why", "2", At("disk")}), 0) << err_;
  EXPECT_NE(out_.find("It has never written a heartbeat on this disk.\n"), std::string::npos);
  EXPECT_NE(out_.find("Records about node 2"), std::string::npos) << out_;
  EXPECT_EQ(Command({"--why", "3", At("disk")}), 1);
  EXPECT_NE(err_.find("has room for 2 nodes"), std::string::npos) << err_;
  EXPECT_EQ(Command({"--why", "db9", At("disk")}), 1);
  EXPECT_NE(err_.find("is no configured node"), std::string::npos) << err_;
  EXPECT_EQ(Command({"--why", "2", At("disk")}, "", "beta"), 1);
  EXPECT_NE(err_.find("belongs to another cluster"), std::string::npos) << err_;
  EXPECT_EQ(Command({"--why", "2"}), 1);
}

TEST_F(MkqdiskTest, WrongUsageIsExplained) {
  const std::vector<std::string> wrong[] = {{"-L", "-f", "x"},
                                            {"-c", At("disk")},
                                            {"-c", At("disk"), "-l", "a\tb"},
                                            {"-c", At("disk"), "-l", std::string(128, 'x')},
                                            {"--bogus"},
                                            {"-c", At("disk"), "-l", "x", "--nodes", "65"},
                                            {"-c", At("disk"), "-l", "x", "--cib-size", "3"},
                                            {"-c", "a", "-l", "x", "b"},
                                            {"-c", "a", "-l", "x", "--json"},
                                            {"-c", "a", "-l", "x", "-d"},
                                            {"-L", "--json", "--watch"},
                                            {"-L", "--watch=-1"},
                                            {"--why", "2", "--probe", "x"},
                                            {"--probe", "x", "y"}};
  for (const auto& arguments : wrong) {
    EXPECT_EQ(Command(arguments), 2) << arguments[0];
    EXPECT_NE(err_.find("mkqdisk: "), std::string::npos);
  }
  EXPECT_EQ(Command({"--version"}), 0);
  EXPECT_EQ(out_.find("usage"), std::string::npos);
  EXPECT_NE(out_.find("mkqdisk v"), std::string::npos);
  EXPECT_EQ(Command({"-h"}), 0);
  EXPECT_NE(out_.find("usage: mkqdisk -c DEVICE -l LABEL"), std::string::npos);
  EXPECT_EQ(Command({"-L", At("absent")}), 1);
  EXPECT_NE(err_.find("/absent: cannot open"), std::string::npos) << err_;
  EXPECT_EQ(Command({"-L", At("disk")}), 1) << "a disk of zeros is none";
}

TEST(DriverOfBlockMajor, IsFoundAmongTheBlockDevicesOnly) {
  const std::string text =
      "Character devices:\n  9 st\n\nBlock devices:\n  8 sd\n  9 md\n147 drbd\n259 blkext\n";
  EXPECT_EQ(DriverOfBlockMajor(text, 9), "md");
  EXPECT_EQ(DriverOfBlockMajor(text, 147), "drbd");
  EXPECT_EQ(DriverOfBlockMajor(text, 10), "");
  EXPECT_EQ(DriverOfBlockMajor("", 9), "");
}

}  // namespace
}  // namespace fencepost::qdiskd::mkqdisk
