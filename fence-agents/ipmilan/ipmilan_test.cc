#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "fence-agents/agent/options.h"
#include "fence-agents/ipmilan/table.h"
#include "fence-agents/ipmilan/verdict.h"

namespace fencepost::ipmilan {
namespace {

using agent::Cause;
using agent::Phase;
using testing::HasSubstr;

TEST(Verdict, SessionCodesNamePhaseAndCause) {
  struct Case {
    const char* name;
    int code;
    Phase phase;
    Cause cause;
  };
  const Case cases[] = {
      {"wrong password", EINVAL, Phase::kAuth, Cause::kBadCredentials},
      {"unknown user", 0x0200000D, Phase::kAuth, Cause::kBadCredentials},
      {"wrong key", 0x0200000F, Phase::kAuth, Cause::kBadCredentials},
      {"no free session", 0x02000001, Phase::kConnect, Cause::kRefused},
      {"role not allowed", 0x0200000A, Phase::kPrivilege, Cause::kNotPermitted},
      {"privilege refused by the command", 0x010000D4, Phase::kPrivilege, Cause::kNotPermitted},
      {"no common cipher suite", 0x02000011, Phase::kAuth, Cause::kRefused},
      {"nothing answers", ENOENT, Phase::kConnect, Cause::kUnreachable},
      {"the command timer ran out", 0x010000C3, Phase::kConnect, Cause::kUnreachable},
      {"our own limit", 0, Phase::kConnect, Cause::kUnreachable},
  };
  for (const Case& c : cases) {
    const auto failure = SessionFailure(c.code, "BMC h:623", "u");
    EXPECT_EQ(failure.phase, c.phase) << c.name;
    EXPECT_EQ(failure.cause, c.cause) << c.name;
    EXPECT_FALSE(failure.effect_unknown) << c.name;
  }
  EXPECT_TRUE(IsPrivilegeRefusal(0x02000009));
  EXPECT_TRUE(IsPrivilegeRefusal(0x010000D4));
  EXPECT_FALSE(IsPrivilegeRefusal(EINVAL));
  EXPECT_FALSE(IsPrivilegeRefusal(0x0200000D));
}

TEST(Verdict, ASwitchWhoseEffectIsOpenIsNeverTakenForDoneNorForRefused) {
  for (int code = 1; code < 256; ++code) {
    const auto failure = CommandFailure(static_cast<std::uint8_t>(code), "BMC", true);
    const bool refused = code == 0xC1 || code == 0xCC || code == 0xD4;
    EXPECT_EQ(failure.effect_unknown, !refused) << code;
    EXPECT_FALSE(CommandFailure(static_cast<std::uint8_t>(code), "BMC", false).effect_unknown);
  }
}

// The names of the fence-agents project's fence_ipmilan 4.12.1: a configuration made for it must
// be understood, accepted without effect, or refused by name; docs/fencing.md says which is which.
TEST(Table, KnowsEveryOptionOfTheWellKnownAgent) {
  const agent::Spec spec = IpmilanSpec();
  for (const char* name : {"action",
                           "auth",
                           "cipher",
                           "hexadecimal_kg",
                           "ip",
                           "ipaddr",
                           "ipport",
                           "lanplus",
                           "login",
                           "method",
                           "passwd",
                           "passwd_script",
                           "password",
                           "password_script",
                           "plug",
                           "port",
                           "privlvl",
                           "target",
                           "username",
                           "quiet",
                           "verbose",
                           "verbose_level",
                           "debug",
                           "debug_file",
                           "version",
                           "help",
                           "plug_separator",
                           "delay",
                           "disable_timeout",
                           "ipmitool_path",
                           "login_timeout",
                           "port_as_ip",
                           "power_timeout",
                           "power_wait",
                           "shell_timeout",
                           "stonith_status_sleep",
                           "ipmitool_timeout",
                           "retry_on",
                           "sudo",
                           "use_sudo",
                           "sudo_path"}) {
    EXPECT_NE(spec.Find(name), nullptr) << name;
  }
}

TEST(Table, DefaultsAgreeWithTheWellKnownAgent) {
  const agent::Spec spec = IpmilanSpec();
  for (const auto& [name, value] : {std::pair{"ipport", "623"},
                                    {"method", "onoff"},
                                    {"login_timeout", "5"},
                                    {"power_timeout", "20"},
                                    {"power_wait", "2"},
                                    {"shell_timeout", "3"},
                                    {"stonith_status_sleep", "1"},
                                    {"retry_on", "1"},
                                    {"delay", "0"}}) {
    EXPECT_EQ(spec.Find(name)->default_value, value) << name;
  }
}

TEST(Table, CipherSuitesThatProveNothingAndBridgingAreRefused) {
  const agent::Spec spec = IpmilanSpec();
  for (const char* bad : {"cipher=0", "cipher=1", "cipher=17", "target=0x20"}) {
    const auto given = agent::ParseStdin(spec, std::string("action=off\nip=h\npassword=p\n") + bad);
    ASSERT_TRUE(given.ok());
    EXPECT_FALSE(agent::CheckOptions(spec, *given).ok()) << bad;
  }
}

}  // namespace
}  // namespace fencepost::ipmilan
