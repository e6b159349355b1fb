"""A rack PDU on the storage network: a real snmpd with an APC unit's tables, whose outlets feed the
nodes. Outlet n is the plug of node n and has its name.

An outlet that is switched off is Node.power_off(): when the SET is answered, nothing of the node runs.
snmpd asks pdu_relay.py, which hands every line to the lab and the lab's answers back.

Promise: the community that may write stands in files of mode 0600 only, in no argv, environment or log.
Time:    START_DEADLINE.
Errors:  LabError.
"""

from __future__ import annotations

import secrets
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from bmc import private_file
from box import Box, require_alive
from linux import LabError, wait_for
from node import Node, Witness
from snmp_device import APC, RPDU_CONTROL, RPDU_NAME, RPDU_STATE, rpdu_tables
from snmp_outlets import Outlets, answer
from switch import STORAGE, Port, Switch

PDU_HOST = 240
SNMP_PORT = 161
START_DEADLINE = 10.0
RELAY = Path(__file__).resolve().parent / "pdu_relay.py"
SYSTEM = ".1.3.6.1.4.1.318.1.3.4.5"
ON, OFF = "1", "2"
CONFIGURATION = """\
agentaddress udp:{address}:{port}
sysobjectid {system}
rwcommunity {community}
pass_persist {tables} {python} -I -S {relay} {socket}
"""


class Relays(Outlets):
    """The tables in memory; what is read of an outlet changes after the machine on it has."""

    def __init__(self, nodes: dict[str, Node], witness: Witness) -> None:
        objects, commands = rpdu_tables(len(nodes))
        objects |= {f"{RPDU_NAME}{n.spec.number}": n.name for n in nodes.values()}
        self._state: dict[str, Any] = {
            "objects": {
                name: ["integer" if isinstance(value, int) else "string", value]
                for name, value in objects.items()
            },
            "commands": commands,
        }
        self._nodes = {f"{RPDU_CONTROL}{n.spec.number}": n for n in nodes.values()}
        self._witness = witness

    def load(self) -> dict[str, Any]:
        return self._state

    def save(self, state: dict[str, Any]) -> None:
        self._state = state

    def set(self, name: str, value: str) -> str:
        node = self._nodes.get(name)
        if node is None:
            return "not-writable"
        if value not in (ON, OFF):
            return "wrong-value"
        self._witness.note("outlet", node=node.name, order="on" if value == ON else "off")
        if value == OFF:
            node.power_off(by="outlet")
        else:
            node.power_on(by="outlet")
        self._state["objects"][f"{RPDU_STATE}{node.spec.number}"][1] = int(value)
        return "DONE"


class Pdu:
    def __init__(
        self, switch: Switch, nodes: dict[str, Node], witness: Witness, directory: Path, logs: Path
    ) -> None:
        directory.mkdir(mode=0o700)
        self.box = Box(switch, Port("pdu", STORAGE, PDU_HOST))
        self._community = secrets.token_hex(8)
        self._relays = Relays(nodes, witness)
        self._log = logs / "snmpd.log"
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(directory / "relay"))
        self._server.listen()
        threading.Thread(target=self._serve, daemon=True).start()
        private_file(
            directory / "snmpd.conf",
            CONFIGURATION.format(
                address=self.box.address, port=SNMP_PORT, system=SYSTEM, community=self._community,
                tables=APC + "12", python=sys.executable, relay=RELAY, socket=directory / "relay",
            ),
        )  # fmt: skip
        self._daemon = self.box.start(
            ["snmpd", "-f", "-C", "-c", str(directory / "snmpd.conf"), "-Lo", "-I", "-ifTable,-ifXTable"],
            self._log, env={"MIBS": "", "SNMP_PERSISTENT_DIR": str(directory / "persistent")},
        )  # fmt: skip
        wait_for("the PDU", self._listens, START_DEADLINE)

    @property
    def address(self) -> str:
        return self.box.address

    def hand_community_to(self, node: Node, name: str) -> None:
        """Puts it below `node`'s /etc/fencepost."""
        private_file(node.etc / name, self._community)

    def close(self) -> None:
        self._server.close()
        self.box.close()

    def _listens(self) -> bool:
        require_alive(self._daemon, "snmpd", self._log)
        table = Path(f"/proc/{self.box.pid}/net/udp").read_text()
        return f":{SNMP_PORT:04X} " in table

    def _serve(self) -> None:
        while True:
            try:
                relay, _ = self._server.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._serve_one, args=(relay,), daemon=True).start()

    def _serve_one(self, relay: socket.socket) -> None:
        with relay, relay.makefile("rw") as lines:
            try:
                while said := answer(self._relays, lines.readline):
                    lines.write(said + "\n")
                    lines.flush()
            except (OSError, LabError) as error:
                print(f"the PDU: {error}", file=sys.stderr)
