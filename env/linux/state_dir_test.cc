#include "env/linux/state_dir.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>
#include <iterator>

#include "env/linux/loop_testing.h"

namespace fencepost {
namespace {

Bytes Text(std::string_view text) { return {text.begin(), text.end()}; }

class StateTest : public LoopTest {
 protected:
  std::unique_ptr<StateDirectory> Open() {
    auto store = StateDirectory::Open(*loop_, path_);
    FENCEPOST_CHECK(store.ok());
    return std::move(*store);
  }
  Status Store(StateDirectory& store, std::string_view name, Bytes value) {
    std::optional<Status> status;
    store.Store(name, std::move(value), [&](const Status& s) {
      status = s;
      loop_->Stop();
    });
    EXPECT_FALSE(status) << "done comes from the loop";
    RunUntilStopped();
    return *status;
  }
  Bytes FileOf(const std::string& name) const {
    std::ifstream in(path_ + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void Overwrite(const std::string& name, const Bytes& bytes) const {
    std::ofstream out(path_ + "/" + name, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
  }
  TemporaryDirectory directory_;
  std::string path_ = directory_ / "state";
};

TEST_F(StateTest, WhatWasStoredIsLoadedAlsoByTheNextOwnerAndNeverStoredIsNone) {
  auto store = Open();
  EXPECT_EQ(*store->Load("term"), std::nullopt);
  ASSERT_TRUE(Store(*store, "term", Text("seventeen")).ok());
  ASSERT_TRUE(Store(*store, "empty", {}).ok());
  ASSERT_TRUE(Store(*store, "term", Text("18")).ok());
  ASSERT_TRUE(Store(*store, "large", Bytes(kMaxStateValue, 7)).ok());
  store.reset();
  store = Open();
  EXPECT_EQ(*store->Load("term"), Text("18"));
  EXPECT_EQ(*store->Load("empty"), Bytes{});
  EXPECT_EQ(*store->Load("large"), Bytes(kMaxStateValue, 7));
  struct stat info {};
  ASSERT_EQ(stat((path_ + "/term").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(StateTest, ARottenShortOrMisplacedFileIsAnErrorNotNone) {
  auto store = Open();
  ASSERT_TRUE(Store(*store, "term", Text("seventeen")).ok());
  ASSERT_TRUE(Store(*store, "other", Text("seventeen")).ok());
  const Bytes good = FileOf("term");
  for (std::size_t size = 0; size < good.size(); ++size) {
    Overwrite("term", Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
    EXPECT_FALSE(store->Load("term").ok()) << "cut to " << size;
  }
  for (std::size_t i = 0; i < good.size() * 8; ++i) {
    Bytes bad = good;
    bad[i / 8] = static_cast<std::uint8_t>(bad[i / 8] ^ (1U << (i % 8)));
    Overwrite("term", bad);
    EXPECT_FALSE(store->Load("term").ok()) << "bit " << i;
  }
  Bytes longer = good;
  longer.push_back(0);
  const struct {
    const char* name;
    Bytes file;
    const char* says;
  } cases[] = {
      {"one byte more", longer, "wrong length"},
      {"larger than any state", Bytes(kMaxStateValue + 1000), "File too large"},
      {"the file of another state", FileOf("other"), "holds the state named other"},
      {"text", Text("# somebody's notes, long enough for a header"), "not a state file"},
  };
  for (const auto& c : cases) {
    Overwrite("term", c.file);
    const auto loaded = store->Load("term");
    ASSERT_FALSE(loaded.ok()) << c.name;
    EXPECT_NE(loaded.error().Text().find(c.says), std::string::npos) << loaded.error().Text();
  }
  Overwrite("term", good);
  EXPECT_EQ(*store->Load("term"), Text("seventeen"));
}

TEST_F(StateTest, AWriterKilledAtAnyInstantLeavesACompleteRecentValue) {
  constexpr int kRounds = 12;
  constexpr std::size_t kSize = 30000;  // several pages: a torn write would show
  std::uint32_t highest = 0;
  for (int round = 0; round < kRounds; ++round) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd told(ends[0]);
    UniqueFd tell(ends[1]);
    const pid_t pid = fork();
    if (pid == 0) {  // stores rising numbers, and says which ones are done
      auto loop = std::move(Loop::Create().value());
      auto opened = StateDirectory::Open(*loop, path_);
      if (!opened) _exit(1);
      std::uint32_t number = highest;
      std::function<void()> next = [&] {
        ByteWriter value;
        value.Put(++number);
        value.PadTo(kSize);
        (*opened)->Store("term", value.Take(), [&](const Status& s) {
          if (!s || write(tell.get(), &number, sizeof number) != sizeof number) _exit(2);
          next();
        });
      };
      next();
      loop->Run();
      _exit(3);
    }
    tell.Reset();
    std::uint32_t done = 0;
    for (int i = 0; i < 3 + round; ++i) {  // another instant each time
      ASSERT_EQ(read(told.get(), &done, sizeof done), static_cast<ssize_t>(sizeof done));
    }
    ASSERT_EQ(kill(pid, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    while (read(told.get(), &done, sizeof done) == sizeof done) {  // done before the kill landed
    }
    const auto loaded = Open()->Load("term");
    ASSERT_TRUE(loaded.ok()) << loaded.error().Text();
    ASSERT_TRUE(loaded->has_value());
    ASSERT_EQ((*loaded)->size(), kSize);
    highest = ByteReader(**loaded).Get<std::uint32_t>();
    EXPECT_GE(highest, done) << "a value that was reported done was lost";
    EXPECT_LE(highest, done + 1);
  }
}

TEST_F(StateTest, ALeftoverOfAnInterruptedWriteIsNoValue) {
  auto store = Open();
  Overwrite("term.new", Text("half"));
  EXPECT_EQ(*store->Load("term"), std::nullopt);
  ASSERT_TRUE(Store(*store, "term", Text("1")).ok());
  EXPECT_EQ(*store->Load("term"), Text("1"));
}

TEST_F(StateTest, TwoOwnersAndUnsafeDirectoriesAreRefused) {
  auto store = Open();
  const auto second = StateDirectory::Open(*loop_, path_);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().Text().find("another daemon is using"), std::string::npos);
  store.reset();
  ASSERT_EQ(chmod(path_.c_str(), 0770), 0);
  const auto open_to_others = StateDirectory::Open(*loop_, path_);
  ASSERT_FALSE(open_to_others.ok());
  EXPECT_NE(open_to_others.error().Text().find("another user"), std::string::npos);
  EXPECT_FALSE(StateDirectory::Open(*loop_, directory_ / "no/parent").ok());
  const std::string file = directory_ / "file";
  std::ofstream(file) << "x";
  EXPECT_FALSE(StateDirectory::Open(*loop_, file).ok());
}

TEST_F(StateTest, NamesAndSizesOutsideTheLimitsAreRefusedBothWays) {
  auto store = Open();
  for (const std::string& name :
       {std::string(), std::string("../term"), std::string("Term"), std::string("a.new"),
        std::string(kMaxStateName + 1, 'a'), std::string("a\0b", 3)}) {
    EXPECT_FALSE(store->Load(name).ok()) << name;
    EXPECT_FALSE(Store(*store, name, {}).ok()) << name;
  }
  EXPECT_FALSE(Store(*store, "term", Bytes(kMaxStateValue + 1)).ok());
  EXPECT_EQ(*store->Load("term"), std::nullopt);
}

TEST_F(StateTest, ADiskThatFailsIsReportedByDone) {
  auto store = Open();
  ASSERT_TRUE(Store(*store, "term", Text("1")).ok());
  ASSERT_EQ(mkdir((path_ + "/term.new").c_str(), 0700), 0);  // cannot be opened for writing
  const Status stored = Store(*store, "term", Text("2"));
  ASSERT_FALSE(stored.ok());
  EXPECT_NE(stored.error().Text().find("term.new"), std::string::npos);
  EXPECT_EQ(*store->Load("term"), Text("1"));
}

}  // namespace
}  // namespace fencepost
