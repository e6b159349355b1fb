// The stonith command over a fake agent runner: its switches, its codes, its secrets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "base/prng.h"
#include "base/text.h"
#include "stonith/arguments.h"
#include "stonith/command.h"
#include "stonith/metadata.h"

namespace fencepost::stonith {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kMetadata =
    "<?xml version=\"1.0\"?><resource-agent name=\"fence_x\" shortdesc=\"A &amp; B\"><longdesc>L"
    "</longdesc><vendor-url/><parameters>"
    "<parameter name=\"action\"><shortdesc>a</shortdesc></parameter>"
    "<parameter name=\"ip\"><shortdesc>Where</shortdesc></parameter>"
    "<parameter name=\"ipaddr\" deprecated=\"1\"/>"
    "<parameter name=\"passwd\"/><parameter name=\"plug\"/><parameter name=\"not_after_ms\"/>"
    "</parameters></resource-agent>";

class FakeRunner : public CommandHost {
 public:
  MonoTime Now() const override { return now; }
  void SleepUntil(MonoTime when) override { now = std::max(now, when); }
  std::vector<std::string> Agents() override { return {"fence_a", "fence_x"}; }
  ProcessEnd Run(const std::string& agent, const std::string& text, MonoTime kill_at) override {
    EXPECT_GT(kill_at, now);
    ProcessEnd end;
    end.started = agent == "fence_x";
    end.exit_code = 0;
    if (!end.started) return end;
    if (text == "action=metadata\n") {
      end.output = kMetadata;
      return end;
    }
    runs.push_back(text);
    now += Millis(1000);
    if (ends.empty()) {
      ADD_FAILURE() << "unexpected run: " << text;
      return end;
    }
    ProcessEnd scripted = ends.front();
    ends.pop_front();
    scripted.started = true;
    return scripted;
  }
  std::vector<std::string> Plugins() override { return {"external/p", "rhcs/y"}; }
  ProcessEnd RunPlugin(const PluginCall& call, MonoTime kill_at) override {
    EXPECT_GT(kill_at, now);
    std::string said = call.name;
    for (const std::string& word : call.words) said += " " + word;
    for (const auto& [name, value] : call.variables) said += Cat(" ", name, "=", value);
    ProcessEnd end;
    end.started = call.name == "p";
    end.errors = end.started ? "" : "external/q: there is no such plugin";
    end.exit_code = 0;
    const std::map<std::string, std::string> known = {
        {"getconfignames", "hostlist\nuserid passwd\n"},
        {"getinfo-devid", "A & B\n"},
        {"getinfo-devdescr", "long"},
        {"getinfo-devurl", "http://x"},
        {"getinfo-xml", plugin_xml},
        {"gethosts", hosts}};
    const auto answer = known.find(call.words.at(0));
    if (answer != known.end()) {
      end.output = answer->second;
      return end;
    }
    runs.push_back(said);
    if (ends.empty()) return end;
    end.exit_code = ends.front().exit_code;
    end.killed = ends.front().killed;
    end.output = ends.front().output;
    ends.pop_front();
    return end;
  }
  Result<std::string> ReadValues(const std::string& path) override {
    if (path == "/values") return std::string("a,n1  admin\ttop secret");
    return Error{path, "cannot be read", ""};
  }
  std::optional<std::string> Variable(const std::string& name) override {
    const auto it = variables.find(name);
    return it == variables.end() ? std::nullopt : std::optional<std::string>(it->second);
  }
  Result<std::string> AwaitOperator(const std::string& host, MonoTime limit) override {
    EXPECT_EQ(limit - now, kMeatwareLimit);
    if (operator_says.empty()) return Error{host, "no operator has answered", ""};
    return operator_says;
  }
  bool Interrupted() const override { return interrupted; }
  void Out(std::string_view text) override { out += text; }
  void Err(std::string_view text) override { err += text; }

  void Script(int code, std::string errors = "", std::string output = "") {
    ProcessEnd end;
    end.exit_code = code;
    end.errors = std::move(errors);
    end.output = std::move(output);
    ends.push_back(end);
  }
  MonoTime now{Millis(10'000)};
  std::deque<ProcessEnd> ends;
  std::vector<std::string> runs;
  std::map<std::string, std::string> variables;
  std::string plugin_xml = "<parameters/>\n";
  std::string out, err, hosts = "n1\nn2 ", operator_says;
  bool interrupted = false;
};

int Stonith(FakeRunner& runner, const std::vector<std::string>& words) {
  std::vector<SecretPlace> secrets;
  const auto arguments = ParseArguments(words, &secrets);
  if (!arguments) {
    runner.Err(arguments.error().Text());
    return kUsage;
  }
  return RunCommand(*arguments, runner);
}

TEST(StonithArguments, FaultsNameTheWordAndEndWithOne) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{}, "-t: is missing"},
      {{"-t"}, "-t: needs a value"},
      {{"-t", "fence_x"}, "does not say what to do"},
      {{"-t", "fence_x", "n1"}, "named, but not what to do"},
      {{"-t", "fence_x", "-T", "kill", "n1"}, "bad reset type [kill]"},
      {{"-t", "fence_x", "-T", "off"}, "needs a node"},
      {{"-t", "fence_x", "-T", "off", "n1", "n2"}, "second node"},
      {{"-t", "internal/ssh", "-S"}, "internal/ssh: is not supported"},
      {{"-t", "external/../x", "-S"}, "external/../x: is not supported"},
      {{"-t", "external/", "-S"}, "is not supported"},
      {{"-t", "fence_x", "-F", "file", "ip=1", "-S"}, "come from more than one place"},
      {{"-t", "fence_x", "-p", "a", "-E", "-S"}, "come from more than one place"},
      {{"-t", "fence_x", "-c", "0", "-S"}, "bad count [0]"},
      {{"-t", "fence_x", "-c", "3", "-T", "off", "n1"}, "again and again"},
      {{"-t", "null", "-p", "a", "b", "-T", "reset", "c"}, "second node"},
      {{"-t", "external/p", "-S"}, "needs parameters"},
      {{"-t", "external/p", "-F", "/none", "-S"}, "/none: cannot be read"},
      {{"-x"}, "-x: is not known"},
      {{"--time-limit=0", "-L"}, "--time-limit"},
      {{"--force"}, "--force"},
      {std::vector<std::string>(kMaxArguments + 1, "-L"), "more than"},
  };
  for (const auto& [words, message] : cases) {
    FakeRunner runner;
    EXPECT_EQ(Stonith(runner, words), kUsage) << message;
    EXPECT_THAT(runner.err, HasSubstr(message));
    EXPECT_TRUE(runner.runs.empty());
  }
}

TEST(StonithArguments, SecretsAreFoundAlsoWhenTheRestIsWrong) {
  std::vector<SecretPlace> secrets;
  EXPECT_FALSE(
      ParseArguments({"passwd=a", "password_file=/f", "-p", "h u pw", "-x"}, &secrets).ok());
  ASSERT_EQ(secrets.size(), 2U);
  EXPECT_EQ(secrets[0].offset, 7U);
  EXPECT_EQ(secrets[1].word, 3U);
}

TEST(StonithArguments, RandomWordsGiveArgumentsOrAnError) {
  const std::string pieces[] = {"-", "t", "T", "off", "S", "=", "ip", "--", "compat", "n1", "L"};
  Prng prng(3);
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::string> words(prng.Below(6));
    for (std::string& word : words) {
      for (std::uint64_t n = prng.Below(5); n > 0; --n) {
        word += prng.OneIn(5) ? std::string(1, static_cast<char>(prng.Below(256)))
                              : pieces[prng.Below(std::size(pieces))];
      }
    }
    std::vector<SecretPlace> secrets;
    const auto arguments = ParseArguments(words, &secrets);
    if (arguments && arguments->change) {
      ASSERT_FALSE(arguments->node.empty());
    }
    for (const SecretPlace& s : secrets) {
      ASSERT_LT(s.word, words.size());
      ASSERT_LE(s.offset, words[s.word].size());
    }
  }
}

TEST(StonithCommand, ListsTypesAndNamesInTheClassicForm) {
  FakeRunner runner;
  EXPECT_EQ(Stonith(runner, {"-L"}), kOk);
  EXPECT_EQ(runner.out, "external/p\nfence_a\nfence_x\nmeatware\nrhcs/y\n");
  runner.out.clear();
  EXPECT_EQ(Stonith(runner, {"-t", "rhcs/x", "-n"}), kOk);
  EXPECT_EQ(runner.out, "ip  passwd  plug  not_after_ms  \n");
  runner.out.clear();
  EXPECT_EQ(Stonith(runner, {"-t", "fence_x", "-m"}), kOk);
  EXPECT_THAT(runner.out, HasSubstr("<shortdesc lang=\"en\">A &amp; B</shortdesc>"));
  EXPECT_EQ(Stonith(runner, {"-t", "fence_none", "-n"}), kOops);
}

TEST(StonithCommand, OffIsProvedByASecondRun) {
  FakeRunner runner;
  runner.Script(0);
  runner.Script(2);
  EXPECT_EQ(Stonith(runner, {"-t", "fence_x", "ip=h", "-T", "off", "n1"}), kOk);
  EXPECT_THAT(runner.runs,
              ElementsAre("ip=h\naction=off\nnodename=n1\nplug=n1\nnot_after_ms=70000\n",
                          "ip=h\naction=status\nnodename=n1\nplug=n1\nnot_after_ms=70000\n"));
  EXPECT_THAT(runner.err, HasSubstr("info: n1: powered off, proved by fence_x after 2.000s"));
}

TEST(StonithCommand, ResetIsOffProvedThenOn) {
  FakeRunner runner;
  runner.Script(0);
  runner.Script(2);
  runner.Script(1, "fence_x: failed phase=act cause=device-error: no\n");
  EXPECT_EQ(Stonith(runner, {"-t", "fence_x", "-T", "reset", "n1"}), kOk);
  EXPECT_EQ(runner.runs.size(), 3U);
  EXPECT_THAT(runner.err, HasSubstr("WARN: fence-on-failed"));
}

TEST(StonithCommand, CodesAreThoseOfClusterGlue) {
  struct Case {
    const char* name;
    std::vector<std::string> words;
    std::vector<std::pair<int, std::string>> ends;
    int code;
  };
  const Case cases[] = {
      {"status", {"-S"}, {{0, ""}}, kOk},
      {"status of a machine that is off", {"-S"}, {{2, ""}}, kOk},
      {"status fails", {"-S"}, {{1, "x: failed phase=auth cause=bad-credentials: no"}}, kAccess},
      {"bad option", {"-S"}, {{1, "x: failed phase=options cause=bad-option: no"}}, kInvalid},
      {"unknown name", {"x=1", "-S"}, {}, kInvalid},
      {"off fails", {"-T", "off", "n"}, {{1, "Failed"}}, kResetFailed},
      {"on after off", {"-T", "off", "n"}, {{0, ""}, {0, ""}}, kResetFailed},
      {"unknown after off", {"-T", "off", "n"}, {{0, ""}, {1, ""}}, kResetFailed},
      {"deadline", {"-T", "off", "n"}, {{1, "x: failed phase=act cause=deadline: no"}}, kTimeOut},
      {"on", {"-T", "on", "n"}, {{0, ""}}, kOk},
      {"on fails", {"-T", "on", "n"}, {{1, ""}}, kResetFailed},
      {"a node of another device", {"hostlist=a,b", "-T", "off", "n"}, {}, kBadHost},
      {"a node in capitals", {"hostlist=a,n", "-T", "on", "N"}, {{0, ""}}, kOk},
      {"a node of this device", {"hostlist=a,n", "-T", "on", "n"}, {{0, ""}}, kOk},
      {"the last of several counts", {"-S", "-T", "on", "n"}, {{1, ""}, {0, ""}}, kOk},
      {"no list", {"-l"}, {{0, ""}}, kListFailed},
      {"several times", {"-c", "2", "-S"}, {{0, ""}, {1, ""}}, kAccess},
      {"compat, several times", {"--compat", "-c2", "-T", "on", "n"}, {{0, ""}, {0, ""}}, kOk},
      {"compat", {"--compat", "n"}, {{0, ""}, {2, ""}, {0, ""}}, kOk},
  };
  for (const Case& c : cases) {
    FakeRunner runner;
    for (const auto& [code, errors] : c.ends) runner.Script(code, errors);
    std::vector<std::string> words = {"-t", "fence_x"};
    words.insert(words.end(), c.words.begin(), c.words.end());
    EXPECT_EQ(Stonith(runner, words), c.code) << c.name << ": " << runner.err;
    EXPECT_TRUE(runner.ends.empty()) << c.name;
  }
}

TEST(StonithPlugin, GetsItsParametersAsVariablesWhereverTheyComeFrom) {
  const std::vector<std::string> sources[] = {
      {"hostlist=a,n1", "userid=admin", "passwd=top secret"},
      {"-p", "a,n1 admin top secret"},
      {"-F", "/values"},
      {"-E"}};
  for (const auto& source : sources) {
    FakeRunner runner;
    runner.variables = {{"hostlist", "a,n1"},
                        {"userid", "admin"},
                        {"passwd", "top secret"},
                        {"nodename", "n1"},
                        {"LD_PRELOAD", "x"}};
    std::vector<std::string> words = {"-t", "external/p"};
    words.insert(words.end(), source.begin(), source.end());
    words.insert(words.end(), {"-T", "reset", "n1"});
    EXPECT_EQ(Stonith(runner, words), kOk) << runner.err;
    EXPECT_THAT(runner.runs,
                ElementsAre("p reset n1 hostlist=a,n1 passwd=top secret userid=admin"));
    EXPECT_THAT(runner.err, HasSubstr("reset done, says external/p"));
    EXPECT_THAT(runner.err, HasSubstr("not proved"));
    EXPECT_THAT(runner.err, Not(HasSubstr("top secret")));
  }
}

TEST(StonithPlugin, GetsWhatOnlyItsDescriptionNames) {
  const std::string xml =
      "<parameters><parameter name=\"userid\"/><parameter name=\"method\"/>"
      "<parameter name=\"9 of=them\"/></parameters>";
  const std::pair<std::string, std::string> cases[] = {
      {xml, "p status hostlist=n1 method=file userid=admin"},
      {"<parameters><", "p status hostlist=n1 userid=admin"},
      {"", "p status hostlist=n1 userid=admin"}};
  for (const auto& [description, run] : cases) {
    FakeRunner runner;
    runner.plugin_xml = description;
    runner.variables = {
        {"hostlist", "n1"}, {"userid", "admin"}, {"method", "file"}, {"other", "x"}};
    EXPECT_EQ(Stonith(runner, {"-t", "external/p", "-E", "-S"}), kOk) << runner.err;
    EXPECT_THAT(runner.runs, ElementsAre(run));
  }
  FakeRunner runner;
  runner.plugin_xml = xml;
  EXPECT_EQ(Stonith(runner, {"-t", "external/p", "hostlist=n1", "method=file", "-S"}), kOk);
  EXPECT_THAT(runner.runs, ElementsAre("p status hostlist=n1 method=file"));
  runner.out.clear();
  EXPECT_EQ(Stonith(runner, {"-t", "external/p", "-n"}), kOk);
  EXPECT_EQ(runner.out, "hostlist  userid  passwd  \n") << "-p counts on these positions";
}

TEST(StonithPlugin, CodesAreThoseOfClusterGlue) {
  struct Case {
    const char* name;
    std::vector<std::string> words;
    int exit;
    bool killed;
    int code;
  };
  const Case cases[] = {
      {"status", {"-S"}, 0, false, kOk},
      {"its own code of a status", {"-S"}, 7, false, 7},
      {"every failed reset", {"-T", "reset", "n1"}, 3, false, kResetFailed},
      {"off", {"-T", "off", "N1"}, 0, false, kOk},
      {"an on it does not know", {"-T", "on", "n1"}, 1, false, kResetFailed},
      {"a hang", {"-T", "off", "n1"}, -1, true, kTimeOut},
      {"a node of another device", {"-T", "off", "n9"}, 0, false, kBadHost},
  };
  for (const Case& c : cases) {
    FakeRunner runner;
    ProcessEnd end;
    end.exit_code = c.exit;
    end.killed = c.killed;
    runner.ends.push_back(end);
    std::vector<std::string> words = {"-t", "external/p", "hostlist=x"};
    words.insert(words.end(), c.words.begin(), c.words.end());
    EXPECT_EQ(Stonith(runner, words), c.code) << c.name;
  }
}

TEST(StonithPlugin, DescribesItself) {
  FakeRunner runner;
  EXPECT_EQ(Stonith(runner, {"-t", "external/p", "-n"}), kOk);
  EXPECT_EQ(runner.out, "hostlist  userid  passwd  \n");
  runner.out.clear();
  EXPECT_EQ(Stonith(runner, {"-t", "external/p", "-m"}), kOk);
  EXPECT_THAT(runner.out, HasSubstr("<shortdesc lang=\"en\">A &amp; B</shortdesc>\n<parameters/>"));
  runner.out.clear();
  EXPECT_EQ(Stonith(runner, {"-t", "external/p", "-h"}), kOk);
  EXPECT_THAT(runner.out, HasSubstr("For more information see http://x\n"));
  EXPECT_THAT(runner.out, HasSubstr("\tuserid\n"));
  EXPECT_EQ(Stonith(runner, {"-t", "external/q", "-n"}), kOops);
  runner.out.clear();
  EXPECT_EQ(Stonith(runner, {"-t", "external/p", "-E", "-l"}), kUsage) << "it has no parameter";
  runner.variables["hostlist"] = "n1";
  EXPECT_EQ(Stonith(runner, {"-t", "external/p", "-E", "-l"}), kOk);
  EXPECT_EQ(runner.out, "n1\nn2\n");
  runner.hosts = " ";
  EXPECT_EQ(Stonith(runner, {"-t", "external/p", "-E", "-l"}), kListFailed);
}

TEST(StonithMeatware, WaitsForAPerson) {
  FakeRunner runner;
  const std::vector<std::string> off = {"-t", "meatware", "hostlist=n1 n2", "-T", "off", "n2"};
  EXPECT_EQ(Stonith(runner, off), kTimeOut);
  EXPECT_THAT(runner.err, HasSubstr("CRIT: OPERATOR INTERVENTION REQUIRED to reset n2"));
  runner.operator_says = "confirmed off by alice (pulled both cords)";
  EXPECT_EQ(Stonith(runner, off), kOk);
  EXPECT_THAT(runner.err, HasSubstr("n2: confirmed off by alice (pulled both cords)"));
  EXPECT_EQ(Stonith(runner, {"-t", "meatware", "hostlist=n1", "-T", "on", "n1"}), kInvalid);
  EXPECT_EQ(Stonith(runner, {"-t", "meatware", "hostlist=n1", "-T", "off", "n2"}), kBadHost);
}

TEST(StonithCommand, StartsNothingMoreOnceInterrupted) {
  FakeRunner runner;
  runner.interrupted = true;
  EXPECT_EQ(Stonith(runner, {"-t", "fence_x", "-T", "off", "n1"}), kResetFailed);
  EXPECT_THAT(runner.err, HasSubstr("n1: interrupted, its power is unknown"));
  EXPECT_TRUE(runner.runs.empty());
}

TEST(StonithCommand, ListsHostsFromHostlistOrFromTheDevice) {
  FakeRunner runner;
  EXPECT_EQ(Stonith(runner, {"-t", "fence_x", "hostlist=a, b\tc", "-l"}), kOk);
  EXPECT_EQ(runner.out, "a\nb\nc\n");
  runner.out.clear();
  runner.Script(0, "", "1,alpha\n2,beta\n");
  EXPECT_EQ(Stonith(runner, {"-t", "fence_x", "-l"}), kOk);
  EXPECT_EQ(runner.out, "1\n2\n");
}

TEST(StonithCommand, APasswordIsWarnedAboutAndGoesByStdinOnly) {
  FakeRunner runner;
  runner.Script(0);
  EXPECT_EQ(Stonith(runner, {"-t", "fence_x", "passwd=hunter2", "-S"}), kOk);
  EXPECT_THAT(runner.runs.at(0), HasSubstr("passwd=hunter2\n"));
  EXPECT_THAT(runner.err, HasSubstr("WARN: a password"));
  EXPECT_THAT(runner.err + runner.out, Not(HasSubstr("hunter2")));
}

TEST(Metadata, WhatIsNoMetadataIsAnError) {
  for (const std::string bad : {"", "<", "Failed: x\n", "<a/>", "<resource-agent/>"}) {
    EXPECT_FALSE(ParseMetadata("fence_x", bad).ok()) << bad;
  }
  Prng prng(11);
  for (int i = 0; i < 20'000; ++i) {
    std::string xml = kMetadata;
    for (std::uint64_t n = 1 + prng.Below(6); n > 0; --n) {
      xml[prng.Below(xml.size())] = static_cast<char>(prng.Below(256));
    }
    const auto parsed = ParseMetadata("fence_x", xml.substr(0, prng.Below(xml.size() + 1)));
    if (parsed) {
      ASSERT_LE(parsed->parameters.size(), kMaxAgentParameters);
    }
  }
}

}  // namespace
}  // namespace fencepost::stonith
