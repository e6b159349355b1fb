// Headers of other quorum disks, byte for byte as their tools write them.
#include "qdiskd/mkqdisk/foreign.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/prng.h"
#include "base/text.h"

namespace fencepost::qdiskd::mkqdisk {
namespace {

void PutBig(Bytes& at, std::size_t offset, std::size_t bytes, std::uint64_t value) {
  for (std::size_t i = bytes; i-- > 0; value >>= 8) at[offset + i] = value & 0xFF;
}
void PutText(Bytes& at, std::size_t offset, std::string_view text) {
  std::copy(text.begin(), text.end(), at.begin() + static_cast<std::ptrdiff_t>(offset));
}
std::string Field(const ForeignDisk& disk, const std::string& name) {
  for (const auto& [key, value] : disk.fields) {
    if (key == name) return value;
  }
  return "absent";
}

Bytes RedHatHead() {
  Bytes head(512, 0);
  PutBig(head, 0, 4, 0x1EBBDE00);  // little-endian
  PutBig(head, 32, 4, 0xEB7A62C2);
  PutBig(head, 36, 4, 0x389FABC4);
  PutBig(head, 40, 8, 1795252800);
  PutText(head, 48, "old1.example.org");
  PutText(head, 176, "rhel5-qdisk");
  PutBig(head, 296, 4, 512);
  return head;
}

TEST(Foreign, ADiskOfTheRedHatClusterSuite) {
  const auto found = FindForeign(RedHatHead());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->owner, "Red Hat Cluster Suite (qdiskd)");
  EXPECT_EQ(found->label, "rhel5-qdisk");
  EXPECT_EQ(Field(*found, "Created"), "Sat Nov 21 09:20:00 2026");
  EXPECT_EQ(Field(*found, "Host"), "old1.example.org");
  EXPECT_EQ(Field(*found, "Recorded Sector Size"), "512");
  Bytes damaged = RedHatHead();
  damaged[33] ^= 1;
  EXPECT_EQ(FindForeign(damaged)->owner, found->owner) << "still not ours to destroy";
  EXPECT_NE(Field(*FindForeign(damaged), "Damaged"), "absent");
}

TEST(Foreign, ADiskOfSbd) {
  Bytes head(512, 0);
  PutText(head, 0, "SBD_SBD_");
  head[8] = 2;
  head[9] = 255;
  PutBig(head, 12, 4, 512);
  PutBig(head, 16, 4, 5);
  PutBig(head, 20, 4, 2);
  PutBig(head, 24, 4, 1);
  PutBig(head, 28, 4, 10);
  head[32] = 1;
  for (std::uint8_t i = 0; i < 16; ++i) head[33 + i] = static_cast<std::uint8_t>(0xA0 + i);
  const auto found = FindForeign(head);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->owner, "SBD");
  EXPECT_EQ(Field(*found, "Header version"), "2.1");
  EXPECT_EQ(Field(*found, "UUID"), "a0a1a2a3-a4a5-a6a7-a8a9-aaabacadaeaf");
  EXPECT_EQ(Field(*found, "Number of slots"), "255");
  EXPECT_EQ(Field(*found, "Timeout (watchdog)"), "5 s");
  EXPECT_EQ(Field(*found, "Timeout (msgwait)"), "10 s");
}

TEST(Foreign, AnyBytesDoNoHarm) {
  Prng rng(5);
  for (int i = 0; i < 20'000; ++i) {
    Bytes head = i % 2 == 0 ? RedHatHead() : Bytes(rng.Below(600), 0);
    for (int c = 0; c < 40 && !head.empty(); ++c) {
      head[rng.Below(head.size())] = static_cast<std::uint8_t>(rng.Next());
    }
    if (!head.empty() && rng.OneIn(3)) head.resize(rng.Below(head.size()));
    const auto found = FindForeign(head);
    if (!found) continue;
    for (const auto& [name, value] : found->fields) {
      EXPECT_TRUE(
          std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; }));
    }
  }
}

}  // namespace
}  // namespace fencepost::qdiskd::mkqdisk
