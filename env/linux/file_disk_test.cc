#include "env/linux/file_disk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "env/linux/file_disk_helper.h"

namespace fencepost {
namespace {

constexpr Duration kPatience = Millis(5000);
constexpr std::uint64_t kSize = 1 << 20;

Writer Node(int node) {
  return MakeWriter({{1, 2, 3, 4}}, NodeId(static_cast<std::uint8_t>(node)), Incarnation(1));
}

class FileDiskTest : public ::testing::Test {
 protected:
  FileDiskTest() {
    std::string name = testing::TempDir() + "fencepost-disk-XXXXXX";
    directory_ = mkdtemp(name.data());
    const UniqueFd fd(open(Path().c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    EXPECT_EQ(ftruncate(fd.get(), kSize), 0);
  }
  ~FileDiskTest() override { std::filesystem::remove_all(directory_); }
  [[nodiscard]] std::string Path() const { return directory_ + "/disk"; }

  template <class Value>
  auto Tell() {
    outcome_.clear();
    return [this](const Result<Value, IoError>& r) {
      EXPECT_TRUE(running_) << "called back from inside the call";
      constexpr const char* kNames[] = {"timeout",   "unreachable", "denied",     "conflict",
                                        "read-only", "medium",      "no barrier", "closed"};
      outcome_ = r.ok() ? "ok" : kNames[static_cast<int>(r.error().kind)];
      if (!r.ok()) text_ = r.error().text;
      if constexpr (std::is_same_v<Value, Bytes>) {
        if (r.ok()) data_ = r.value();
      }
      if constexpr (std::is_same_v<Value, DeviceInfo>) {
        if (r.ok()) info_ = r.value();
      }
      loop_->Stop();
    };
  }
  std::string Wait() {
    running_ = true;
    while (outcome_.empty()) loop_->Run();
    running_ = false;
    return outcome_;
  }
  std::string Open(FileDisk& disk, const Writer* writer, Duration patience = kPatience) {
    disk.Open(writer, loop_->Now() + patience, Tell<DeviceInfo>());
    return Wait();
  }
  std::string Write(FileDisk& disk, std::uint64_t offset, Bytes data,
                    Duration patience = kPatience) {
    disk.Write(offset, std::move(data), loop_->Now() + patience, Tell<Ok>());
    return Wait();
  }
  std::string Read(FileDisk& disk, std::uint64_t offset, std::uint32_t length) {
    disk.Read(offset, length, loop_->Now() + kPatience, Tell<Bytes>());
    return Wait();
  }

  std::unique_ptr<Loop> loop_ = std::move(Loop::Create().value());
  std::string directory_, outcome_, text_;
  Bytes data_;
  DeviceInfo info_;
  bool running_ = false;
};

TEST_F(FileDiskTest, WhatIsWrittenIsReadBack) {
  FileDisk disk(*loop_, Path());
  const Writer writer = Node(1);
  ASSERT_EQ(Open(disk, &writer), "ok") << text_;
  EXPECT_EQ(info_.size_bytes, kSize);
  EXPECT_EQ(info_.barrier, "lock");
  EXPECT_NE(info_.designator, "");
  Bytes large(512 * 1024);
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<std::uint8_t>(i / 999);
  EXPECT_EQ(Write(disk, 8192, large), "ok") << text_;
  EXPECT_EQ(Read(disk, 8192, 512 * 1024), "ok") << text_;
  EXPECT_EQ(data_, large);
  disk.Close();
  EXPECT_EQ(Read(disk, 0, 4096), "closed");
  ASSERT_EQ(Open(disk, nullptr), "ok") << text_;
  EXPECT_EQ(info_.barrier, "") << "a reader has none";
  EXPECT_EQ(Read(disk, 8192, 4096), "ok");
  EXPECT_EQ(data_, Bytes(large.begin(), large.begin() + 4096));
}

TEST_F(FileDiskTest, NodesShareTheFileAndOneNodeIsNotThereTwice) {
  FileDisk one(*loop_, Path()), two(*loop_, Path()), again(*loop_, Path());
  const Writer first = Node(1), second = Node(2);
  EXPECT_EQ(Open(one, &first), "ok") << text_;
  EXPECT_EQ(Open(two, &second), "ok") << text_;
  EXPECT_EQ(Open(again, &first), "conflict") << text_;
  EXPECT_EQ(Write(one, 0, Bytes(4096, 1)), "ok");
  one.Close();
  EXPECT_EQ(Open(again, &first), "ok") << "the earlier helper ends by itself: " << text_;
}

TEST_F(FileDiskTest, AHungHelperIsLeftBehindAndBlocksTheNodeUntilItEnds) {
  FileDisk disk(*loop_, Path());
  const Writer writer = Node(1);
  ASSERT_EQ(Open(disk, &writer), "ok");
  const pid_t helper = disk.helper_pid();
  kill(helper, SIGSTOP);  // stands for a request that never comes back
  const MonoTime began = loop_->Now();
  EXPECT_EQ(Write(disk, 0, Bytes(4096, 1), Millis(100)), "timeout");
  EXPECT_LT(loop_->Now() - began, Millis(2000));
  EXPECT_EQ(Write(disk, 0, Bytes(4096, 1)), "closed");
  EXPECT_EQ(Open(disk, &writer), "conflict") << text_;
  EXPECT_NE(text_.find("cannot be excluded"), std::string::npos) << text_;
  kill(helper, SIGCONT);
  EXPECT_EQ(Open(disk, &writer), "ok") << text_;
  EXPECT_EQ(Read(disk, 0, 4096), "ok");
  EXPECT_EQ(data_[0], 0) << "a request that nobody waits for is not begun";
}

TEST_F(FileDiskTest, AKilledHelperEndsTheSession) {
  FileDisk disk(*loop_, Path());
  const Writer writer = Node(1);
  ASSERT_EQ(Open(disk, &writer), "ok");
  kill(disk.helper_pid(), SIGKILL);
  EXPECT_EQ(Read(disk, 0, 4096), "unreachable") << text_;
  EXPECT_EQ(Open(disk, &writer), "ok") << text_;
}

TEST_F(FileDiskTest, WhatCannotCarryAQuorumDiskIsRefusedByName) {
  const Writer writer = Node(1);
  const auto open = [&](const std::string& path) {
    FileDisk disk(*loop_, path);
    return Open(disk, &writer);
  };
  EXPECT_EQ(open(directory_ + "/absent"), "unreachable") << text_;
  EXPECT_NE(text_.find("/absent: cannot open"), std::string::npos) << text_;
  EXPECT_NE(open(directory_), "ok");
  EXPECT_EQ(open("/dev/null"), "medium") << text_;
  EXPECT_EQ(open("/proc/self/comm"), "no barrier") << text_;
}

TEST_F(FileDiskTest, BehindTheEndIsAnErrorAndTheNextRequestWorksAfterReopening) {
  FileDisk disk(*loop_, Path());
  const Writer writer = Node(1);
  ASSERT_EQ(Open(disk, &writer), "ok");
  EXPECT_EQ(Read(disk, kSize, 4096), "medium") << text_;
  EXPECT_EQ(Read(disk, kSize - 4096, 4096), "ok") << "a failed read ends nothing";
}

TEST_F(FileDiskTest, ClosingCompletesWhatIsUnderWayAndGoingAwayDoesNot) {
  auto disk = std::make_unique<FileDisk>(*loop_, Path());
  const Writer writer = Node(1);
  ASSERT_EQ(Open(*disk, &writer), "ok");
  disk->Write(0, Bytes(4096, 1), loop_->Now() + kPatience, Tell<Ok>());
  disk->Close();
  EXPECT_EQ(outcome_, "");
  EXPECT_EQ(Wait(), "closed");
  ASSERT_EQ(Open(*disk, &writer), "ok") << text_;
  disk->Read(0, 4096, loop_->Now() + kPatience, Tell<Bytes>());
  disk.reset();
  loop_->CallAt(loop_->Now() + Millis(50), [this] { loop_->Stop(); });
  loop_->Run();
  EXPECT_EQ(outcome_, "");
}

TEST(NameOfUnit, IsTheOneThatDoesNotChangeWithTheOrderOfDiscovery) {
  std::string name = testing::TempDir() + "unit-XXXXXX";
  const std::string root = mkdtemp(name.data());
  const auto put = [&](const std::string& file, const std::string& text) {
    const std::filesystem::path path(root + "/" + file);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text << "\n";
  };
  EXPECT_EQ(NameOfUnit(root), "");
  put("dm/uuid", "LVM-abc");
  EXPECT_EQ(NameOfUnit(root), "");
  put("dm/uuid", "mpath-3600140512345678");
  EXPECT_EQ(NameOfUnit(root), "naa.600140512345678");
  put("wwid", "eui.0025385b");
  EXPECT_EQ(NameOfUnit(root), "eui.0025385b");
  put("device/wwid", "naa.6001405aa");
  EXPECT_EQ(NameOfUnit(root), "naa.6001405aa");
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace fencepost
