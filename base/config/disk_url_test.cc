#include "base/config/disk_url.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace fencepost::config {
namespace {

TEST(ParseDiskUrl, TakesEveryFormAndWritesItBack) {
  struct Case {
    std::string_view text, host;
    std::uint16_t port;
    std::string_view user, target;
    std::uint32_t lun;
    std::string_view canonical;
  };
  const Case cases[] = {
      {"iscsi://10.0.0.9/iqn.2026-01.org.example:q/1", "10.0.0.9", 3260, "",
       "iqn.2026-01.org.example:q", 1, "iscsi://10.0.0.9:3260/iqn.2026-01.org.example:q/1"},
      {"iscsi://me@10.0.0.8:3261/iqn.a:b/0", "10.0.0.8", 3261, "me", "iqn.a:b", 0,
       "iscsi://me@10.0.0.8:3261/iqn.a:b/0"},
      {"iscsi://[fd00::9]/eui.0123456789ABCDEF/255", "fd00::9", 3260, "", "eui.0123456789ABCDEF",
       255, "iscsi://[fd00::9]:3260/eui.0123456789ABCDEF/255"},
      {"iscsi://me@[fd00::9]:1/naa.52004567BA64678D/7", "fd00::9", 1, "me", "naa.52004567BA64678D",
       7, "iscsi://me@[fd00::9]:1/naa.52004567BA64678D/7"},
  };
  for (const Case& c : cases) {
    const auto url = ParseDiskUrl(c.text);
    ASSERT_TRUE(url.ok()) << url.error().Text();
    EXPECT_EQ(url->kind, DiskUrl::Kind::kIscsi);
    EXPECT_EQ(url->host, c.host);
    EXPECT_EQ(url->port, c.port);
    EXPECT_EQ(url->user, c.user);
    EXPECT_EQ(url->target, c.target);
    EXPECT_EQ(url->lun, c.lun);
    EXPECT_EQ(url->Text(), c.canonical);
    EXPECT_EQ(*ParseDiskUrl(url->Text()), *url);
  }
  const auto path = ParseDiskUrl("/dev/disk/by-id/wwn-0x5000");
  ASSERT_TRUE(path.ok());
  EXPECT_EQ(path->kind, DiskUrl::Kind::kPath);
  EXPECT_EQ(path->Text(), "/dev/disk/by-id/wwn-0x5000");
}

TEST(ParseDiskUrl, RefusesEachWrongPartByName) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"sda", "neither an iscsi:// URL nor an absolute path"},
      {"", "neither an iscsi:// URL nor an absolute path"},
      {"iscsi://", "no target after the host"},
      {"iscsi://10.0.0.9", "no target after the host"},
      {"iscsi:///iqn.a:b/1", "the host \"\" is no numeric address"},
      {"iscsi://box.lan/iqn.a:b/1", "the host \"box.lan\" is no numeric address"},
      {"iscsi://[10.0.0.9]/iqn.a:b/1", "the host \"10.0.0.9\" is no numeric address"},
      {"iscsi://@10.0.0.9/iqn.a:b/1", "the user before @ is empty"},
      {"iscsi://10.0.0.9:/iqn.a:b/1", "the port \"\" is not 1..65535"},
      {"iscsi://10.0.0.9:0/iqn.a:b/1", "the port \"0\" is not 1..65535"},
      {"iscsi://10.0.0.9:65536/iqn.a:b/1", "the port \"65536\" is not 1..65535"},
      {"iscsi://fd00::9/iqn.a:b/1", "an IPv6 address stands in brackets"},
      {"iscsi://[fd00::9/iqn.a:b/1", "the bracket of the address is open"},
      {"iscsi://[fd00::9]x/iqn.a:b/1", "text after the bracketed address"},
      {"iscsi://10.0.0.9/iqn.a:b", "no LUN after the target"},
      {"iscsi://10.0.0.9/disk/1", "the target \"disk\" is no iqn., eui. or naa. name"},
      {"iscsi://10.0.0.9/iqn.a/b/1", "the target \"iqn.a/b\" is no iqn., eui. or naa. name"},
      {"iscsi://10.0.0.9/iqn.a:b/", "the LUN \"\" is not 0..255"},
      {"iscsi://10.0.0.9/iqn.a:b/-1", "the LUN \"-1\" is not 0..255"},
      {"iscsi://10.0.0.9/iqn.a:b/256", "the LUN \"256\" is not 0..255"},
      {"iscsi://ho\nst/iqn.a:b/1", "blanks or control characters in it"},
  };
  for (const auto& [text, cause] : cases) {
    const auto url = ParseDiskUrl(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_EQ(url.error().cause, cause) << text;
    EXPECT_FALSE(url.error().remedy.empty()) << text;
  }
}

TEST(ParseDiskUrl, RefusesAnInlinePasswordAndNeverRepeatsIt) {
  for (const std::string_view text :
       {"iscsi://me:s3cret@10.0.0.9/iqn.a:b/1", "iscsi://me%s3cret@10.0.0.9/iqn.a:b/1",
        "iscsi://me:s3cret/x@10.0.0.9/iqn.a:b/1", "iscsi://me:s3cret@x@10.0.0.9/iqn.a:b/1",
        "iscsi://me:s3cret @10.0.0.9/iqn.a:b/1",
        "iscsi://10.0.0.9/iqn.a:b/1?target_user=a&target_password=s3cret"}) {
    const auto url = ParseDiskUrl(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_EQ(url.error().Text().find("s3cret"), std::string::npos) << url.error().Text();
  }
  EXPECT_EQ(ParseDiskUrl("iscsi://me:s3cret@10.0.0.9/iqn.a:b/1").error().Text(),
            "the iscsi:// URL: holds a password; write user@host and put the password alone into a "
            "file named by chap_secret_file, mode 0600");
}

TEST(ParseDiskUrl, WhatItAcceptsOfRandomTextParsesBackToItself) {
  Prng random(1);
  constexpr std::string_view kLetters = "@:/[]%.-?1a";
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = "iscsi://me@[fd00::9]:3261/iqn.2026-01.org:a/1";
    for (std::uint64_t change = random.Below(3); change < 3; ++change) {
      const std::size_t at = random.Below(text.size());
      const char letter = kLetters[random.Below(kLetters.size())];
      if (random.OneIn(2)) {
        text[at] = letter;
      } else {
        text.erase(at, random.Below(4));
        if (random.OneIn(2) || text.empty()) text.insert(text.begin(), letter);
      }
    }
    const auto url = ParseDiskUrl(text);
    if (!url) continue;
    ++accepted;
    const auto again = ParseDiskUrl(url->Text());
    ASSERT_TRUE(again.ok()) << text << " became " << url->Text();
    EXPECT_EQ(*again, *url) << text;
  }
  EXPECT_GT(accepted, 200);
}

}  // namespace
}  // namespace fencepost::config
