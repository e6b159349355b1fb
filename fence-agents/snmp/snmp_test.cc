#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/text.h"
#include "fence-agents/agent/options.h"
#include "fence-agents/snmp/outlets.h"
#include "fence-agents/snmp/pdu_device.h"
#include "fence-agents/snmp/port_device.h"
#include "fence-agents/snmp/settings.h"
#include "fence-agents/snmp/specs.h"
#include "fence-agents/snmp/verdict.h"

namespace fencepost::snmp {
namespace {

using agent::Cause;
using agent::Phase;
using agent::PowerState;
using testing::HasSubstr;

constexpr MonoTime kDeadline{Millis(1000)};

struct Always : agent::SwitchPermit {
  agent::SwitchResult Check() const override { return Ok{}; }
  MonoTime NotAfter() const override { return kNever; }
};

// A device as a map from names to values; what was written is kept and put into the map.
struct Memory {
  std::map<Oid, Value> values;
  std::vector<std::string> sets;
  void Integer(const std::string& name, std::int64_t value) {
    values[*ParseOid(name)] = {Value::Kind::kInteger, value, "", {}};
  }
  void Text(const std::string& name, const std::string& text) {
    values[*ParseOid(name)] = {Value::Kind::kText, 0, text, {}};
  }
  void Id(const std::string& id) {
    values[*ParseOid("1.3.6.1.2.1.1.2.0")] = {Value::Kind::kOid, 0, "", *ParseOid(id)};
  }
};

class FakeClient : public Client {
 public:
  explicit FakeClient(Memory* memory) : memory_(memory) {}
  std::string Name() const override { return "PDU h:161"; }
  Result<Value, agent::Failure> Get(const Oid& name, MonoTime) override {
    const auto it = memory_->values.find(name);
    return it == memory_->values.end() ? Value{} : it->second;
  }
  agent::SwitchResult SetInteger(const Oid& name, std::int64_t value, MonoTime,
                                 const agent::SwitchPermit& permit) override {
    const auto may = permit.Check();
    if (!may) return may.error();
    memory_->sets.push_back(Cat(OidText(name), "=", value));
    memory_->values[name] = {Value::Kind::kInteger, value, "", {}};
    return Ok{};
  }
  Result<std::vector<Binding>, agent::Failure> Walk(const Oid& root, std::size_t limit,
                                                    MonoTime) override {
    std::vector<Binding> out;
    for (const auto& [name, value] : memory_->values) {
      if (IsBelow(root, name) && out.size() < limit) out.push_back({name, value});
    }
    return out;
  }

 private:
  Memory* memory_;
};

std::unique_ptr<agent::Device> Pdu(Memory* memory, const std::vector<OutletFamily>& families,
                                   const std::string& model = "", const std::string& in = "1") {
  return MakePduDevice(std::make_unique<FakeClient>(memory), families, model, in);
}

struct FamilyCase {
  const char* name;
  const std::vector<OutletFamily>& (*families)();
  std::string id, plug, state;
  std::int64_t on, off;
  std::string off_command, on_command;
};

const std::string kE = "1.3.6.1.4.1.";

TEST(PduDevice, EveryTableWithItsOwnNumbers) {
  const FamilyCase cases[] = {
      {"rPDU", ApcFamilies, kE + "318.1.3.4.5", "3", kE + "318.1.1.12.3.5.1.1.4.3", 1, 2,
       "318.1.1.12.3.3.1.1.4.3=2", "318.1.1.12.3.3.1.1.4.3=1"},
      {"rPDU2 counts the other way round", ApcFamilies, kE + "318.1.3.4.6", "3",
       kE + "318.1.1.26.9.2.3.1.5.3", 2, 1, "318.1.1.26.9.2.4.1.5.3=2", "318.1.1.26.9.2.4.1.5.3=1"},
      {"MasterSwitch 6", ApcFamilies, kE + "318.1.3.4.6", "3", kE + "318.1.1.4.4.2.1.3.3", 1, 2,
       "318.1.1.12.3.3.1.1.4.3=2", "318.1.1.12.3.3.1.1.4.3=1"},
      {"MasterSwitch Plus is off by 3", ApcFamilies, kE + "318.1.3.4.4", "2:3",
       kE + "318.1.1.6.7.1.1.5.2.1.3", 1, 2, "318.1.1.6.5.1.1.5.2.1.3=3",
       "318.1.1.6.5.1.1.5.2.1.3=1"},
      {"unknown APC", ApcFamilies, kE + "318.99", "3", kE + "318.1.1.4.4.2.1.3.3", 1, 2,
       "318.1.1.4.4.2.1.3.3=2", "318.1.1.4.4.2.1.3.3=1"},
      {"Tripp Lite", ApcFamilies, kE + "850.1", "3", kE + "850.10.2.3.5.1.2.1.3", 2, 1,
       "850.10.2.3.5.1.4.1.3=1", "850.10.2.3.5.1.4.1.3=2"},
      {"Eaton managed counts from 0", EatonFamilies, kE + "534.6.6.6", "3",
       kE + "534.6.6.6.1.2.2.1.3.2", 1, 0, "534.6.6.6.1.2.2.1.3.2=0", "534.6.6.6.1.2.2.1.3.2=1"},
      {"Eaton switched commands one row below", EatonFamilies, kE + "20677.1", "3",
       kE + "20677.2.6.3.3.0", 1, 2, "20677.2.6.2.4.0=2", "20677.2.6.2.4.0=1"},
      {"Eaton G3 has a column for each command", EatonFamilies, kE + "534.6.6.7", "3",
       kE + "534.6.6.7.6.6.1.2.0.3", 1, 0, "534.6.6.7.6.6.1.3.0.3=0", "534.6.6.7.6.6.1.4.0.3=0"},
      {"Raritan PX2", RaritanFamilies, kE + "13742.6", "3", kE + "13742.6.4.1.2.1.3.1.3", 7, 8,
       "13742.6.4.1.2.1.2.1.3=0", "13742.6.4.1.2.1.2.1.3=1"},
      {"Raritan PX1", RaritanFamilies, kE + "13742.4", "3", kE + "13742.4.1.2.2.1.3.3", 1, 0,
       "13742.4.1.2.2.1.3.3=0", "13742.4.1.2.2.1.3.3=1"},
  };
  for (const FamilyCase& c : cases) {
    Memory memory;
    memory.Id(c.id);
    memory.Integer(c.state, c.on);
    const auto device = Pdu(&memory, c.families());
    EXPECT_EQ(*device->Status(c.plug, kDeadline), PowerState::kOn) << c.name;
    EXPECT_TRUE(device->Switch(c.plug, PowerState::kOff, kDeadline, Always{}).ok()) << c.name;
    EXPECT_TRUE(device->Switch(c.plug, PowerState::kOn, kDeadline, Always{}).ok()) << c.name;
    EXPECT_THAT(memory.sets,
                testing::ElementsAre("." + kE + c.off_command, "." + kE + c.on_command))
        << c.name;
    memory.Integer(c.state, c.off);
    EXPECT_EQ(*device->Status(c.plug, kDeadline), PowerState::kOff) << c.name;
    EXPECT_EQ((*device->List(kDeadline))[0].state, "OFF") << c.name;
    for (const std::int64_t odd : {-1, 3, 4, 5, 6, 9, 99, 1 << 30}) {
      memory.Integer(c.state, odd);
      const auto read = device->Status(c.plug, kDeadline);
      ASSERT_FALSE(read.ok()) << c.name << " takes " << odd << " for a state";
      EXPECT_EQ(read.error().cause, Cause::kUnclear);
      EXPECT_EQ((*device->List(kDeadline))[0].state, "UNKNOWN") << c.name;
    }
  }
}

TEST(PduDevice, PlugsByNameAndThoseThatDoNotExist) {
  Memory memory;
  memory.Id(kE + "318.1.3.4.5");
  for (int n = 1; n <= 4; ++n) {
    memory.Integer(kE + "318.1.1.12.3.5.1.1.4." + std::to_string(n), 1);
    memory.Text(kE + "318.1.1.12.3.5.1.1.2." + std::to_string(n), n == 2   ? "alpha"
                                                                  : n == 3 ? "beta"
                                                                           : "both");
  }
  const auto device = Pdu(&memory, ApcFamilies());
  EXPECT_TRUE(device->Switch("beta", PowerState::kOff, kDeadline, Always{}).ok());
  EXPECT_THAT(memory.sets.back(), HasSubstr(".4.3=2"));
  for (const char* plug : {"5", "0", "-1", "gamma", "both", "1:2", "1.2", "99999999999"}) {
    const auto read = device->Status(plug, kDeadline);
    ASSERT_FALSE(read.ok()) << plug;
    EXPECT_EQ(read.error().phase, Phase::kSelect) << plug;
    EXPECT_EQ(read.error().cause, Cause::kNoSuchPlug) << plug;
  }
  const auto rows = *device->List(kDeadline);
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[1].plug + rows[1].alias + rows[1].state, "2alphaON");
}

TEST(PduDevice, RowZeroOfASwitchedEatonThatCommandsAllOutletsIsNeverWritten) {
  Memory memory;
  memory.Id(kE + "20677.1");
  memory.Integer(kE + "20677.2.6.3.0.0", 1);
  const auto device = Pdu(&memory, EatonFamilies());
  EXPECT_FALSE(device->Status("0", kDeadline).ok());
  EXPECT_FALSE(device->Switch("0", PowerState::kOff, kDeadline, Always{}).ok());
  EXPECT_TRUE(memory.sets.empty());
}

TEST(PduDevice, AUnitOfUnknownKindIsRefusedUnlessTheModelIsSaid) {
  Memory memory;
  memory.Id(kE + "9999.1");
  memory.Integer(kE + "534.6.6.6.1.2.2.1.3.0", 1);
  EXPECT_EQ(Pdu(&memory, EatonFamilies())->Status("1", kDeadline).error().phase, Phase::kSelect);
  EXPECT_TRUE(Pdu(&memory, EatonFamilies(), "managed")->Status("1", kDeadline).ok());
  EXPECT_FALSE(Pdu(&memory, EatonFamilies(), "epdu")->Status("1", kDeadline).ok());
}

TEST(PduDevice, ASwitchNumberCompletesAPlugWithoutOne) {
  Memory memory;
  memory.Id(kE + "318.1.3.4.4");
  memory.Integer(kE + "318.1.1.6.7.1.1.5.2.1.3", 1);
  EXPECT_TRUE(Pdu(&memory, ApcFamilies(), "", "2")->Status("3", kDeadline).ok());
  EXPECT_FALSE(Pdu(&memory, ApcFamilies(), "", "1")->Status("3", kDeadline).ok());
}

const std::string kIf = "1.3.6.1.2.1.2.2.1.";

TEST(InterfaceDevice, OffIsCommandedDownAndSeenDown) {
  struct Case {
    std::int64_t admin, oper;
    const char* state;
  };
  const Case cases[] = {{1, 1, "on"},  {1, 2, "on"}, {2, 2, "off"}, {2, 7, "off"},
                        {2, 6, "off"}, {2, 1, "on"}, {2, 3, ""},    {2, 4, ""},
                        {2, 5, ""},    {3, 2, ""},   {0, 2, ""},    {7, 7, ""}};
  for (const Case& c : cases) {
    Memory memory;
    memory.Integer(kIf + "7.5", c.admin);
    memory.Integer(kIf + "8.5", c.oper);
    const auto device = MakeInterfaceDevice(std::make_unique<FakeClient>(&memory));
    const auto read = device->Status("5", kDeadline);
    EXPECT_EQ(read.ok() ? std::string(agent::Name(*read)) : "", c.state)
        << c.admin << " " << c.oper;
  }
}

TEST(InterfaceDevice, APortIsFoundByNameDescriptionOrAliasIfOnlyOneBearsIt) {
  Memory memory;
  for (const char* n : {"5", "6"}) {
    memory.Integer(kIf + "7." + n, 1);
    memory.Text(kIf + "2." + n, Cat("Ethernet ", n));
    memory.Text("1.3.6.1.2.1.31.1.1.1.1." + std::string(n), Cat("eth", n));
    memory.Text("1.3.6.1.2.1.31.1.1.1.18." + std::string(n), "storage");
  }
  const auto device = MakeInterfaceDevice(std::make_unique<FakeClient>(&memory));
  EXPECT_TRUE(device->Switch("eth6", PowerState::kOff, kDeadline, Always{}).ok());
  EXPECT_TRUE(device->Switch("Ethernet 5", PowerState::kOff, kDeadline, Always{}).ok());
  EXPECT_THAT(memory.sets, testing::ElementsAre("." + kIf + "7.6=2", "." + kIf + "7.5=2"));
  EXPECT_EQ(device->Status("storage", kDeadline).error().cause, Cause::kNoSuchPlug);
  EXPECT_EQ(device->Status("eth", kDeadline).error().cause, Cause::kNoSuchPlug);
  EXPECT_EQ(device->Status("9", kDeadline).error().cause, Cause::kNoSuchPlug);
  EXPECT_EQ((*device->List(kDeadline))[0].plug, "Ethernet 5");
}

TEST(MdsDevice, ReadsAPortFromItsSlotAndNumber) {
  EXPECT_EQ(MdsRow("fc1/1"), (Oid{22, 0}));
  EXPECT_EQ(MdsRow("FC12/48"), (Oid{33, 47}));
  for (const char* bad : {"", "fc", "fc1", "fc/1", "fc1/", "fc0/1", "fc1/0", "fc1/x", "xfc1/1",
                          "fc1/1/1", "fc-1/1", "fc 1/1", "port-channel1"}) {
    EXPECT_FALSE(MdsRow(bad).has_value()) << bad;
  }
  Memory memory;
  const std::string admin = "1.3.6.1.2.1.75.1.2.2.1.1.22.3", oper = "1.3.6.1.2.1.75.1.2.2.1.2.22.3";
  memory.Integer(admin, 1);
  memory.Integer(oper, 1);
  const auto device = MakeMdsDevice(std::make_unique<FakeClient>(&memory));
  EXPECT_EQ(*device->Status("fc1/4", kDeadline), PowerState::kOn);
  EXPECT_TRUE(device->Switch("fc1/4", PowerState::kOff, kDeadline, Always{}).ok());
  EXPECT_EQ(memory.sets.back(), "." + admin + "=2");
  EXPECT_EQ(*device->Status("fc1/4", kDeadline), PowerState::kOn) << "still seen online";
  memory.Integer(oper, 4);
  EXPECT_EQ(*device->Status("fc1/4", kDeadline), PowerState::kOff);
  memory.Integer(oper, 3);
  EXPECT_FALSE(device->Status("fc1/4", kDeadline).ok());
}

TEST(Verdict, ARefusedSetDidNothingAndAnUnclearOneLeavesItOpen) {
  for (const long refused : {2, 3, 4, 6, 7, 8, 9, 10, 11, 16, 17, 18}) {
    EXPECT_FALSE(StatusFailure(refused, "PDU", true).effect_unknown) << refused;
  }
  for (const long open : {1, 5, 12, 13, 14, 15, 99}) {
    EXPECT_TRUE(StatusFailure(open, "PDU", true).effect_unknown) << open;
    EXPECT_FALSE(StatusFailure(open, "PDU", false).effect_unknown) << open;
  }
  for (const long privilege : {2, 4, 6, 16, 17}) {
    EXPECT_EQ(StatusFailure(privilege, "PDU", true).cause, Cause::kNotPermitted) << privilege;
  }
}

Result<Settings, std::string> Read(const agent::Spec& spec, const std::string& options) {
  const auto given = agent::ParseStdin(spec, "action=off\nip=h\nplug=1\n" + options);
  if (!given) return given.error()[0].error.Text();
  const auto request = agent::CheckOptions(spec, *given);
  if (!request) return request.error()[0].error.Text();
  auto settings = ParseSettings(request->values);
  if (!settings) return settings.error().error.Text();
  return std::move(*settings);
}

TEST(Settings, NoVersionWithoutItsSecretAndNoDefaultCommunity) {
  const std::string user = "snmp_version=3\nusername=u\n", pass = "password=longenough\n",
                    priv = "snmp_priv_passwd=longenough\n";
  EXPECT_FALSE(Read(ApcSpec(), "").ok());
  EXPECT_FALSE(Read(MdsSpec(), "").ok());
  EXPECT_EQ(Read(ApcSpec(), "community=c")->version, Version::k1);
  EXPECT_EQ(Read(InterfaceSpec(), "community=c")->version, Version::k2c);
  EXPECT_EQ(Read(MdsSpec(), "community=c")->version, Version::k2c);
  EXPECT_EQ(Read(MdsSpec(), "username=u\npassword=longenough")->version, Version::k3);
  EXPECT_TRUE(Read(ApcSpec(), "community_file=/x").ok()) << "a file is looked into later";
  EXPECT_EQ(Read(ApcSpec(), user)->level, Level::kNoAuth);
  EXPECT_EQ(Read(ApcSpec(), user + pass)->level, Level::kAuth);
  EXPECT_EQ(Read(ApcSpec(), user + pass + priv)->level, Level::kPriv);
  EXPECT_EQ(Read(ApcSpec(), user + pass + "snmp_sec_level=NOAUTHNOPRIV")->level, Level::kNoAuth);
  EXPECT_EQ(Read(ApcSpec(), user + pass + "snmp_auth_prot=sha-256")->auth_protocol, "SHA-256");
  for (const std::string& bad :
       {std::string("snmp_version=3\npassword=longenough"), user + priv,
        user + pass + "snmp_sec_level=authPriv", user + "password=short",
        user + pass + "snmp_auth_prot=SHA-1", user + "snmp_sec_level=authNoPriv"}) {
    EXPECT_FALSE(Read(ApcSpec(), bad).ok()) << bad;
  }
}

TEST(Names, OidsAreNumbersWithDots) {
  EXPECT_EQ(OidText(*ParseOid("1.3.6")), ".1.3.6");
  EXPECT_EQ(ParseOid(".1.3.6"), (Oid{1, 3, 6}));
  for (const char* bad : {"", ".", "1..2", "1.x", "1.4294967296", "1.-1", "1.2."}) {
    EXPECT_FALSE(ParseOid(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace fencepost::snmp
