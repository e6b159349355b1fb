// mkqdisk on a real target: made by one command, then written by a node and shown alive.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/config/config.h"
#include "base/text.h"
#include "env/linux/iscsi_disk.h"
#include "qdiskd/mkqdisk/mkqdisk.h"
#include "tests/lab/disk/tgt_target.h"

namespace fencepost::qdiskd::mkqdisk {
namespace {

constexpr std::uint8_t kKeyByte = 0x77;

struct Outcome {
  int code = 0;
  std::string out, err;
};

class MkqdiskLab : public ::testing::Test {
 protected:
  MkqdiskLab() {
    const mode_t before = umask(0077);
    std::ofstream(At("key")) << std::string(64, '7') << "\n";
    std::ofstream(At("chap")) << "secretsecret1\n";
    umask(before);
  }
  [[nodiscard]] std::string At(const char* name) const {
    return Cat(target_.directory(), "/", name);
  }
  Outcome Command(std::vector<std::string> arguments, Duration watch = Millis(50)) const {
    for (const char* more : {"--cluster", "alpha", "--key"}) arguments.emplace_back(more);
    arguments.push_back(At("key"));
    arguments.insert(arguments.end(), {"--secret", At("chap")});
    std::istringstream in;
    std::ostringstream out, err;
    Io io{in, out, err, watch};
    const int code = mkqdisk::Run(arguments, io);
    return {code, out.str(), err.str()};
  }
  lab::TgtTarget target_{{lab::TgtUnit{}, {64 << 20, 4096, false}}, "", "alice", "secretsecret1"};
};

TEST_F(MkqdiskLab, ALunBecomesAQuorumDiskOnBothSectorSizes) {
  for (const int lun : {1, 2}) {
    const std::string url = target_.Url(lun);
    const Outcome made = Command({"-c", url, "-l", "shop", "-y"});
    ASSERT_EQ(made.code, 0) << made.err;
    EXPECT_NE(made.out.find("excluded by a reservation"), std::string::npos) << made.out;
    const Outcome listed = Command({"-f", "shop", url});
    EXPECT_EQ(listed.code, 0) << listed.err;
    EXPECT_NE(listed.out.find(Cat("Recorded Sector Size: ", lun == 1 ? 512 : 4096)),
              std::string::npos)
        << listed.out;
    EXPECT_NE(listed.out.find("Authentic:            yes"), std::string::npos) << listed.out;
  }
}

std::string Unit7(const std::string& image) {
  std::ifstream in(image, std::ios::binary);
  in.seekg(7 * 4096);
  std::string unit(4096, '\0');
  in.read(unit.data(), 4096);
  return unit;
}

TEST_F(MkqdiskLab, AProbeTellsWhatATgtUnitCanDoAndPutsBackWhatItWrote) {
  for (const int lun : {1, 2}) {
    const std::string url = target_.Url(lun);
    std::fstream(target_.Image(lun), std::ios::in | std::ios::out | std::ios::binary)
        .seekp(7 * 4096)
        .write("precious", 8);
    const Outcome looked = Command({"--probe", url, "--json"});
    ASSERT_EQ(looked.code, 0) << looked.err;
    const auto unproven = nlohmann::json::parse(looked.out).at("probe");
    EXPECT_TRUE(unproven.at("can_carry_a_vote").is_null()) << looked.out;
    EXPECT_EQ(unproven.at("written"), false);
    const std::string before = Unit7(target_.Image(lun));
    const Outcome tried = Command({"--probe", url, "--force", "--json"});
    ASSERT_EQ(tried.code, 0) << tried.out << tried.err;
    EXPECT_EQ(Unit7(target_.Image(lun)), before) << "put back";
    const auto probe = nlohmann::json::parse(tried.out).at("probe");
    EXPECT_EQ(probe.at("can_carry_a_vote"), true) << tried.out;
    EXPECT_EQ(probe.at("sector_bytes"), lun == 1 ? 512 : 4096);
    EXPECT_EQ(probe.at("others_see_writes"), true);
    EXPECT_GT(probe.at("latency_us").at("cycle").at("p50"), 0);
    const auto& scsi = probe.at("scsi");
    EXPECT_EQ(scsi.at("barrier").at("works"), true);
    EXPECT_EQ(scsi.at("others_excluded").at("works"), true);
    EXPECT_EQ(scsi.at("compare_and_write").at("works"), false) << "tgt has none";
    EXPECT_EQ(scsi.at("fua").at("works"), true);
    EXPECT_EQ(scsi.at("session_reinstated").at("works"), true) << "the ISID is the same";
    EXPECT_NE(probe.at("designator"), "");
    std::cout << "    " << probe.at("verdict") << " " << probe.at("latency_us").dump() << "\n";
  }
}

TEST_F(MkqdiskLab, AFormattedDiskIsProbedWithoutForceAndIsTheSameAfterwards) {
  const std::string url = target_.Url(1);
  ASSERT_EQ(Command({"-c", url, "-l", "shop", "-y", "--nodes", "3"}).code, 0);
  const Outcome probed = Command({"--probe", url});
  EXPECT_EQ(probed.code, 0) << probed.err;
  EXPECT_NE(probed.out.find("can carry a vote: barrier by reservation"), std::string::npos)
      << probed.out;
  EXPECT_EQ(Unit7(target_.Image(1)), std::string(4096, '\0'));
  EXPECT_EQ(Command({"-f", "shop", url}).code, 0);
  EXPECT_EQ(Command({"-c", url, "-l", "shop", "-y"}).code, 0) << "its key is no hindrance";
}

// A node that writes its heartbeat every 20 ms, in a process of its own as qdiskd would.
class LivingNode {
 public:
  LivingNode(const std::string& url, const std::string& secret) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    pid_ = fork();
    if (pid_ == 0) Beat(url, secret, ends[1]);
    close(ends[1]);
    char byte = 0;
    EXPECT_EQ(read(ends[0], &byte, 1), 1) << "it ended before its first heartbeat";
    close(ends[0]);
  }
  ~LivingNode() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

 private:
  [[noreturn]] static void Beat(const std::string& url, const std::string& secret, int tell) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    auto loop = std::move(Loop::Create().value());
    IscsiDisk disk(*loop, *config::ParseDiskUrl(url), secret);
    seal::ClusterKey::Secret key;
    key.fill(kKeyByte);
    const MacFunction mac = DiskMac(seal::ClusterKey(key));
    Superblock superblock;
    Slot slot;
    slot.node = NodeId(2);
    slot.incarnation = Incarnation(1);
    std::function<void()> beat = [&] {
      ++slot.sequence;
      const auto geometry = *Geometry::Make(superblock.nodes, superblock.cib_units);
      const Place place =
          PlaceOf(geometry, Region::kHeartbeat, slot.node, static_cast<int>(slot.sequence % 2));
      disk.Write(place.offset, EncodeSlot(slot, place, superblock.identity, mac),
                 loop->Now() + Millis(1000), [&](const Result<Ok, IoError>& done) {
                   if (!done.ok()) _exit(1);
                   if (slot.sequence == 1 && write(tell, "", 1) != 1) _exit(1);
                   loop->CallAt(loop->Now() + Millis(20), beat);
                 });
    };
    const Writer writer = MakeWriter(config::ClusterIdOf("alpha"), slot.node, Incarnation(1));
    disk.Open(&writer, loop->Now() + Millis(3000), [&](const Result<DeviceInfo, IoError>& info) {
      if (!info.ok()) _exit(1);
      disk.Read(0, 2 * kUnitBytes, loop->Now() + Millis(1000),
                [&](const Result<Bytes, IoError>& head) {
                  if (!head.ok()) _exit(1);
                  superblock = DecodeSuperblocks(*head, &mac).superblock;
                  beat();
                });
    });
    loop->Run();
    _exit(1);
  }
  pid_t pid_ = -1;
};

TEST_F(MkqdiskLab, ALivingNodeIsShownAndProtectsTheDisk) {
  const std::string url = target_.Url(1);
  ASSERT_EQ(Command({"-c", url, "-l", "shop", "-y", "--nodes", "3"}).code, 0);
  {
    const LivingNode node(url, "secretsecret1");
    const Outcome details = Command({"-L", "-d", url}, Millis(500));
    EXPECT_EQ(details.code, 0) << details.err;
    EXPECT_NE(details.out.find("Status block for node 2\n"), std::string::npos) << details.out;
    EXPECT_NE(details.out.find("Living:               yes"), std::string::npos) << details.out;
    const Outcome refused = Command({"-c", url, "-l", "new", "-y"}, Millis(500));
    EXPECT_EQ(refused.code, 1);
    EXPECT_NE(refused.err.find("somebody is writing heartbeats"), std::string::npos) << refused.err;
  }
  EXPECT_EQ(Command({"-c", url, "-l", "new", "-y"}, Millis(500)).code, 0) << "the node is dead";
}

TEST_F(MkqdiskLab, AWriteProtectedLunAndAnAbsentTargetSaySo) {
  const lab::TgtTarget protected_target({{64 << 20, 512, true}});
  const Outcome refused = Command({"-c", protected_target.Url(1), "-l", "shop", "-y"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.err.find("write-protected"), std::string::npos) << refused.err;
  target_.Kill();
  const Outcome absent = Command({"-L", target_.Url(1)});
  EXPECT_EQ(absent.code, 1);
  EXPECT_NE(absent.err.find(target_.Url(1)), std::string::npos) << absent.err;
}

}  // namespace
}  // namespace fencepost::qdiskd::mkqdisk

int main(int argc, char** argv) {
  if (const auto why = fencepost::lab::TgtTarget::WhyNot()) {
    std::cout << "skipped: " << *why << "\n";
    return 77;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
