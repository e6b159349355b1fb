#include "fence-agents/agent/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/prng.h"
#include "base/text.h"
#include "fence-agents/agent/document.h"

namespace fencepost::agent {
namespace {

using testing::HasSubstr;

Spec TestSpec() {
  Spec spec;
  spec.name = "fence_test";
  spec.shortdesc = "Test <agent>";
  spec.longdesc = "Says \"a & b\". .Dot.";
  spec.parameters = {
      {.name = "ip",
       .help = "Address.",
       .short_option = 'a',
       .obsoletes = "ipaddr",
       .required = true},
      {.name = "ipport",
       .type = Type::kInteger,
       .help = "Port.",
       .short_option = 'u',
       .default_value = "623",
       .low = 1,
       .high = 65535},
      {.name = "method",
       .type = Type::kSelect,
       .help = "How.",
       .default_value = "onoff",
       .choices = {"onoff", "cycle"}},
      {.name = "target", .help = "Bridge.", .refused = "would hit the wrong machine"},
  };
  return BuildSpec(std::move(spec));
}

Result<Request, std::vector<Failure>> FromStdin(std::string_view text) {
  const Spec spec = TestSpec();
  const auto given = ParseStdin(spec, text);
  if (!given) return given.error();
  return CheckOptions(spec, *given);
}

Result<Request, std::vector<Failure>> FromArgv(const std::vector<std::string>& words) {
  const Spec spec = TestSpec();
  std::vector<ArgvSpan> secrets;
  const auto given = ParseArgv(spec, words, &secrets);
  if (!given) return given.error();
  return CheckOptions(spec, *given);
}

const std::string kLogin = "ip=h\npassword=p\n";

struct StdinCase {
  const char* name;
  std::string text, option, value;
};

TEST(Stdin, UnderstandsEveryFormThatHostsSend) {
  const StdinCase cases[] = {
      {"plain", "action=off\n" + kLogin, "ip", "h"},
      {"comments and blank lines", "# x\n\n  \naction=off\n" + kLogin, "ip", "h"},
      {"quotes around the whole value", "action=off\nip=\"a b\"\npassword=p", "ip", "a b"},
      {"equals signs in the value", "action=off\nip=h\npassword=a=b=c\n", "password", "a=b=c"},
      {"minus for underscore", "action=off\npower-wait=7\n" + kLogin, "power_wait", "7"},
      {"old names", "action=off\nipaddr=old\npasswd=p\n", "ip", "old"},
      {"the last one counts", "action=off\nip=a\nip=b\npassword=p\n", "ip", "b"},
      {"carriage returns", "action=off\r\nip=h\r\npassword=p\r\n", "ip", "h"},
      {"choices in any case", "action=OFF\nmethod=CYCLE\n" + kLogin, "method", "cycle"},
      {"any order", kLogin + "action=off", "ip", "h"},
      {"an empty value keeps the default", "action=off\nipport=\n" + kLogin, "ipport", "623"},
      {"what hosts add is ignored", "nodename=n1\nagent=x\naction=off\n" + kLogin, "ip", "h"},
  };
  for (const auto& c : cases) {
    const auto request = FromStdin(c.text);
    ASSERT_TRUE(request.ok()) << c.name << ": " << request.error()[0].Line("t");
    EXPECT_EQ(request->action, Action::kOff) << c.name;
    EXPECT_EQ(request->values.Text(c.option), c.value) << c.name;
    EXPECT_TRUE(request->warnings.empty()) << c.name;
  }
}

TEST(Stdin, AnUnknownNameIsWarnedAboutAndIgnored) {
  const auto request = FromStdin("acton=off\naction=status\n" + kLogin);
  ASSERT_TRUE(request.ok());
  ASSERT_EQ(request->warnings.size(), 1U);
  EXPECT_THAT(request->warnings[0], HasSubstr("'acton'"));
}

struct FaultCase {
  const char* name;
  std::string text, message;
};

TEST(Options, AFaultNamesTheOptionAndTheCause) {
  const FaultCase cases[] = {
      {"no action is no reboot", kLogin, "option action: is missing"},
      {"empty stdin is no reboot", "", "option action: is missing"},
      {"a mistyped action", "action=of\n" + kLogin, "'of' is not known"},
      {"no address", "action=off\npassword=p\n", "option ip: is missing"},
      {"no password", "action=off\nip=h\n", "option password: is missing"},
      {"a port out of range", "action=off\nipport=65536\n" + kLogin, "from 1 to 65535"},
      {"a port with letters", "action=off\nipport=6x\n" + kLogin, "option ipport"},
      {"a choice that is none", "action=off\nmethod=x\n" + kLogin, "none of: onoff, cycle"},
      {"seconds with four decimals", "action=off\ndelay=0.0001\n" + kLogin, "option delay"},
      {"negative seconds", "action=off\ndelay=-1\n" + kLogin, "option delay"},
      {"no truth value", "action=off\nquiet=maybe\n" + kLogin, "neither yes nor no"},
      {"an option that would hit another machine", "action=off\ntarget=2\n" + kLogin,
       "wrong machine"},
      {"a line without equals sign", "action=off\nhunter2\n" + kLogin, "stdin line 2"},
      {"a line without name", "=x\naction=off\n" + kLogin, "stdin line 1"},
      {"a zero byte", std::string("action=off\nip=a\0b\npassword=p\n", 27), "zero byte"},
      {"a value that is too long", "action=off\npassword=p\nip=" + std::string(kMaxValue + 1, 'a'),
       "longer than"},
      {"too much text", std::string(kMaxInput + 1, '\n'), "longer than"},
  };
  for (const auto& c : cases) {
    const auto request = FromStdin(c.text);
    ASSERT_FALSE(request.ok()) << c.name;
    const std::string line = request.error()[0].Line("fence_test");
    EXPECT_THAT(line, HasSubstr(c.message)) << c.name;
    EXPECT_THAT(line, HasSubstr("phase=options cause=bad-option")) << c.name;
    EXPECT_THAT(line, Not(HasSubstr("hunter2"))) << c.name;
  }
}

TEST(Options, MissingActionMeansRebootOnlyWithCompat) {
  const auto request = FromStdin("compat=1\n" + kLogin);
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->action, Action::kReboot);
}

TEST(Options, TheOldNameOfActionIsUnderstoodAndNotTakenForReboot) {
  const auto request = FromStdin("option=status\n" + kLogin);
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->action, Action::kStatus);
}

TEST(Options, AskingForTheDeviceNeedsNoPlug) {
  Spec spec = TestSpec();
  spec.parameters.push_back({.name = "plug", .help = "Which.", .required = true});
  for (const auto& [action, wanted] :
       std::vector<std::pair<std::string, bool>>{{"monitor", false},
                                                 {"validate-all", false},
                                                 {"status", true},
                                                 {"off", true},
                                                 {"on", true},
                                                 {"reboot", true}}) {
    const auto given = ParseStdin(spec, Cat("action=", action, "\n", kLogin));
    ASSERT_TRUE(given.ok());
    EXPECT_EQ(CheckOptions(spec, *given).ok(), !wanted) << action;
    const auto named = ParseStdin(spec, Cat("action=", action, "\nplug=b\n", kLogin));
    ASSERT_TRUE(named.ok());
    EXPECT_TRUE(CheckOptions(spec, *named).ok()) << action;
  }
}

TEST(Options, MetadataNeedsNoOtherOption) {
  EXPECT_EQ(FromStdin("action=meta-data")->action, Action::kMetadata);
  EXPECT_EQ(FromArgv({"-o", "metadata"})->action, Action::kMetadata);
  EXPECT_EQ(FromArgv({"--help"})->action, Action::kHelp);
}

TEST(Argv, UnderstandsShortLongAndBundledForms) {
  const std::vector<std::vector<std::string>> cases = {
      {"-o", "off", "-a", "h", "-p", "p"},
      {"-ooff", "-ah", "-pp"},
      {"--action=off", "--ip=h", "--password=p"},
      {"--action", "off", "--ip", "h", "--password", "p"},
      {"-qvo", "off", "-ah", "-pp"},
  };
  for (const auto& words : cases) {
    const auto request = FromArgv(words);
    ASSERT_TRUE(request.ok()) << words[0] << request.error()[0].Line("t");
    EXPECT_EQ(request->action, Action::kOff);
    EXPECT_EQ(request->values.Text("ip"), "h");
    EXPECT_EQ(request->values.Text("password"), "p");
  }
}

TEST(Argv, FaultsAreNamed) {
  EXPECT_THAT(FromArgv({"--nonsense"}).error()[0].Line("t"), HasSubstr("--nonsense"));
  EXPECT_THAT(FromArgv({"-o"}).error()[0].Line("t"), HasSubstr("needs a value"));
  EXPECT_THAT(FromArgv({"-Z"}).error()[0].Line("t"), HasSubstr("option -Z"));
  EXPECT_THAT(FromArgv({"-o", "off", "node1"}).error()[0].Line("t"), HasSubstr("argument 3"));
}

TEST(Argv, SaysWhereASecretStandsAlsoWhenSomethingElseIsWrong) {
  std::vector<ArgvSpan> secrets;
  const auto given =
      ParseArgv(TestSpec(), {"-psecret", "--passwd", "two", "--password=x", "--bad"}, &secrets);
  EXPECT_FALSE(given.ok());
  ASSERT_EQ(secrets.size(), 3U);
  EXPECT_EQ(secrets[0].word, 0U);
  EXPECT_EQ(secrets[0].offset, 2U);
  EXPECT_EQ(secrets[1].word, 2U);
  EXPECT_EQ(secrets[1].offset, 0U);
  EXPECT_EQ(secrets[2].offset, 11U);
}

// Pieces that mean something, and any byte: what comes out is checked values or named faults.
TEST(Options, AHundredThousandRandomInputsGiveValuesOrNamedFaults) {
  const std::string pieces[] = {"action",
                                "=",
                                "\n",
                                "off",
                                "ip",
                                "password",
                                "-o",
                                "--",
                                "-p",
                                "\"",
                                "#",
                                "delay",
                                "0.5",
                                "99999999999999999999",
                                "\r",
                                " ",
                                "not_after_ms",
                                "-",
                                "compat=1\n",
                                "ip=h\npassword=p\n",
                                "action=off\n"};
  const Spec spec = TestSpec();
  Prng prng(42);
  int accepted = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string text = prng.OneIn(2) ? "action=status\nip=h\npassword=p\n" : "";
    for (std::uint64_t n = prng.Below(12); n > 0; --n) {
      if (prng.OneIn(4)) {
        text += static_cast<char>(prng.Below(256));
      } else {
        text += pieces[prng.Below(std::size(pieces))];
      }
    }
    std::vector<ArgvSpan> secrets;
    const bool argv = prng.OneIn(2);
    const auto given = argv ? ParseArgv(spec, Split(text, '\n'), &secrets) : ParseStdin(spec, text);
    if (!given) {
      ASSERT_FALSE(given.error().empty());
      continue;
    }
    const auto request = CheckOptions(spec, *given);
    if (!request) {
      ASSERT_FALSE(request.error().empty());
      for (const Failure& f : request.error()) {
        ASSERT_EQ(f.Line("t").find_first_of("\n\r"), std::string::npos);
      }
      continue;
    }
    ++accepted;
    if (Switches(request->action)) {
      ASSERT_TRUE(request->values.Has("ip"));
      ASSERT_TRUE(request->action != Action::kReboot || text.find("compat") != std::string::npos);
    }
    ASSERT_LE(request->values.Time("delay"), Millis(3'600'000));
  }
  EXPECT_GT(accepted, 1000) << "the generator must also reach the end";
}

TEST(Document, MarkupInATextIsEscaped) {
  const std::string xml = Metadata(TestSpec());
  EXPECT_THAT(xml, HasSubstr("shortdesc=\"Test &lt;agent&gt;\""));
  EXPECT_THAT(xml, HasSubstr("&quot;a &amp; b&quot;"));
  EXPECT_THAT(xml, HasSubstr("name=\"ipaddr\" unique=\"0\" required=\"0\" deprecated=\"1\""));
  EXPECT_EQ(XmlEscape(std::string("\x01'", 2)), "?&apos;");
  EXPECT_THAT(ManPage(TestSpec()), HasSubstr("\n\\&.Dot."));
}

TEST(Failure, ItsLineIsReadBack) {
  const Failure f{Phase::kAuth, Cause::kBadCredentials, {"BMC h", "says\nno", ""}};
  const auto words = ParseFailureLine(f.Line("fence_x"));
  ASSERT_TRUE(words.has_value());
  EXPECT_EQ(words->phase, "auth");
  EXPECT_EQ(words->cause, "bad-credentials");
  EXPECT_EQ(words->text, "BMC h: says?no");
  for (const char* line : {"", "Failed: Unable to connect", "x: failed phase=a", "x: failed phase=",
                           "x: failed phase=A cause=b: c", "x: failed phase=a cause=: c"}) {
    EXPECT_FALSE(ParseFailureLine(line).has_value()) << line;
  }
}

TEST(Seconds, AreWholeOrHaveUpToThreeDecimals) {
  Duration d{};
  EXPECT_TRUE(ParseSeconds("2", 0, 10, &d));
  EXPECT_EQ(d, Millis(2000));
  EXPECT_TRUE(ParseSeconds("0.25", 0, 10, &d));
  EXPECT_EQ(d, Millis(250));
  EXPECT_TRUE(ParseSeconds("10", 0, 10, &d));
  for (const char* bad : {"", ".", "1.", ".5", "10.001", "1e3", "-1", "1.2345", "1.-2"}) {
    EXPECT_FALSE(ParseSeconds(bad, 0, 10, &d)) << bad;
  }
}

}  // namespace
}  // namespace fencepost::agent
