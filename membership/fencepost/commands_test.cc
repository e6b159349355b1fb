#include "membership/fencepost/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/text.h"

namespace fencepost::command {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Outcome {
  int code;
  std::string out, err;
};

class Operator : public testing::Test {
 protected:
  Operator() {
    std::string pattern = testing::TempDir() + "/fencepost_command_XXXXXX";
    folder_ = mkdtemp(pattern.data());
    WriteConfig("");
  }
  ~Operator() override { std::filesystem::remove_all(folder_); }
  static Outcome Run(const Arguments& arguments) {
    std::ostringstream out, err;
    Io io{out, err};
    const int code = RunCommand(Commands(), arguments, io);
    return {code, out.str(), err.str()};
  }
  [[nodiscard]] std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] Outcome Check() const { return Run({"check", "--config", Path("f.toml")}); }
  void WriteConfig(const std::string& more) const {
    std::ofstream(Path("f.toml")) << "[cluster]\nname = \"shop\"\nkey = \"" << Path("key") << R"("
[[node]]
name = "alpha"
id = 1
address = "10.0.0.1"
[[node]]
name = "beta"
id = 2
address = "10.0.0.2"
[quorum_disk]
device = "iscsi://me@10.0.0.9/iqn.2026-01.org.example:quorum/1"
chap_secret_file = ")" << Path("chap")
                                  << "\"\n"
                                  << more;
  }
  void MakeSecrets() const {
    ASSERT_EQ(Run({"keygen", Path("key")}).code, kDone);
    std::ofstream(Path("chap")) << "secret";
    chmod(Path("chap").c_str(), 0600);
  }
  std::string folder_;
};

TEST_F(Operator, ChecksASoundConfigurationAndSeesItsSummary) {
  MakeSecrets();
  const Outcome done = Check();
  EXPECT_EQ(done.err, "");
  EXPECT_EQ(done.code, kDone);
  EXPECT_THAT(done.out, StartsWith("OK " + Path("f.toml") + "\ncluster   shop  "));
  EXPECT_THAT(done.out, HasSubstr("node      2 beta  10.0.0.2:5405  1 vote, score 0\n"));
  EXPECT_THAT(done.out, HasSubstr("quorum    2 of 3 votes\n"));
  EXPECT_THAT(done.out, HasSubstr("timing    profile default, all 7 inequalities hold\n"));
}

TEST_F(Operator, IsToldOfEveryFileThatIsMissing) {
  const Outcome done = Check();
  EXPECT_EQ(done.code, kFailed);
  EXPECT_EQ(done.out, "");
  EXPECT_EQ(done.err, Path("key") +
                          ": cannot open: No such file or directory; make one with \"fencepost "
                          "keygen " +
                          Path("key") + "\" on one node and copy it to all others, mode 0600\n" +
                          Path("chap") +
                          ": cannot open: No such file or directory; create it, or correct "
                          "the path\n");
}

TEST_F(Operator, IsRefusedAKeyThatOthersMayRead) {
  MakeSecrets();
  chmod(Path("key").c_str(), 0644);
  const Outcome done = Check();
  EXPECT_EQ(done.code, kFailed);
  EXPECT_EQ(done.err, Path("key") +
                          ": may be read or written by group or others (mode 0644); "
                          "chmod 600 " +
                          Path("key") + "\n");
}

TEST_F(Operator, IsRefusedAKeyOfTheWrongLength) {
  MakeSecrets();
  std::ofstream(Path("key")) << "abcd\n";
  const Outcome done = Check();
  EXPECT_EQ(done.code, kFailed);
  EXPECT_THAT(done.err, StartsWith(Path("key") + ": line 1 has 4 characters, not 64 hexadecimal "
                                                 "digits; make a key with"));
}

TEST_F(Operator, IsRefusedAChapSecretThatOthersMayRead) {
  MakeSecrets();
  chmod(Path("chap").c_str(), 0640);
  EXPECT_THAT(Check().err, StartsWith(Path("chap") + ": may be read or written by group"));
}

TEST_F(Operator, SeesEveryErrorOfTheFileAndUnsafeTimingByName) {
  MakeSecrets();
  WriteConfig("[timing]\neps = \"10ms\"\nlaese = \"1s\"\n");
  const Outcome done = Check();
  EXPECT_EQ(done.code, kFailed);
  EXPECT_THAT(done.err, HasSubstr("f.toml:15:1: timing: guard-covers-lateness does not hold"));
  EXPECT_THAT(done.err, HasSubstr("f.toml:17:1: timing.laese: unknown key; did you mean "
                                  "\"lease\"?\n"));
}

TEST_F(Operator, MakesAKeyThatOnlyTheOwnerReadsAndNeverReplacesOne) {
  const Outcome made = Run({"keygen", Path("key")});
  EXPECT_EQ(made.code, kDone) << made.err;
  struct stat info {};
  ASSERT_EQ(stat(Path("key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
  const Outcome again = Run({"keygen", Path("key")});
  EXPECT_EQ(again.code, kFailed);
  EXPECT_THAT(again.err, StartsWith(Path("key") + ": cannot create: File exists"));
  const auto text = [](const std::string& path) {
    std::stringstream content;
    content << std::ifstream(path).rdbuf();
    return content.str();
  };
  ASSERT_EQ(Run({"keygen", Path("other")}).code, kDone);
  EXPECT_NE(text(Path("key")), text(Path("other")));
  EXPECT_EQ(made.out.find(text(Path("key")).substr(70, 20)), std::string::npos) << "key shown";
}

TEST_F(Operator, SeesTheTimingOfAProfileAndOfAFile) {
  const Outcome stock = Run({"quorum", "timing", "--profile", "fast"});
  EXPECT_EQ(stock.code, kDone);
  EXPECT_THAT(stock.out, StartsWith("profile fast\n"));
  WriteConfig("[timing]\ntko = 17\n");
  const Outcome file = Run({"quorum", "timing", "--config", Path("f.toml")});
  EXPECT_EQ(file.code, kDone);
  EXPECT_THAT(file.out, StartsWith(Path("f.toml") + ", profile default\n"));
  EXPECT_THAT(file.out, HasSubstr("17.000s   12.000s    5.000s  ok"));
}

TEST_F(Operator, SeesTheTimingAsJson) {
  const Outcome done = Run({"quorum", "timing", "--profile=san", "--json"});
  ASSERT_EQ(done.code, kDone);
  const auto json = nlohmann::json::parse(done.out);
  EXPECT_EQ(json["profile"], "san");
  EXPECT_EQ(json["timing"]["lease_ms"], 33000);
  EXPECT_EQ(json["inequalities"][2]["name"], "lease-outlives-failures");
  EXPECT_EQ(json["inequalities"][2]["slack_ms"], 500);
  EXPECT_EQ(json["inequalities"][2]["holds"], true);
  EXPECT_EQ(json["failover"].size(), 4U);
}

TEST_F(Operator, IsToldOfWrongUsage) {
  struct Case {
    Arguments arguments;
    std::string_view error;
  };
  const Case cases[] = {
      {{}, "Usage: fencepost SUBCOMMAND"},
      {{"chekc"}, "fencepost: unknown subcommand chekc\nUsage:"},
      {{"quorum"}, "fencepost: unknown subcommand quorum\nUsage:"},
      {{"check", "--confg", "x"}, "fencepost: the command line: unrecognised option '--confg'"},
      {{"check", "--conf", "x"}, "fencepost: the command line: unrecognised option '--conf'"},
      {{"check", "x"}, "fencepost: the command line: too many positional options"},
      {{"keygen", "a", "b"}, "fencepost: the command line: too many positional options"},
      {{"quorum", "timing", "--profile", "quick"},
       "fencepost: profile quick: does not exist; choose one of fast default san slow-san\n"},
      {{"quorum", "timing", "--profile", "fast", "--config", "x"},
       "fencepost: the command line: --config and --profile exclude each other\n"},
  };
  for (const Case& c : cases) {
    const Outcome done = Run(c.arguments);
    EXPECT_EQ(done.code, kUsage) << c.error;
    EXPECT_THAT(done.err, StartsWith(std::string(c.error)));
    EXPECT_EQ(done.out, "") << c.error;
  }
}

TEST_F(Operator, GetsHelpThatNamesEverySubcommand) {
  const Outcome done = Run({"--help"});
  EXPECT_EQ(done.code, kDone);
  for (const Command& command : Commands()) {
    EXPECT_THAT(done.out, HasSubstr(std::string(command.name)));
    Arguments words = Split(command.name, ' ');
    words.push_back("--help");
    EXPECT_THAT(Run(words).out, StartsWith("Usage: fencepost " + std::string(command.name)));
  }
  EXPECT_THAT(Run({"--version"}).out, StartsWith("fencepost 0."));
}

class NodeOperator : public Operator {
 protected:
  NodeOperator() {
    WriteConfig(Cat("[paths]\nstate_dir = \"", Path("state"), "\"\nrun_dir = \"", Path("run"),
                    "\"\ncib = \"", Path("cib.xml"), "\"\n"));
  }
  [[nodiscard]] Outcome With(Arguments words) const {
    words.insert(words.end(), {"--config", Path("f.toml")});
    return Run(words);
  }
  void WriteCib(const std::string& beta) const {
    std::ofstream(Path("new.xml"))
        << "<cib admin_epoch=\"0\" epoch=\"3\" num_updates=\"0\" validate-with=\"pacemaker-3.9\">"
           "<configuration><crm_config/><nodes><node id=\"1\" uname=\"alpha\"/>"
           "<node id=\"2\" uname=\""
        << beta << "\"/></nodes><resources/><constraints/></configuration></cib>";
  }
};

TEST_F(NodeOperator, GivesANewNodeItsVoterStateOnce) {
  const Outcome first = With({"init"});
  EXPECT_EQ(first.err, "");
  EXPECT_EQ(first.code, kDone);
  EXPECT_THAT(first.out, HasSubstr("such a node could vote twice"));
  const Outcome again = With({"init"});
  EXPECT_EQ(again.code, kFailed);
  EXPECT_THAT(again.err, HasSubstr("holds the state 'voter' of a node that has voted"));
  std::ofstream(Path("state/fencepostd/voter")) << "rotten";
  EXPECT_EQ(With({"init"}).code, kFailed) << "a damaged state is a state";
}

TEST_F(NodeOperator, InstallsACheckedCib) {
  WriteCib("beta");
  EXPECT_THAT(With({"cib", "check", Path("new.xml")}).out, HasSubstr("version   0.3.0\n"));
  EXPECT_FALSE(std::filesystem::exists(Path("cib.xml")));
  const Outcome done = With({"cib", "load", Path("new.xml")});
  EXPECT_EQ(done.err, "");
  EXPECT_EQ(done.code, kDone);
  EXPECT_TRUE(std::filesystem::exists(Path("cib.xml")));
}

TEST_F(NodeOperator, IsWarnedOfARuleThatMayStopEverythingAndNotOfTheExample) {
  const std::string example = FENCEPOST_SOURCE_DIR "/docs/examples/ping.xml";
  const Outcome fine = With({"cib", "check", example});
  EXPECT_EQ(fine.err, "");
  EXPECT_EQ(fine.code, kDone);
  EXPECT_THAT(fine.out, testing::Not(HasSubstr("WARNING")));
  std::stringstream text;
  text << std::ifstream(example).rdbuf();
  std::string classic = text.str();
  const std::string relative = "score-attribute=\"pingd\"";
  classic.replace(classic.find(relative), relative.size(), "score=\"-INFINITY\"");
  std::ofstream(Path("classic.xml")) << classic;
  EXPECT_THAT(With({"cib", "check", Path("classic.xml")}).out,
              HasSubstr("WARNING rule ping-score of service-by-ping: where it holds on all nodes, "
                        "service runs nowhere"));
}

TEST_F(NodeOperator, AsksWhatWouldHappen) {
  const std::string example = FENCEPOST_SOURCE_DIR "/docs/examples/ping.xml";
  const auto simulate = [&](Arguments more) {
    more.insert(more.begin(), {"simulate", "--cib", example});
    return Run(more);
  };
  EXPECT_EQ(simulate({}).out,
            "start address on alpha\nstart application on alpha\nthen:\n  address on alpha\n"
            "  application on alpha\n");
  const Outcome moves = simulate({"--running", "service@alpha", "--attribute", "alpha:pingd=0",
                                  "--attribute", "beta:pingd=2000"});
  EXPECT_EQ(moves.code, kDone);
  EXPECT_THAT(moves.out,
              StartsWith("stop application on alpha: is to be stopped on alpha: beta has "
                         "the score 2000, alpha 250 (alpha: rule ping-score: pingd is 0"));
  EXPECT_THAT(moves.out, HasSubstr("then:\n  address on beta\n  application on beta\n"));
  const auto lost = nlohmann::json::parse(
      simulate({"--node", "alpha=lost", "--format", "json"}).out, nullptr, false);
  EXPECT_EQ(lost["fenced"], nlohmann::json::array({"alpha"}));
  EXPECT_EQ(lost["placement"][0]["node"], "beta");
  for (const Arguments& wrong :
       {Arguments{"--node", "gamma=lost"}, Arguments{"--node", "alpha=ill"},
        Arguments{"--attribute", "alpha"}, Arguments{"--attribute", "alpha:#id=1"},
        Arguments{"--running", "nothing@alpha"}, Arguments{"--format", "xml"}}) {
    const Outcome refused = simulate(wrong);
    EXPECT_EQ(refused.code, kUsage) << wrong[1];
    EXPECT_NE(refused.err, "") << wrong[1];
  }
  EXPECT_EQ(Run({"simulate", "--cib", Path("none.xml")}).code, kFailed);
}

TEST_F(NodeOperator, IsToldWhatIsWrongWithARequestForAnAttribute) {
  EXPECT_EQ(With({"attribute", "pingd", "--set", "1", "--delete"}).code, kUsage);
  EXPECT_EQ(With({"attribute", "pingd", "-n", "other"}).code, kUsage);
  EXPECT_EQ(With({"attribute", "--set", "1"}).code, kUsage);
  const Outcome asked = With({"attribute", "-n", "pingd", "-Q"});
  EXPECT_EQ(asked.code, kFailed);
  EXPECT_THAT(asked.err, HasSubstr("is not running"));
}

TEST_F(NodeOperator, IsRefusedACibThatDoesNotFit) {
  WriteCib("gamma");
  const Outcome done = With({"cib", "load", Path("new.xml")});
  EXPECT_EQ(done.code, kFailed);
  EXPECT_THAT(done.err, StartsWith("the CIB's node 2 (gamma): is called beta in the"));
  EXPECT_FALSE(std::filesystem::exists(Path("cib.xml")));
  EXPECT_THAT(With({"cib", "check", Path("none.xml")}).err, HasSubstr("No such file"));
}

TEST_F(NodeOperator, IsToldThatTheDaemonDoesNotRun) {
  const Outcome status = With({"status"});
  EXPECT_EQ(status.code, 2);
  EXPECT_THAT(status.err, HasSubstr("is not running: nobody answers at " + Path("run")));
  EXPECT_THAT(status.err, HasSubstr("start it with"));
  EXPECT_EQ(With({"stop"}).code, kDone);
  EXPECT_EQ(With({"cleanup", "app"}).code, kFailed);
}

}  // namespace
}  // namespace fencepost::command
