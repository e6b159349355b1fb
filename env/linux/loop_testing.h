// For integration tests only: running a loop for a bounded time.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "env/linux/loop.h"

namespace fencepost {

// What a loaded machine may need for anything that a test waits for; reaching it is a failure.
inline constexpr Duration kTestPatience = std::chrono::seconds(20);

class LoopTest : public ::testing::Test {
 protected:
  LoopTest() : loop_(std::move(Loop::Create().value())) {}
  // Runs until something calls loop_->Stop(), which must happen within kTestPatience.
  void RunUntilStopped() {
    bool late = false;
    const TimerId limit = loop_->CallAt(loop_->Now() + kTestPatience, [&] {
      late = true;
      loop_->Stop();
    });
    loop_->Run();
    loop_->Cancel(limit);
    ASSERT_FALSE(late) << "nothing stopped the loop";
  }
  // And some turns more, so that what was ready is seen also on a machine that stalls.
  void RunFor(Duration time) {
    int turns = 20;
    std::function<void()> turn = [&] { --turns > 0 ? loop_->Post(turn) : loop_->Stop(); };
    loop_->CallAt(loop_->Now() + time, turn);
    RunUntilStopped();
  }
  std::unique_ptr<Loop> loop_;
};

// A directory of the test's own, removed with all that is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_(::testing::TempDir() + "fencepost-XXXXXX") {
    FENCEPOST_CHECK(mkdtemp(path_.data()) != nullptr);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace fencepost
