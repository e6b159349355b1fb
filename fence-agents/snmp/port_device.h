// Ports of switches by SNMP: fencing that cuts a machine off from network or storage.
//
// Promise: that of device.h. A port is "off" only when it is both commanded down and seen down; it
// is
//          "on" when it is commanded up. Anything else (testing, absent, unknown) is a failure.
//          Names are resolved anew in every run: numbers may change when a switch restarts.
// Time, Errors: those of client.h; phase select for a port that is not there or not unique.
// Source:  IF-MIB (RFC 2863): ifAdminStatus up 1, down 2, testing 3; ifOperStatus up 1, down 2,
// ...,
//          notPresent 6, lowerLayerDown 7. FIBRE-CHANNEL-FE-MIB (RFC 2837): fcFxPortPhysAdminStatus
//          online 1, offline 2, testing 3; fcFxPortPhysOperStatus online 1, offline 2, testing 3,
//          linkFailure 4.
#pragma once
#include <memory>

#include "fence-agents/snmp/client.h"

namespace fencepost::snmp {

inline constexpr std::size_t kMaxPorts = 4096;

// plug: ifIndex, or the exact ifName, ifDescr or ifAlias of one interface.
std::unique_ptr<agent::Device> MakeInterfaceDevice(std::unique_ptr<Client> client);
// plug: fcX/Y.
std::unique_ptr<agent::Device> MakeMdsDevice(std::unique_ptr<Client> client);
// "fc1/2" -> {22, 1}: slot + 21, port - 1. nullopt for another form.
std::optional<Oid> MdsRow(std::string_view port);

}  // namespace fencepost::snmp
