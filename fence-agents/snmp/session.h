// The real Client, by net-snmp's single-session calls, on numeric addresses.
//
// Promise: that of client.h. Nothing is read from or written to the library's configuration files.
// No
//          secret reaches another process. Version 3 finds the engine first, so that a SET is the
//          only packet of its exchange.
// Time:    the library blocks, but never past the deadline: its own limits are set from it before
// each
//          call. Looking up a name runs beside it and is left behind at the deadline.
// Errors:  "no answer" is explained by one version 3 discovery packet, which needs no secret and
//          changes nothing: closed port, silent to us, or silent altogether.
#pragma once
#include <memory>

#include "fence-agents/snmp/client.h"
#include "fence-agents/snmp/settings.h"

namespace fencepost::snmp {

// kind: "PDU", "switch".
std::unique_ptr<Client> MakeSession(Settings settings, const std::string& kind);

}  // namespace fencepost::snmp
