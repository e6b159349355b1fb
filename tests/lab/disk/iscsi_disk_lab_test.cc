// IscsiDisk against a real target. Needs root and tgt; skipped (77) with the reason otherwise.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <iostream>

#include "base/text.h"
#include "env/linux/iscsi_disk.h"
#include "tests/lab/disk/tgt_target.h"

namespace fencepost {
namespace {

using lab::TgtTarget;
using lab::TgtUnit;
constexpr Duration kPatience = Millis(3000);

Writer Node(int node, std::uint64_t incarnation) {
  return MakeWriter({{1, 2, 3, 4}}, NodeId(static_cast<std::uint8_t>(node)),
                    Incarnation(incarnation));
}

// A disk with calls that wait for their answer.
class Disk {
 public:
  Disk(Loop& loop, const std::string& url, const std::string& secret = "")
      : loop_(loop), disk_(loop, *config::ParseDiskUrl(url), secret) {}

  std::string Open(const Writer* writer, Duration patience = kPatience) {
    std::string outcome;
    disk_.Open(writer, loop_.Now() + patience, [&](const Result<DeviceInfo, IoError>& info) {
      if (info.ok()) info_ = info.value();
      Tell(outcome, info.ok() ? "ok" : Name(info.error()));
    });
    return Wait(outcome);
  }
  std::string Write(std::uint64_t offset, Bytes data, Duration patience = kPatience) {
    std::string outcome;
    disk_.Write(offset, std::move(data), loop_.Now() + patience, [&](const Result<Ok, IoError>& r) {
      Tell(outcome, r.ok() ? "ok" : Name(r.error()));
    });
    return Wait(outcome);
  }
  // Sent, and the answer is not waited for.
  void Begin(std::uint64_t offset, Bytes data) {
    disk_.Write(offset, std::move(data), loop_.Now() + kPatience, [](const auto&) {});
    Pause(Millis(200));
  }
  std::string Read(std::uint64_t offset, std::uint32_t length, Duration patience = kPatience) {
    std::string outcome;
    disk_.Read(offset, length, loop_.Now() + patience, [&](const Result<Bytes, IoError>& r) {
      if (r.ok()) data_ = r.value();
      Tell(outcome, r.ok() ? "ok" : Name(r.error()));
    });
    return Wait(outcome);
  }
  void Pause(Duration d) {
    loop_.CallAt(loop_.Now() + d, [this] { loop_.Stop(); });
    loop_.Run();
  }
  void Close() { disk_.Close(); }
  [[nodiscard]] const DeviceInfo& info() const { return info_; }
  [[nodiscard]] const Bytes& data() const { return data_; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string Name(const IoError& error) {
    constexpr const char* kNames[] = {"timeout",   "unreachable", "denied",     "conflict",
                                      "read-only", "medium",      "no barrier", "closed"};
    text_ = error.text;
    return kNames[static_cast<int>(error.kind)];
  }
  void Tell(std::string& outcome, const std::string& text) {
    EXPECT_TRUE(waiting_) << "called back from inside the call";
    outcome = text;
    loop_.Stop();
  }
  std::string Wait(const std::string& outcome) {
    waiting_ = true;
    while (outcome.empty()) loop_.Run();
    waiting_ = false;
    return outcome;
  }
  Loop& loop_;
  IscsiDisk disk_;
  DeviceInfo info_;
  Bytes data_;
  std::string text_;
  bool waiting_ = false;
};

class IscsiDiskLab : public ::testing::Test {
 protected:
  std::unique_ptr<Loop> loop_ = std::move(Loop::Create().value());
};

TEST_F(IscsiDiskLab, WhatIsWrittenIsReadBackOnBothSectorSizes) {
  TgtTarget target({{64 << 20, 512, false}, {64 << 20, 4096, false}});
  for (const int lun : {1, 2}) {
    Disk disk(*loop_, target.Url(lun));
    const Writer writer = Node(2, 1);
    ASSERT_EQ(disk.Open(&writer), "ok") << disk.text();
    EXPECT_EQ(disk.info().sector_bytes, lun == 1 ? 512U : 4096U);
    EXPECT_EQ(disk.info().size_bytes, 64U << 20);
    EXPECT_EQ(disk.info().barrier, "reservation");
    EXPECT_NE(disk.info().designator, "");
    EXPECT_EQ(disk.Write(8192, Bytes(4096, 0x5A)), "ok") << disk.text();
    EXPECT_EQ(disk.Read(4096, 512 * 1024), "ok") << disk.text();
    EXPECT_EQ(disk.data().size(), 512U * 1024);
    EXPECT_EQ(Bytes(disk.data().begin() + 4096, disk.data().begin() + 8192), Bytes(4096, 0x5A));
    EXPECT_EQ(disk.data()[0], 0);
  }
}

TEST_F(IscsiDiskLab, AReaderNeedsNoReservationAndPeersWriteSideBySide) {
  TgtTarget target({TgtUnit{}});
  Disk one(*loop_, target.Url(1)), two(*loop_, target.Url(1)), reader(*loop_, target.Url(1));
  const Writer first = Node(1, 1), second = Node(2, 1);
  ASSERT_EQ(one.Open(&first), "ok") << one.text();
  ASSERT_EQ(two.Open(&second), "ok") << two.text();
  ASSERT_EQ(reader.Open(nullptr), "ok") << reader.text();
  EXPECT_EQ(reader.info().barrier, "");
  EXPECT_EQ(one.Write(0, Bytes(4096, 1)), "ok") << "after the reset by node 2: " << one.text();
  EXPECT_EQ(two.Write(4096, Bytes(4096, 2)), "ok") << two.text();
  EXPECT_EQ(reader.Read(0, 8192), "ok") << reader.text();
  EXPECT_EQ(reader.data()[0], 1);
  EXPECT_EQ(reader.data()[4096], 2);
}

TEST_F(IscsiDiskLab, ALaterStartOfTheNodeShutsTheEarlierOneOut) {
  TgtTarget target({TgtUnit{}});
  Disk old_start(*loop_, target.Url(1)), new_start(*loop_, target.Url(1)),
      peer(*loop_, target.Url(1));
  const Writer peers = Node(1, 1), before = Node(2, 1), after = Node(2, 2);
  ASSERT_EQ(peer.Open(&peers), "ok");
  ASSERT_EQ(old_start.Open(&before), "ok");
  EXPECT_EQ(old_start.Write(0, Bytes(512, 1)), "ok");
  ASSERT_EQ(new_start.Open(&after), "ok") << new_start.text();
  EXPECT_EQ(old_start.Write(0, Bytes(512, 2)), "conflict");
  EXPECT_EQ(old_start.Write(0, Bytes(512, 2)), "closed") << "the session ended with the conflict";
  EXPECT_EQ(new_start.Write(512, Bytes(512, 3)), "ok") << new_start.text();
  EXPECT_EQ(peer.Write(1024, Bytes(512, 4)), "ok") << "peers are left alone: " << peer.text();
  EXPECT_EQ(new_start.Read(0, 512), "ok");
  EXPECT_EQ(new_start.data()[0], 1);
}

// Their reservations, preempts and resets of the unit meet; none may shut another out.
TEST_F(IscsiDiskLab, NodesThatOpenAndWriteAtTheSameTimeAllSucceed) {
  constexpr int kNodes = 4, kRounds = 10;
  TgtTarget target({TgtUnit{}});
  std::vector<std::unique_ptr<IscsiDisk>> disks;
  for (int i = 0; i < kNodes; ++i) {
    disks.push_back(std::make_unique<IscsiDisk>(*loop_, *config::ParseDiskUrl(target.Url(1)), ""));
  }
  for (int round = 1; round <= kRounds; ++round) {
    int open = 0, over = 0;
    std::string problems;
    const auto end = [&](const auto& result) {
      if (!result.ok()) problems += result.error().text + "\n";
      if (++over == kNodes) loop_->Stop();
    };
    for (int i = 0; i < kNodes; ++i) {
      const Writer writer = Node(i + 1, static_cast<std::uint64_t>(round));
      IscsiDisk& disk = *disks[static_cast<std::size_t>(i)];
      disk.Open(&writer, loop_->Now() + kPatience, [&, i](const Result<DeviceInfo, IoError>& r) {
        if (!r.ok()) return end(r);
        ++open;
        disk.Write(static_cast<std::uint64_t>(i) * 4096, Bytes(4096, 9), loop_->Now() + kPatience,
                   end);
      });
    }
    loop_->Run();
    EXPECT_EQ(open, kNodes) << "round " << round << "\n" << problems;
    EXPECT_EQ(problems, "") << "round " << round;
    for (const auto& disk : disks) disk->Close();
  }
}

// The reason for the reset of the unit: docs/adr/0005-write-barrier.md.
TEST_F(IscsiDiskLab, AWriteThatIsInsideTheTargetIsOverBeforeANewStartMayWrite) {
  for (const bool gone : {false, true}) {
    TgtTarget target({TgtUnit{}}, FENCEPOST_SLOW_STORE);
    auto old_start = std::make_unique<Disk>(*loop_, target.Url(1));
    Disk new_start(*loop_, target.Url(1));
    const Writer before = Node(2, 1), after = Node(2, 2);
    ASSERT_EQ(old_start->Open(&before), "ok");
    old_start->Begin(4096, Bytes(512, 0xEE));  // takes 1.5 s inside the target
    if (gone) old_start.reset();               // as a killed daemon: its connection is reset
    const auto on_disk = [&] {
      unsigned char byte = 0;
      const int fd = open(target.Image(1).c_str(), O_RDONLY | O_CLOEXEC);
      EXPECT_EQ(pread(fd, &byte, 1, 4096), 1);
      close(fd);
      return int{byte};
    };
    EXPECT_EQ(on_disk(), 0) << "the write must still be under way, or this shows nothing";
    ASSERT_EQ(new_start.Open(&after), "ok") << new_start.text();
    EXPECT_EQ(on_disk(), 0xEE) << "what had begun was waited for";
    EXPECT_EQ(new_start.Write(4096, Bytes(512, 0x11)), "ok");
    new_start.Pause(Millis(1700));
    EXPECT_EQ(on_disk(), 0x11) << "an old write landed after the barrier";
  }
}

TEST_F(IscsiDiskLab, AWrongSecretIsDeniedAndARightOneIsNot) {
  TgtTarget target({TgtUnit{}}, "", "alice", "secretsecret1");
  Disk wrong(*loop_, target.Url(1), "secretsecret2");
  EXPECT_EQ(wrong.Open(nullptr), "denied") << wrong.text();
  EXPECT_EQ(wrong.text().find("secretsecret"), std::string::npos) << wrong.text();
  Disk right(*loop_, target.Url(1), "secretsecret1");
  EXPECT_EQ(right.Open(nullptr), "ok") << right.text();
}

TEST_F(IscsiDiskLab, NoTargetAndNoUnitAreUnreachable) {
  TgtTarget target({TgtUnit{}});
  Disk no_unit(*loop_, target.Url(7));
  EXPECT_NE(no_unit.Open(nullptr), "ok");
  Disk no_name(*loop_, Cat("iscsi://127.0.0.1:", target.port(), "/iqn.2026-01.org.example:x/1"));
  EXPECT_EQ(no_name.Open(nullptr), "unreachable") << no_name.text();
  target.Kill();
  Disk refused(*loop_, target.Url(1));
  EXPECT_EQ(refused.Open(nullptr), "unreachable") << refused.text();
  EXPECT_EQ(refused.Read(0, 512), "closed");
}

TEST_F(IscsiDiskLab, ASilentTargetIsATimeoutByTheDeadlineAndEndsTheSession) {
  TgtTarget target({TgtUnit{}});
  Disk disk(*loop_, target.Url(1));
  const Writer writer = Node(2, 1);
  ASSERT_EQ(disk.Open(&writer), "ok");
  target.Signal(SIGSTOP);
  const MonoTime began = loop_->Now();
  EXPECT_EQ(disk.Write(0, Bytes(512, 1), Millis(300)), "timeout") << disk.text();
  EXPECT_LT(loop_->Now() - began, Millis(1500));
  EXPECT_EQ(disk.Write(0, Bytes(512, 1)), "closed");
  EXPECT_EQ(disk.Open(&writer, Millis(300)), "timeout") << "the same when opening";
  target.Signal(SIGCONT);
  EXPECT_EQ(disk.Open(&writer), "ok") << disk.text();
  EXPECT_EQ(disk.Write(0, Bytes(512, 2)), "ok") << disk.text();
}

TEST_F(IscsiDiskLab, ADeadTargetEndsTheSessionAndItsReturnIsUsable) {
  TgtTarget target({TgtUnit{}});
  Disk disk(*loop_, target.Url(1));
  const Writer writer = Node(2, 1);
  ASSERT_EQ(disk.Open(&writer), "ok");
  target.Kill();
  const std::string outcome = disk.Write(0, Bytes(512, 1));
  EXPECT_TRUE(outcome == "unreachable" || outcome == "closed") << outcome;
  target.Start();
  EXPECT_EQ(disk.Open(&writer), "ok") << disk.text();
  EXPECT_EQ(disk.Write(0, Bytes(512, 2)), "ok");
  EXPECT_EQ(target.KickSessions(), 1);
  const std::string kicked = disk.Read(0, 512);
  EXPECT_TRUE(kicked == "unreachable" || kicked == "closed") << kicked;
  EXPECT_EQ(disk.Open(&writer), "ok") << disk.text();
  EXPECT_EQ(disk.Read(0, 512), "ok");
  EXPECT_EQ(disk.data()[0], 2);
}

TEST_F(IscsiDiskLab, AWriteProtectedUnitSaysSo) {
  TgtTarget target({{64 << 20, 512, true}});
  Disk disk(*loop_, target.Url(1));
  const Writer writer = Node(2, 1);
  ASSERT_EQ(disk.Open(&writer), "ok") << disk.text();
  EXPECT_EQ(disk.Write(0, Bytes(512, 1)), "read-only") << disk.text();
}

TEST_F(IscsiDiskLab, ClosingCompletesWhatIsUnderWayAndReopeningWorksManyTimes) {
  TgtTarget target({TgtUnit{}});
  const Writer writer = Node(2, 1);
  IscsiDisk disk(*loop_, *config::ParseDiskUrl(target.Url(1)), "");
  for (int round = 0; round < 20; ++round) {
    std::vector<std::string> seen;
    const auto tell = [&](const auto& r) {
      seen.push_back(r.ok() ? "ok" : r.error().kind == IoKind::kClosed ? "closed" : "other");
      loop_->Stop();
    };
    disk.Open(&writer, loop_->Now() + kPatience, tell);
    while (seen.empty()) loop_->Run();
    ASSERT_EQ(seen[0], "ok") << round;
    disk.Write(0, Bytes(4096, 1), loop_->Now() + kPatience, tell);
    disk.Read(0, 4096, loop_->Now() + kPatience, tell);
    disk.Close();
    EXPECT_EQ(seen.size(), 1U) << "never from inside the call";
    while (seen.size() < 3) loop_->Run();
    EXPECT_EQ(seen, (std::vector<std::string>{"ok", "closed", "closed"}));
  }
}

}  // namespace
}  // namespace fencepost

int main(int argc, char** argv) {
  if (const auto why = fencepost::lab::TgtTarget::WhyNot()) {
    std::cout << "skipped: " << *why << "\n";
    return 77;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
