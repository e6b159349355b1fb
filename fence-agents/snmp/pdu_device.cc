#include "fence-agents/snmp/pdu_device.h"

#include <map>

#include "base/text.h"

namespace fencepost::snmp {
namespace {

using agent::Cause;
using agent::Failed;
using agent::Failure;
using agent::Phase;

const Oid kSystemId = {1, 3, 6, 1, 2, 1, 1, 2, 0};

class PduDevice : public agent::Device {
 public:
  PduDevice(std::unique_ptr<Client> client, const std::vector<OutletFamily>& families,
            std::string model, std::string switch_number)
      : client_(std::move(client)),
        families_(families),
        model_(std::move(model)),
        switch_(std::move(switch_number)) {}

  agent::PowerResult Status(const std::string& plug, MonoTime deadline) override {
    const auto number = Find(plug, deadline);
    if (!number) return number.error();
    return ReadState(*number, plug, deadline);
  }

  agent::SwitchResult Switch(const std::string& plug, agent::PowerState wanted, MonoTime deadline,
                             const agent::SwitchPermit& permit) override {
    const auto number = Find(plug, deadline);
    if (!number) return number.error();
    const Command& command = wanted == agent::PowerState::kOn ? family_->on : family_->off;
    const auto row = RowOf(*family_, *number, family_->command_offset);
    if (!row) return NoSuchPlug(plug);
    return client_->SetInteger(Joined(command.column, *row), command.value, deadline, permit);
  }

  Result<std::vector<agent::PlugRow>, Failure> List(MonoTime deadline) override {
    const auto found = FindFamily(deadline);
    if (!found) return found.error();
    auto names = Names(deadline);
    if (!names) return names.error();
    const auto states = client_->Walk(family_->state, kMaxOutlets, deadline);
    if (!states) return states.error();
    std::vector<agent::PlugRow> out;
    for (const Binding& b : *states) {
      const std::string plug = PlugOf(*family_, family_->state, b.name, family_->state_offset);
      if (plug.empty() || b.value.kind != Value::Kind::kInteger) continue;
      agent::PlugRow row{plug, "", Word(b.value.integer)};
      for (const auto& [number, name] : *names) {
        if (number == plug) row.alias = name;
      }
      out.push_back(std::move(row));
    }
    return out;
  }

 private:
  using NameList = std::vector<std::pair<std::string, std::string>>;  // plug, name

  static Oid Joined(Oid column, const Oid& row) {
    column.insert(column.end(), row.begin(), row.end());
    return column;
  }

  [[nodiscard]] std::string Word(std::int64_t state) const {
    if (state == family_->state_on) return "ON";
    return state == family_->state_off ? "OFF" : "UNKNOWN";
  }

  [[nodiscard]] Failure NoSuchPlug(const std::string& plug) const {
    return Failed(Phase::kSelect, Cause::kNoSuchPlug, client_->Name(),
                  Cat("has no outlet '", agent::OneLine(plug), "' (", family_->label, ")"),
                  "see action=list for its outlets");
  }

  agent::PowerResult ReadState(const std::string& number, const std::string& plug,
                               MonoTime deadline) {
    const auto row = RowOf(*family_, number, family_->state_offset);
    if (!row) return NoSuchPlug(plug);
    const auto value = client_->Get(Joined(family_->state, *row), deadline);
    if (!value) return value.error();
    if (value->kind == Value::Kind::kNone) return NoSuchPlug(plug);
    if (value->kind == Value::Kind::kInteger && value->integer == family_->state_on) {
      return agent::PowerState::kOn;
    }
    if (value->kind == Value::Kind::kInteger && value->integer == family_->state_off) {
      return agent::PowerState::kOff;
    }
    return Failed(Phase::kVerify, Cause::kUnclear, client_->Name(),
                  value->kind == Value::Kind::kInteger
                      ? Cat("says ", value->integer, " of outlet ", agent::OneLine(plug),
                            ", which is neither on (", family_->state_on, ") nor off (",
                            family_->state_off, ")")
                      : Cat("gives no number as the state of outlet ", agent::OneLine(plug)),
                  "look at the outlet on the unit itself");
  }

  // The candidates of its sysObjectID; those without one are the last resort.
  [[nodiscard]] std::vector<const OutletFamily*> Candidates(const Oid& id) const {
    std::vector<const OutletFamily*> exact, resort;
    for (const OutletFamily& f : families_) {
      if (f.system_ids.empty()) resort.push_back(&f);
      for (const Oid& known : f.system_ids) {
        if (known == id) exact.push_back(&f);
      }
    }
    return exact.empty() ? resort : exact;
  }

  Result<Ok, Failure> FindFamily(MonoTime deadline) {
    if (family_ != nullptr) return Ok{};
    std::vector<const OutletFamily*> candidates;
    std::string said = model_;
    if (model_.empty()) {
      const auto id = client_->Get(kSystemId, deadline);
      if (!id) return id.error();
      candidates = Candidates(id->oid);
      said = OidText(id->oid);
    } else {
      for (const OutletFamily& f : families_) {
        if (f.model == model_) candidates.push_back(&f);
      }
    }
    for (const OutletFamily* f : candidates) {
      const auto first = client_->Walk(f->state, 1, deadline);
      if (!first) return first.error();
      if (!first->empty()) {
        family_ = f;
        return Ok{};
      }
    }
    return Failed(
        Phase::kSelect, Cause::kUnclear, client_->Name(),
        Cat("has no outlet table that this agent knows (sysObjectID or model ", said, ")"),
        "say which by model, or use another agent");
  }

  Result<NameList, Failure> Names(MonoTime deadline) {
    NameList out;
    if (family_->names.empty()) return out;
    const auto rows = client_->Walk(family_->names, kMaxOutlets, deadline);
    if (!rows) return rows.error();
    for (const Binding& b : *rows) {
      const std::string plug = PlugOf(*family_, family_->names, b.name, family_->state_offset);
      if (!plug.empty() && b.value.kind == Value::Kind::kText) out.emplace_back(plug, b.value.text);
    }
    return out;
  }

  // The plug as the table counts: a number of its form, or the one outlet of that name.
  Result<std::string, Failure> Find(const std::string& plug, MonoTime deadline) {
    const auto known = found_.find(plug);
    if (known != found_.end()) return known->second;
    const auto table = FindFamily(deadline);
    if (!table) return table.error();
    std::string number = plug;
    if (family_->shape == Shape::kSwitchPlug && plug.find(':') == std::string::npos &&
        !switch_.empty()) {
      number = Cat(switch_, ":", plug);
    }
    if (!RowOf(*family_, number, family_->state_offset)) {
      const auto names = Names(deadline);
      if (!names) return names.error();
      int hits = 0;
      for (const auto& [at, name] : *names) {
        if (name != plug) continue;
        number = at;
        ++hits;
      }
      if (hits == 0) return NoSuchPlug(plug);
      if (hits > 1) {
        return Failed(Phase::kSelect, Cause::kNoSuchPlug, client_->Name(),
                      Cat("has ", hits, " outlets of the name '", agent::OneLine(plug), "'"),
                      "name the plugs by their numbers, all of them");
      }
    }
    return found_[plug] = number;
  }

  std::unique_ptr<Client> client_;
  const std::vector<OutletFamily>& families_;
  std::string model_, switch_;
  const OutletFamily* family_ = nullptr;
  std::map<std::string, std::string> found_;
};

}  // namespace

std::unique_ptr<agent::Device> MakePduDevice(std::unique_ptr<Client> client,
                                             const std::vector<OutletFamily>& families,
                                             std::string model, std::string switch_number) {
  return std::make_unique<PduDevice>(std::move(client), families, std::move(model),
                                     std::move(switch_number));
}

}  // namespace fencepost::snmp
