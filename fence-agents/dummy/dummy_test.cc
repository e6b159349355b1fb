// The kit and a device together, over real files: fence_dummy is what other tests shoot with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "fence-agents/agent/run.h"
#include "fence-agents/dummy/dummy_device.h"
#include "fence-agents/dummy/table.h"

namespace fencepost::dummy {
namespace {

class QuietHost : public agent::Host {
 public:
  MonoTime Now() const override { return now; }
  void SleepUntil(MonoTime when) override { now = std::max(now, when); }
  Result<std::string, agent::Failure> ReadStdin(std::size_t) override { return in; }
  Result<std::string, agent::Failure> ReadSecretFile(const std::string&) override { return None(); }
  Result<std::string, agent::Failure> ReadCredential(const std::string&) override { return None(); }
  Result<std::string, agent::Failure> RunSecretScript(const std::string&, MonoTime) override {
    return None();
  }
  void WipeArgument(std::size_t, std::size_t) override {}
  void Out(std::string_view text) override { out += text; }
  void Err(std::string_view text) override { err += text; }
  MonoTime now{Millis(50'000)};
  std::string in, out, err;

 private:
  static agent::Failure None() { return {}; }
};

struct Dummy : testing::Test {
  Dummy() : path(testing::TempDir() + "fence_dummy_test.status") { Write("on\n"); }
  ~Dummy() override { std::filesystem::remove(path); }
  void Write(const std::string& text) const { std::ofstream(path) << text; }
  std::string Content() const {
    std::string word;
    std::ifstream(path) >> word;
    return word;
  }
  int Run(const std::string& options) {
    host.in = "status_file=" + path + "\npower_timeout=2\n" + options;
    host.out.clear();
    host.err.clear();
    return agent::RunAgent(DummySpec(), {}, MakeDummyDevice, host);
  }
  std::string path;
  QuietHost host;
};

TEST_F(Dummy, SwitchesItsFile) {
  EXPECT_EQ(Run("action=off"), 0);
  EXPECT_EQ(Content(), "off");
  EXPECT_EQ(Run("action=status"), 2);
  EXPECT_EQ(Run("action=reboot"), 0);
  EXPECT_EQ(Content(), "on");
}

TEST_F(Dummy, WhatIsNotKnownIsNeverOff) {
  std::filesystem::remove(path);
  EXPECT_EQ(Run("action=off"), 1);
  for (const char* text : {"", "of", "OFF", "off on", "unknown"}) {
    Write(text);
    EXPECT_EQ(Run("action=off"), 1) << text;
    EXPECT_EQ(Run("action=status"), 1) << text;
  }
}

TEST_F(Dummy, ASymbolicLinkIsNotFollowed) {
  const std::string target = path + ".target";
  std::ofstream(target) << "on\n";
  std::filesystem::remove(path);
  std::filesystem::create_symlink(target, path);
  EXPECT_EQ(Run("action=off"), 1);
  std::filesystem::remove(target);
}

TEST_F(Dummy, TheOtherTypesNeverGetAnOffBelieved) {
  for (const char* type : {"fail", "stuck", "none"}) {
    EXPECT_EQ(Run(std::string("action=off\ntype=") + type), 1) << type;
    EXPECT_EQ(Content(), "on") << type;
  }
}

TEST_F(Dummy, JsonIsOneObjectForSuccessFailureAndBadOptions) {
  EXPECT_EQ(Run("action=off\njson=1"), 0);
  auto said = nlohmann::json::parse(host.out);
  EXPECT_EQ(said["result"], "Success: Powered OFF");
  EXPECT_EQ(said["exit"], 0);
  EXPECT_EQ(said["steps"].size(), 4U) << "look, switch, two reads: " << host.out;
  EXPECT_EQ(said["steps"][1]["did"], "power off");

  EXPECT_EQ(Run("action=off\ntype=none\njson=1"), 1);
  said = nlohmann::json::parse(host.out);
  EXPECT_EQ(said["failure"]["phase"], "connect");
  EXPECT_EQ(said["failure"]["cause"], "unreachable");
  EXPECT_THAT(host.err, testing::HasSubstr("failed phase=connect cause=unreachable"));

  EXPECT_EQ(Run("action=of\ndelay=x\njson=yes"), 1);
  said = nlohmann::json::parse(host.out);
  EXPECT_EQ(said["failure"]["cause"], "bad-option");
  EXPECT_EQ(said["failures"].size(), 2U);
  EXPECT_EQ(std::count(host.out.begin(), host.out.end(), '\n'), 1);
}

}  // namespace
}  // namespace fencepost::dummy
