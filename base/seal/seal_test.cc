#include "base/seal/seal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <new>
#include <numeric>
#include <ostream>

#include "base/prng.h"
#include "base/text.h"

namespace fencepost::seal {
namespace {

ByteView View(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

ClusterKey TestKey() {  // 00 01 02 … 1f
  ClusterKey::Secret secret{};
  std::iota(secret.begin(), secret.end(), std::uint8_t{0});
  return ClusterKey(secret);
}

Nonce24 TestNonce() {  // 40 41 … 57, that of draft-irtf-cfrg-xchacha A.3.1
  Nonce24 nonce{};
  std::iota(nonce.begin(), nonce.end(), std::uint8_t{0x40});
  return nonce;
}

constexpr std::string_view kMessage = "a message between two nodes";

// Known answers from an independent program that reproduces the vector of the draft.
TEST(Vectors, AreThoseThatDisksAndPeersHold) {
  EXPECT_EQ(Hex(MacOf(TestKey(), "slot", View("three bytes"))), "f2c0f78dd8f68449de67df2e6120eb02");
  EXPECT_EQ(Hex(DigestOf("name", View("shop"))), "eb7988502964771f8738e8f250604b58");
  EXPECT_EQ(
      Hex(Seal(TestKey(), TestNonce(), View("header"), View(kMessage))),
      "6ef5d7ca5751adeafad61a29deb49f58fdde9c73ccbda278d045591b999d0fc9d8c987c5c3b29f30d056c6");
}

TEST(MacOf, DiffersInKeyContextAndBytesAndWhereContextEnds) {
  const Mac16 mac = MacOf(TestKey(), "ab", View("c"));
  EXPECT_TRUE(SameMac(mac, MacOf(TestKey(), "ab", View("c"))));
  EXPECT_FALSE(SameMac(mac, MacOf(ClusterKey(ClusterKey::Secret{1}), "ab", View("c"))));
  EXPECT_FALSE(SameMac(mac, MacOf(TestKey(), "ac", View("c"))));
  EXPECT_FALSE(SameMac(mac, MacOf(TestKey(), "ab", View("d"))));
  EXPECT_FALSE(SameMac(mac, MacOf(TestKey(), "a", View("bc"))));
  EXPECT_NE(DigestOf("ab", View("c")), DigestOf("a", View("bc")));
  EXPECT_FALSE(SameMac(mac, DigestOf("ab", View("c"))));
}

TEST(SameMac, SeesEverySingleBit) {
  const Mac16 mac = MacOf(TestKey(), "slot", View("x"));
  for (std::size_t bit = 0; bit < 8 * kMacBytes; ++bit) {
    Mac16 other = mac;
    other[bit / 8] = static_cast<std::uint8_t>(other[bit / 8] ^ (1U << bit % 8));
    EXPECT_FALSE(SameMac(mac, other)) << bit;
  }
}

TEST(Open, GivesWhatWasSealedAlsoWhenItIsEmpty) {
  for (const std::string_view plain : {std::string_view(""), kMessage}) {
    const Bytes sealed = Seal(TestKey(), TestNonce(), View("header"), View(plain));
    EXPECT_EQ(sealed.size(), plain.size() + kTagBytes);
    const auto opened = Open(TestKey(), TestNonce(), View("header"), sealed);
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(*opened, Bytes(View(plain).begin(), View(plain).end()));
  }
}

TEST(Open, RefusesEverySingleFlippedBit) {
  const Bytes sealed = Seal(TestKey(), TestNonce(), View("header"), View(kMessage));
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    Bytes other = sealed;
    other[bit / 8] = static_cast<std::uint8_t>(other[bit / 8] ^ (1U << bit % 8));
    EXPECT_FALSE(Open(TestKey(), TestNonce(), View("header"), other).ok()) << bit;
  }
}

TEST(Open, RefusesAnotherKeyNonceHeaderOrLength) {
  const Bytes sealed = Seal(TestKey(), TestNonce(), View("header"), View(kMessage));
  const ClusterKey other_key(ClusterKey::Secret{1});
  EXPECT_FALSE(Open(other_key, TestNonce(), View("header"), sealed).ok());
  EXPECT_FALSE(Open(TestKey(), Nonce24{}, View("header"), sealed).ok());
  EXPECT_FALSE(Open(TestKey(), TestNonce(), View("Header"), sealed).ok());
  EXPECT_FALSE(Open(TestKey(), TestNonce(), View(""), sealed).ok());
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(Open(TestKey(), TestNonce(), View("header"), ByteView(sealed).first(size)).ok())
        << size;
  }
  Bytes longer = sealed;
  longer.push_back(0);
  EXPECT_EQ(Open(TestKey(), TestNonce(), View("header"), longer).error().Text(),
            "a sealed message: does not open under the cluster key; use the same key file on all "
            "nodes");
}

TEST(ClusterKey, IsWipedWhenItEnds) {
  alignas(ClusterKey) std::array<std::uint8_t, sizeof(ClusterKey)> room{};
  auto* key = new (room.data()) ClusterKey(ClusterKey::Secret{9, 9, 9});
  EXPECT_NE(std::count(room.begin(), room.end(), 0), static_cast<long>(room.size()));
  key->~ClusterKey();
  EXPECT_EQ(std::count(room.begin(), room.end(), 0), static_cast<long>(room.size()));
}

template <class T>
concept Streams = requires(std::ostream& out, const T& value) {
  out << value;
};
template <class T>
concept HasText = requires(const T& value) {
  ToText(value);
};
static_assert(!Streams<ClusterKey> && !HasText<ClusterKey>);

TEST(KeyFile, IsReadBackAsItWasWritten) {
  std::string text = KeyFileText(TestKey());
  const auto key = ParseKeyFile(text);
  ASSERT_TRUE(key.ok()) << key.error().Text();
  EXPECT_EQ(MacOf(*key, "a", {}), MacOf(TestKey(), "a", {}));
  Wipe(text);
  EXPECT_EQ(text, "");
}

TEST(KeyFile, NamesWhatIsWrongAndNeverTheKey) {
  const std::string good = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
  const std::pair<std::string, std::string> cases[] = {
      {"", "holds no key"},
      {"# only a comment\n\n", "holds no key"},
      {"\n" + good.substr(2), "line 2 has 62 characters, not 64 hexadecimal digits"},
      {good + "00\n", "line 1 has 66 characters, not 64 hexadecimal digits"},
      {good.substr(2) + "zz", "holds a character that is no hexadecimal digit"},
      {good + "\n" + good + "\n", "holds a second key in line 2"},
      {std::string(4097, '#'), "is longer than 4096 bytes"},
  };
  for (const auto& [text, cause] : cases) {
    const auto key = ParseKeyFile(text);
    ASSERT_FALSE(key.ok()) << cause;
    EXPECT_EQ(key.error().cause, cause);
    EXPECT_EQ(key.error().Text().find("0203"), std::string::npos);
  }
  EXPECT_TRUE(ParseKeyFile("# c\r\n  " + good + " \r\n").ok()) << "blanks and CR are no part of it";
}

TEST(KeyFile, SurvivesRandomText) {
  Prng random(7);
  const std::string seed = KeyFileText(TestKey());
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = seed;
    for (std::uint64_t change = random.Below(3); change < 3; ++change) {
      text[random.Below(text.size())] = static_cast<char>(random.Next() & 0xFF);
      if (random.OneIn(4)) text.erase(random.Below(text.size()), 1);
    }
    accepted += ParseKeyFile(text).ok() ? 1 : 0;
  }
  EXPECT_GT(accepted, 100);
  EXPECT_LT(accepted, 15'000);
}

}  // namespace
}  // namespace fencepost::seal
