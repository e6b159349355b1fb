// The outlet tables of power distribution units, as data: where the state stands, which numbers
// mean on and off, where a command is written, and how a plug is found in it.
//
// Promise: a number that stands in no column of a family is neither on nor off.
// Errors:  none.
// Source:  PowerNet-MIB (318), TRIPPLITE (850), EATON-EPDU-MIB and EATON's managed ePDU (534),
//          Pulizzi (20677), PDU-MIB and PDU2-MIB (13742), as recorded from agents and drivers in
//          use. The on and off numbers differ from table to table.
#pragma once
#include <string>
#include <vector>

#include "fence-agents/snmp/value.h"

namespace fencepost::snmp {

// How the end of a row's name is made from a plug.
enum class Shape {
  kPlug,        // .N
  kSwitchPlug,  // .S.1.N
  kUnitPlug,    // .U.N
  kPlugZero,    // .N.0
  kOnePlug,     // .1.N
};

struct Command {
  Oid column;
  std::int64_t value = 0;
};

struct OutletFamily {
  std::string model;            // the word of the option `model`
  std::string label;            // for people
  std::vector<Oid> system_ids;  // sysObjectID, exactly
  Shape shape = Shape::kPlug;
  int state_offset = 0;    // what is added to the plug's number in the state's row
  int command_offset = 0;  // likewise in the command's row
  std::uint32_t unit = 1;  // of a plug that names none
  Oid state{};             // column
  std::int64_t state_on = 0, state_off = 0;
  Command on{}, off{};
  Oid names{};  // column; empty: plugs have no names
};

// In the order in which they are tried for one sysObjectID. A family without system_ids is the last
// resort of its agent, or only chosen by `model`.
const std::vector<OutletFamily>& ApcFamilies();
const std::vector<OutletFamily>& EatonFamilies();
const std::vector<OutletFamily>& RaritanFamilies();

// "3", "2:3" -> the row below a column; nullopt when the text is not of the family's form.
std::optional<Oid> RowOf(const OutletFamily& family, std::string_view plug, int offset);
// The plug that stands in this row; "" when the row is of another form.
std::string PlugOf(const OutletFamily& family, const Oid& column, const Oid& name, int offset);

}  // namespace fencepost::snmp
