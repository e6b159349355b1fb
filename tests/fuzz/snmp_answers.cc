// What a PDU or a switch answers by SNMP, one "OID=KIND:VALUE" a line (i integer, t text, o name):
// a plug is on or off only by an integer of the device; without one there is no state.
#include <map>

#include "base/check.h"
#include "base/text.h"
#include "fence-agents/snmp/outlets.h"
#include "fence-agents/snmp/pdu_device.h"
#include "fence-agents/snmp/port_device.h"
#include "tests/fuzz/input.h"

using namespace fencepost;

namespace {

using Answers = std::map<snmp::Oid, snmp::Value>;

class Device : public snmp::Client {
 public:
  explicit Device(const Answers& answers) : answers_(answers) {}
  std::string Name() const override { return "PDU h:161"; }
  Result<snmp::Value, agent::Failure> Get(const snmp::Oid& name, MonoTime) override {
    const auto at = answers_.find(name);
    return at == answers_.end() ? snmp::Value{} : at->second;
  }
  agent::SwitchResult SetInteger(const snmp::Oid&, std::int64_t, MonoTime,
                                 const agent::SwitchPermit& permit) override {
    return permit.Check();
  }
  Result<std::vector<snmp::Binding>, agent::Failure> Walk(const snmp::Oid& root, std::size_t limit,
                                                          MonoTime) override {
    std::vector<snmp::Binding> out;
    for (const auto& [name, value] : answers_) {
      if (out.size() < limit && snmp::IsBelow(root, name)) out.push_back({name, value});
    }
    return out;
  }

 private:
  const Answers& answers_;
};

snmp::Value ValueOf(std::string_view text) {
  snmp::Value value;
  if (text.size() < 2 || text[1] != ':') return value;
  const std::string rest(text.substr(2));
  if (text[0] == 'i') {
    value.kind = snmp::Value::Kind::kInteger;
    value.integer = ParseInt(rest, INT64_MIN, INT64_MAX).value_or(0);
  } else if (text[0] == 'o') {
    value.kind = snmp::Value::Kind::kOid;
    value.oid = snmp::ParseOid(rest).value_or(snmp::Oid{});
  } else {
    value.kind = text[0] == 't' ? snmp::Value::Kind::kText : snmp::Value::Kind::kOther;
    value.text = rest;
  }
  return value;
}

int States(const Answers& answers) {
  constexpr MonoTime kDeadline{std::chrono::seconds(1)};
  int states = 0;
  const auto look = [&](agent::Device& device, const char* plug) {
    states += device.Status(plug, kDeadline).ok() ? 1 : 0;
    static_cast<void>(device.List(kDeadline));
  };
  for (const auto* families :
       {&snmp::ApcFamilies(), &snmp::EatonFamilies(), &snmp::RaritanFamilies()}) {
    for (const char* plug : {"1", "2:3", "web"}) {
      const auto device = snmp::MakePduDevice(std::make_unique<Device>(answers), *families, "", "");
      look(*device, plug);
    }
  }
  for (const char* plug : {"1", "eth0", "fc1/3"}) {
    look(*snmp::MakeInterfaceDevice(std::make_unique<Device>(answers)), plug);
    look(*snmp::MakeMdsDevice(std::make_unique<Device>(answers)), plug);
  }
  return states;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Answers answers;
  for (const std::string& line :
       Split(std::string_view(reinterpret_cast<const char*>(data), size), '\n')) {
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    const auto name = snmp::ParseOid(line.substr(0, equals));
    if (name) answers[*name] = ValueOf(std::string_view(line).substr(equals + 1));
  }
  static_cast<void>(States(answers));
  std::erase_if(answers, [](const auto& answer) {
    return answer.second.kind == snmp::Value::Kind::kInteger;
  });
  FENCEPOST_CHECK(States(answers) == 0);
  return 0;
}
