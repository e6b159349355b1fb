#include "fence-agents/snmp/port_device.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"

namespace fencepost::snmp {
namespace {

using agent::Cause;
using agent::Failed;
using agent::Failure;
using agent::Phase;

const Oid kIfDescr = {1, 3, 6, 1, 2, 1, 2, 2, 1, 2};
const Oid kIfAdminStatus = {1, 3, 6, 1, 2, 1, 2, 2, 1, 7};
const Oid kIfOperStatus = {1, 3, 6, 1, 2, 1, 2, 2, 1, 8};
const Oid kIfName = {1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 1};
const Oid kIfAlias = {1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 18};
const Oid kFcAdminStatus = {1, 3, 6, 1, 2, 1, 75, 1, 2, 2, 1, 1};
const Oid kFcOperStatus = {1, 3, 6, 1, 2, 1, 75, 1, 2, 2, 1, 2};
constexpr std::int64_t kUp = 1, kDown = 2;
// What an interface that moves nothing may say beside "down".
constexpr std::int64_t kNotPresent = 6, kLowerLayerDown = 7, kLinkFailure = 4;
constexpr std::int64_t kMdsSlotBase = 21;

// One MIB with an administrative and an operational column of the same rows.
struct PortTable {
  Oid admin, oper;
  std::set<std::int64_t> silent;  // operational states that carry nothing
};

class PortDevice : public agent::Device {
 public:
  PortDevice(std::unique_ptr<Client> client, PortTable table)
      : client_(std::move(client)), table_(std::move(table)) {}

  agent::PowerResult Status(const std::string& plug, MonoTime deadline) override {
    const auto row = Row(plug, deadline);
    if (!row) return row.error();
    const auto admin = Read(table_.admin, *row, plug, deadline);
    if (!admin) return admin.error();
    if (*admin == kUp) return agent::PowerState::kOn;
    if (*admin != kDown) return Unclear(plug, "is commanded", *admin);
    const auto oper = Read(table_.oper, *row, plug, deadline);
    if (!oper) return oper.error();
    if (table_.silent.count(*oper) == 1) return agent::PowerState::kOff;
    if (*oper == kUp) return agent::PowerState::kOn;  // commanded down, but still passing traffic
    return Unclear(plug, "is", *oper);
  }

  agent::SwitchResult Switch(const std::string& plug, agent::PowerState wanted, MonoTime deadline,
                             const agent::SwitchPermit& permit) override {
    const auto row = Row(plug, deadline);
    if (!row) return row.error();
    return client_->SetInteger(Joined(table_.admin, *row),
                               wanted == agent::PowerState::kOn ? kUp : kDown, deadline, permit);
  }

 protected:
  static Oid Joined(Oid column, const Oid& row) {
    column.insert(column.end(), row.begin(), row.end());
    return column;
  }
  static std::string Word(std::int64_t admin) {
    return admin == kUp ? "ON" : admin == kDown ? "OFF" : "UNKNOWN";
  }
  [[nodiscard]] Failure NoSuchPort(const std::string& plug, const std::string& why) const {
    return Failed(Phase::kSelect, Cause::kNoSuchPlug, client_->Name(),
                  Cat("port '", agent::OneLine(plug), "' ", why), "see action=list for its ports");
  }
  Result<std::map<std::uint32_t, std::string>, Failure> Texts(const Oid& column,
                                                              MonoTime deadline) {
    const auto rows = client_->Walk(column, kMaxPorts, deadline);
    if (!rows) return rows.error();
    std::map<std::uint32_t, std::string> out;
    for (const Binding& b : *rows) {
      if (b.value.kind == Value::Kind::kText && b.name.size() == column.size() + 1) {
        out[b.name.back()] = b.value.text;
      }
    }
    return out;
  }
  virtual Result<Oid, Failure> Row(const std::string& plug, MonoTime deadline) = 0;

  std::unique_ptr<Client> client_;

 private:
  Result<std::int64_t, Failure> Read(const Oid& column, const Oid& row, const std::string& plug,
                                     MonoTime deadline) {
    const auto value = client_->Get(Joined(column, row), deadline);
    if (!value) return value.error();
    if (value->kind == Value::Kind::kInteger) return value->integer;
    return NoSuchPort(plug, "has no state");
  }
  [[nodiscard]] Failure Unclear(const std::string& plug, std::string_view verb,
                                std::int64_t state) const {
    return Failed(
        Phase::kVerify, Cause::kUnclear, client_->Name(),
        Cat("port ", agent::OneLine(plug), " ", verb, " ", state, ", which is neither up nor down"),
        "look at the port on the switch itself");
  }

  PortTable table_;
};

class InterfaceDevice : public PortDevice {
 public:
  explicit InterfaceDevice(std::unique_ptr<Client> client)
      : PortDevice(std::move(client),
                   {kIfAdminStatus, kIfOperStatus, {kDown, kNotPresent, kLowerLayerDown}}) {}

  Result<std::vector<agent::PlugRow>, Failure> List(MonoTime deadline) override {
    const auto descriptions = Texts(kIfDescr, deadline);
    if (!descriptions) return descriptions.error();
    const auto aliases = Texts(kIfAlias, deadline);
    if (!aliases) return aliases.error();
    const auto states = client_->Walk(kIfAdminStatus, kMaxPorts, deadline);
    if (!states) return states.error();
    std::vector<agent::PlugRow> out;
    for (const Binding& b : *states) {
      if (b.name.size() != kIfAdminStatus.size() + 1) continue;
      const std::uint32_t index = b.name.back();
      const auto description = descriptions->find(index);
      const auto alias = aliases->find(index);
      out.push_back(
          {description == descriptions->end() ? std::to_string(index) : description->second,
           alias == aliases->end() ? "" : alias->second, Word(b.value.integer)});
    }
    return out;
  }

 protected:
  Result<Oid, Failure> Row(const std::string& plug, MonoTime deadline) override {
    const auto index = ParseInt(plug, 1, INT32_MAX);
    if (index) return Oid{static_cast<std::uint32_t>(*index)};
    const auto known = found_.find(plug);
    if (known != found_.end()) return Oid{known->second};
    std::set<std::uint32_t> hits;
    for (const Oid* column : {&kIfName, &kIfDescr, &kIfAlias}) {
      const auto texts = Texts(*column, deadline);
      if (!texts) return texts.error();
      for (const auto& [at, text] : *texts) {
        if (text == plug) hits.insert(at);
      }
    }
    if (hits.empty()) return NoSuchPort(plug, "does not exist");
    if (hits.size() > 1)
      return NoSuchPort(plug, Cat("is the name of ", hits.size(), " interfaces"));
    found_[plug] = *hits.begin();
    return Oid{*hits.begin()};
  }

 private:
  std::map<std::string, std::uint32_t> found_;
};

class MdsDevice : public PortDevice {
 public:
  explicit MdsDevice(std::unique_ptr<Client> client)
      : PortDevice(std::move(client), {kFcAdminStatus, kFcOperStatus, {kDown, kLinkFailure}}) {}

  Result<std::vector<agent::PlugRow>, Failure> List(MonoTime deadline) override {
    const auto descriptions = Texts(kIfDescr, deadline);
    if (!descriptions) return descriptions.error();
    const auto aliases = Texts(kIfAlias, deadline);
    if (!aliases) return aliases.error();
    std::vector<agent::PlugRow> out;
    for (const auto& [index, name] : *descriptions) {
      const auto row = MdsRow(name);
      if (!row) continue;
      const auto state = client_->Get(Joined(kFcAdminStatus, *row), deadline);
      if (!state) return state.error();
      const auto alias = aliases->find(index);
      out.push_back({name, alias == aliases->end() ? "" : alias->second,
                     state->kind == Value::Kind::kInteger ? Word(state->integer) : "UNKNOWN"});
    }
    return out;
  }

 protected:
  Result<Oid, Failure> Row(const std::string& plug, MonoTime) override {
    const auto row = MdsRow(plug);
    if (row) return *row;
    return NoSuchPort(plug, "is not of the form fcSLOT/PORT");
  }
};

}  // namespace

std::optional<Oid> MdsRow(std::string_view port) {
  constexpr std::int64_t kMaxSlot = 64, kMaxPort = 512;
  if (port.size() < 2 || (port[0] != 'f' && port[0] != 'F') || (port[1] != 'c' && port[1] != 'C')) {
    return std::nullopt;
  }
  const auto slash = port.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto slot = ParseInt(port.substr(2, slash - 2), 1, kMaxSlot);
  const auto number = ParseInt(port.substr(slash + 1), 1, kMaxPort);
  if (!slot || !number) return std::nullopt;
  return Oid{static_cast<std::uint32_t>(*slot + kMdsSlotBase),
             static_cast<std::uint32_t>(*number - 1)};
}

std::unique_ptr<agent::Device> MakeInterfaceDevice(std::unique_ptr<Client> client) {
  return std::make_unique<InterfaceDevice>(std::move(client));
}
std::unique_ptr<agent::Device> MakeMdsDevice(std::unique_ptr<Client> client) {
  return std::make_unique<MdsDevice>(std::move(client));
}

}  // namespace fencepost::snmp
