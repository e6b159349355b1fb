#include "env/linux/read_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace fencepost {
namespace {

class Files : public testing::Test {
 protected:
  Files() {
    std::string pattern = testing::TempDir() + "/fencepost_files_XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~Files() override { std::filesystem::remove_all(folder_); }
  std::string Make(const std::string& name, const std::string& content, mode_t mode) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << content;
    chmod(path.c_str(), mode);
    return path;
  }
  std::string folder_;
};

TEST_F(Files, AreReadWholeUpToTheirLimitAndNotBeyond) {
  const std::string path = Make("a", "12345", 0644);
  EXPECT_EQ(*ReadSmallFile(path, 5), "12345");
  EXPECT_EQ(ReadSmallFile(path, 4).error().cause, "is longer than 4 bytes");
  EXPECT_EQ(*ReadSmallFile(Make("empty", "", 0644), 5), "");
}

TEST_F(Files, ThatCannotBeReadAreNamedWithCauseAndRemedy) {
  EXPECT_EQ(ReadSmallFile(folder_ + "/none", 5).error().Text(),
            folder_ +
                "/none: cannot open: No such file or directory; create it, or correct "
                "the path");
  EXPECT_EQ(ReadSmallFile(folder_, 5).error().cause, "is no regular file");
  const std::string fifo = folder_ + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(ReadSecretFile(fifo, 5).error().cause, "is no regular file") << "and it did not hang";
}

TEST_F(Files, SecretsThatOthersMayReadOrWriteAreRefused) {
  for (const mode_t mode : {0644U, 0640U, 0604U, 0620U, 0601U}) {
    const std::string path = Make("key", "secret", mode);
    EXPECT_FALSE(ReadSecretFile(path, 100).ok()) << std::oct << mode;
    EXPECT_FALSE(CheckSecretFile(path).ok()) << std::oct << mode;
  }
  const std::string path = Make("key", "secret", 0644);
  EXPECT_EQ(ReadSecretFile(path, 100).error().Text(),
            path + ": may be read or written by group or others (mode 0644); chmod 600 " + path);
  chmod(path.c_str(), 0600);
  EXPECT_EQ(*ReadSecretFile(path, 100), "secret");
  EXPECT_TRUE(CheckSecretFile(path).ok());
}

TEST_F(Files, SecretsAreCreatedForTheOwnerAloneAndNeverReplaced) {
  const std::string path = folder_ + "/new";
  const mode_t before = umask(0);
  const Status created = CreateSecretFile(path, "one");
  umask(before);
  ASSERT_TRUE(created.ok());
  EXPECT_EQ(*ReadSecretFile(path, 100), "one");
  EXPECT_EQ(CreateSecretFile(path, "two").error().Text(),
            path +
                ": cannot create: File exists; remove it first if it is really to be "
                "replaced");
  EXPECT_EQ(*ReadSecretFile(path, 100), "one");
  ASSERT_EQ(symlink((folder_ + "/target").c_str(), (folder_ + "/link").c_str()), 0);
  EXPECT_FALSE(CreateSecretFile(folder_ + "/link", "x").ok());
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/target"));
}

TEST_F(Files, AFileIsReplacedAsAWhole) {
  const std::string path = folder_ + "/cib.xml";
  ASSERT_TRUE(ReplaceFile(path, "a longer first one").ok());
  ASSERT_TRUE(ReplaceFile(path, "second").ok());
  EXPECT_EQ(*ReadSmallFile(path, 100), "second");
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
  const Status failed = ReplaceFile(folder_ + "/no/such/cib.xml", "x");
  EXPECT_EQ(failed.error().Text().find(folder_ + "/no/such/cib.xml.new: cannot create"), 0U);
}

TEST_F(Files, AShownFileIsReplacedAsAWhole) {
  const std::string path = folder_ + "/status";
  ASSERT_TRUE(ShowFile(path, "a longer first one").ok());
  ASSERT_TRUE(ShowFile(path, "second").ok());
  EXPECT_EQ(*ReadSmallFile(path, 100), "second");
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
  EXPECT_FALSE(ShowFile(folder_ + "/no/such/status", "x").ok());
  EXPECT_FALSE(ShowFile(folder_, "x").ok()) << "a directory";
  EXPECT_FALSE(std::filesystem::exists(folder_ + ".new"));
}

TEST(RandomBytes, AreAsManyAsAskedAndNotTheSameTwice) {
  const auto a = RandomBytes(32), b = RandomBytes(32);
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(a->size(), 32U);
  EXPECT_NE(*a, *b);
}

}  // namespace
}  // namespace fencepost
