#include "fence-agents/snmp/outlets.h"

#include "base/check.h"
#include "base/text.h"

namespace fencepost::snmp {
namespace {

Oid Enterprise(std::string_view rest) {
  auto out = ParseOid(Cat("1.3.6.1.4.1.", rest));
  FENCEPOST_CHECK(out.has_value());
  return *out;
}

OutletFamily TrippLite(std::string model, std::string label, std::string_view id,
                       std::string_view column, std::string_view state, std::string_view command,
                       std::string_view names) {
  OutletFamily f;
  f.model = std::move(model);
  f.label = std::move(label);
  f.system_ids = {Enterprise(id)};
  f.shape = Shape::kOnePlug;
  f.state = Enterprise(Cat(column, state));
  f.state_on = 2;
  f.state_off = 1;
  f.on = {Enterprise(Cat(column, command)), 2};
  f.off = {Enterprise(Cat(column, command)), 1};
  f.names = Enterprise(Cat(column, names));
  return f;
}

std::vector<OutletFamily> MakeApc() {
  OutletFamily rpdu;
  rpdu.model = "rpdu";
  rpdu.label = "APC rack PDU (rPDU)";
  rpdu.system_ids = {Enterprise("318.1.3.4.5")};
  rpdu.state = Enterprise("318.1.1.12.3.5.1.1.4");
  rpdu.state_on = 1;
  rpdu.state_off = 2;
  rpdu.on = {Enterprise("318.1.1.12.3.3.1.1.4"), 1};
  rpdu.off = {Enterprise("318.1.1.12.3.3.1.1.4"), 2};
  rpdu.names = Enterprise("318.1.1.12.3.5.1.1.2");

  OutletFamily rpdu2;
  rpdu2.model = "rpdu2";
  rpdu2.label = "APC rack PDU, second generation (rPDU2)";
  rpdu2.system_ids = {Enterprise("318.1.3.4.6")};
  rpdu2.state = Enterprise("318.1.1.26.9.2.3.1.5");
  rpdu2.state_on = 2;
  rpdu2.state_off = 1;
  rpdu2.on = {Enterprise("318.1.1.26.9.2.4.1.5"), 1};
  rpdu2.off = {Enterprise("318.1.1.26.9.2.4.1.5"), 2};
  rpdu2.names = Enterprise("318.1.1.26.9.2.3.1.3");

  OutletFamily ms;
  ms.model = "masterswitch";
  ms.label = "APC MasterSwitch";
  ms.state = Enterprise("318.1.1.4.4.2.1.3");
  ms.state_on = 1;
  ms.state_off = 2;
  ms.on = {ms.state, 1};
  ms.off = {ms.state, 2};
  ms.names = Enterprise("318.1.1.4.4.2.1.4");

  OutletFamily ms6 = ms;
  ms6.model = "masterswitch6";
  ms6.label = "APC MasterSwitch, firmware 6";
  ms6.system_ids = {Enterprise("318.1.3.4.6")};
  ms6.on = rpdu.on;
  ms6.off = rpdu.off;

  OutletFamily msp;
  msp.model = "masterswitchplus";
  msp.label = "APC MasterSwitch Plus";
  msp.system_ids = {Enterprise("318.1.3.4.4")};
  msp.shape = Shape::kSwitchPlug;
  msp.state = Enterprise("318.1.1.6.7.1.1.5");
  msp.state_on = 1;
  msp.state_off = 2;
  msp.on = {Enterprise("318.1.1.6.5.1.1.5"), 1};
  msp.off = {Enterprise("318.1.1.6.5.1.1.5"), 3};
  msp.names = Enterprise("318.1.1.6.7.1.1.4");
  return {rpdu,
          rpdu2,
          ms6,
          msp,
          TrippLite("tripplite", "Tripp Lite PDU", "850.1", "850.10.2.3.5.1", ".2", ".4", ".5"),
          TrippLite("tripplitelx", "Tripp Lite PDU with WEBCARDLX", "850.1.1.1",
                    "850.1.1.3.2.3.3.1.1", ".4", ".6", ".2"),
          ms};
}

std::vector<OutletFamily> MakeEaton() {
  OutletFamily managed;
  managed.model = "managed";
  managed.label = "Eaton managed ePDU";
  managed.system_ids = {Enterprise("534.6.6.6")};
  managed.state_offset = managed.command_offset = -1;
  managed.state = Enterprise("534.6.6.6.1.2.2.1.3");
  managed.state_on = 1;
  managed.state_off = 0;
  managed.on = {managed.state, 1};
  managed.off = {managed.state, 0};

  OutletFamily switched;
  switched.model = "switched";
  switched.label = "Eaton switched ePDU";
  switched.system_ids = {Enterprise("20677.1"), Enterprise("20677.2")};
  switched.shape = Shape::kPlugZero;
  switched.command_offset = 1;  // row 1 commands all outlets at once
  switched.state = Enterprise("20677.2.6.3");
  switched.state_on = 1;
  switched.state_off = 2;
  switched.on = {Enterprise("20677.2.6.2"), 1};
  switched.off = {Enterprise("20677.2.6.2"), 2};

  OutletFamily epdu;
  epdu.model = "epdu";
  epdu.label = "Eaton ePDU G2 or G3";
  epdu.system_ids = {Enterprise("534.6.6.7")};
  epdu.shape = Shape::kUnitPlug;
  epdu.unit = 0;
  epdu.state = Enterprise("534.6.6.7.6.6.1.2");
  epdu.state_on = 1;
  epdu.state_off = 0;
  epdu.on = {Enterprise("534.6.6.7.6.6.1.4"), 0};  // the value is a delay in seconds
  epdu.off = {Enterprise("534.6.6.7.6.6.1.3"), 0};
  epdu.names = Enterprise("534.6.6.7.6.1.1.3");
  return {managed, switched, epdu};
}

std::vector<OutletFamily> MakeRaritan() {
  OutletFamily px2;
  px2.model = "px2";
  px2.label = "Raritan PX2 or PX3";
  px2.system_ids = {Enterprise("13742.6")};
  px2.shape = Shape::kUnitPlug;
  px2.state = Enterprise("13742.6.4.1.2.1.3");
  px2.state_on = 7;
  px2.state_off = 8;
  px2.on = {Enterprise("13742.6.4.1.2.1.2"), 1};
  px2.off = {Enterprise("13742.6.4.1.2.1.2"), 0};
  px2.names = Enterprise("13742.6.3.5.3.1.3");

  OutletFamily px1;
  px1.model = "px1";
  px1.label = "Raritan PX, first generation";
  px1.system_ids = {Enterprise("13742.4")};
  px1.state = Enterprise("13742.4.1.2.2.1.3");
  px1.state_on = 1;
  px1.state_off = 0;
  px1.on = {px1.state, 1};
  px1.off = {px1.state, 0};
  px1.names = Enterprise("13742.4.1.2.2.1.2");
  return {px2, px1};
}

bool HasUnits(Shape shape) { return shape == Shape::kSwitchPlug || shape == Shape::kUnitPlug; }

}  // namespace

const std::vector<OutletFamily>& ApcFamilies() {
  static const std::vector<OutletFamily> all = MakeApc();
  return all;
}
const std::vector<OutletFamily>& EatonFamilies() {
  static const std::vector<OutletFamily> all = MakeEaton();
  return all;
}
const std::vector<OutletFamily>& RaritanFamilies() {
  static const std::vector<OutletFamily> all = MakeRaritan();
  return all;
}

std::optional<Oid> RowOf(const OutletFamily& family, std::string_view plug, int offset) {
  constexpr std::int64_t kMaxIndex = 100'000;
  const auto colon = plug.find(':');
  std::int64_t unit = family.unit;
  if (colon != std::string_view::npos) {
    const auto said = ParseInt(plug.substr(0, colon), 0, kMaxIndex);
    if (!said || !HasUnits(family.shape)) return std::nullopt;
    unit = *said;
    plug.remove_prefix(colon + 1);
  }
  // From 1 on, also where the table counts from 0: row 0 or the row before the first may mean all.
  const auto number = ParseInt(plug, 1, kMaxIndex);
  if (!number || *number + offset < 0) return std::nullopt;
  const auto n = static_cast<std::uint32_t>(*number + offset);
  const auto u = static_cast<std::uint32_t>(unit);
  switch (family.shape) {
    case Shape::kPlug:
      return Oid{n};
    case Shape::kSwitchPlug:
      return Oid{u, 1, n};
    case Shape::kUnitPlug:
      return Oid{u, n};
    case Shape::kPlugZero:
      return Oid{n, 0};
    case Shape::kOnePlug:
      return Oid{1, n};
  }
  return std::nullopt;
}

std::string PlugOf(const OutletFamily& family, const Oid& column, const Oid& name, int offset) {
  if (!IsBelow(column, name)) return "";
  const Oid row(name.begin() + static_cast<std::ptrdiff_t>(column.size()), name.end());
  const auto plug = [&](std::uint32_t n) { return std::to_string(std::int64_t{n} - offset); };
  switch (family.shape) {
    case Shape::kPlug:
      return row.size() == 1 ? plug(row[0]) : "";
    case Shape::kSwitchPlug:
      return row.size() == 3 ? Cat(row[0], ":", plug(row[2])) : "";
    case Shape::kUnitPlug:
      return row.size() == 2 ? Cat(row[0], ":", plug(row[1])) : "";
    case Shape::kPlugZero:
      return row.size() == 2 ? plug(row[0]) : "";
    case Shape::kOnePlug:
      return row.size() == 2 ? plug(row[1]) : "";
  }
  return "";
}

}  // namespace fencepost::snmp
