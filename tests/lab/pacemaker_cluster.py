"""Corosync and Pacemaker in the nodes of a lab, with Fencepost's agents, stonith and pingd in place.

What is installed is what the distribution packages; what is ours is linked over it in each node's own
root. Configuration enters as a user's does: by the commands of docs/operating/pacemaker.md, which
this module reads there and runs in a node (commands_of).

Promise: touches no address and no power switch; every wait has a deadline.
Errors:  LabError with what the program said.
"""

from __future__ import annotations

import re
import secrets
import xml.etree.ElementTree as xml
from collections.abc import Iterable
from pathlib import Path

from linux import LabError, wait_for
from node import Node
from world import World

SOURCE = Path(__file__).resolve().parents[2]
DOCUMENT = SOURCE / "docs" / "operating" / "pacemaker.md"
RESOURCE_AGENT = SOURCE / "pingd" / "ocf" / "pingd"
NEEDS = ("corosync", "pacemakerd", "cibadmin", "crm_mon", "stonith_admin", "stonith")
FORMED = 90.0  # the first time, the controllers wait for each other
SETTLED = 60.0
COMMAND = 90.0  # one fence at worst

COROSYNC = """\
totem {{
  version: 2
  cluster_name: lab
  transport: knet
  crypto_cipher: aes256
  crypto_hash: sha256
  token: 1000
}}
nodelist {{
{nodes}}}
quorum {{
  provider: corosync_votequorum
  two_node: 1
  wait_for_all: 0
}}
system {{
  move_to_root_cgroup: no
}}
logging {{
  to_logfile: yes
  logfile: /var/log/fencepost/corosync.log
  to_syslog: no
  timestamp: hires
}}
"""
NODE = """\
  node {{
    ring0_addr: {address}
    nodeid: {number}
    name: {name}
  }}
"""
# What survives a power-off of the node is bound from its disk.
BOOT = """\
for state in pacemaker corosync; do
  [ -d /var/lib/fencepost/$state ] || cp -a /var/lib/$state /var/lib/fencepost/$state
  mount --bind /var/lib/fencepost/$state /var/lib/$state
done
install -d /etc/corosync
install -m 644 /etc/fencepost/corosync.conf /etc/corosync/corosync.conf
install -m 400 /etc/fencepost/corosync.authkey /etc/corosync/authkey
install -d -o hacluster -g haclient /run/crm
install -d /run/corosync
for program in {bin}/fence_* {bin}/stonith {bin}/pingd; do ln -sf $program /usr/sbin/; done
install -d /usr/lib/ocf/resource.d/fencepost
ln -sf {resource_agent} /usr/lib/ocf/resource.d/fencepost/pingd
chmod 777 /var/log/fencepost
"""
# Pacemaker that ends after it was fenced takes Corosync with it.
DAEMONS = """\
setsid corosync -f >>/var/log/fencepost/corosync.out 2>&1 </dev/null &
until corosync-cfgtool -s >/dev/null 2>&1; do sleep 0.1; done
PCMK_logfile=/var/log/fencepost/pacemaker.log PCMK_logfacility=none \\
  setsid pacemakerd -f >>/var/log/fencepost/pacemakerd.log 2>&1 </dev/null &
"""


def commands_of(name: str, document: Path = DOCUMENT) -> str:
    """The shell commands below the mark `run: NAME` in the document."""
    found = re.search(
        rf"<!-- run: {re.escape(name)} -->\n+```sh\n(.*?)\n```\n", document.read_text(), re.DOTALL
    )
    if found is None:
        raise LabError(f"{document.name} has no commands called {name}")
    return found[1]


class PacemakerCluster:
    def __init__(self, bin_dir: Path) -> None:
        self._bin = bin_dir

    def configure(self, world: World) -> None:
        """Before the first power-on."""
        key = secrets.token_bytes(256)
        nodes = "".join(
            NODE.format(address=n.cluster.address, number=n.spec.number, name=n.name)
            for n in world.nodes.values()
        )
        for node in world.nodes.values():
            (node.etc / "corosync.conf").write_text(COROSYNC.format(nodes=nodes))
            (node.etc / "corosync.authkey").write_bytes(key)
            boot = BOOT.format(bin=self._bin, resource_agent=RESOURCE_AGENT)
            node.boot_script = boot + DAEMONS

    def wait_formed(self, world: World) -> None:
        names = set(world.nodes)
        wait_for(
            f"Pacemaker on {' and '.join(sorted(names))}",
            lambda: all(self.online(node) == names for node in world.nodes.values()),
            FORMED, step=0.2,
        )  # fmt: skip

    def start_again(self, node: Node) -> None:
        """On a node where Pacemaker has ended, the node itself having lived on."""
        node.ask("sh", "-c", DAEMONS)

    def runs(self, node: Node) -> bool:
        return any(line.startswith("pacemakerd") for line in node.processes().values())

    def run(self, node: Node, name: str) -> str:
        """The document's commands of this name, as a user types them."""
        return node.ask("sh", "-e", "-c", commands_of(name), deadline=COMMAND)

    def forget(self, node: Node, *ids: str) -> None:
        """Takes resources and constraints out of the configuration, and waits until all is idle."""
        for each in ids:
            node.ask("cibadmin", "--delete", "--xpath", f"//configuration//*[@id='{each}']")
        node.ask("crm_resource", "--wait", "--timeout", "60s", deadline=COMMAND)

    # --- what Pacemaker says -------------------------------------------------------------------

    def state(self, node: Node) -> xml.Element | None:
        """crm_mon's own XML; None while it cannot be asked."""
        if not node.running:
            return None
        said = node.run("crm_mon", "--one-shot", "--output-as", "xml", "--inactive", "--fence-history")
        try:
            return xml.fromstring(said.stdout) if said.returncode == 0 else None
        except xml.ParseError:
            return None

    def online(self, node: Node) -> set[str]:
        state = self.state(node)
        found: Iterable[xml.Element] = [] if state is None else state.findall("nodes/node")
        return {
            n.get("name", "")
            for n in found
            if n.get("online") == "true" and n.get("pending") == "false"
        }

    def where(self, node: Node, resource: str) -> list[str]:
        """The nodes where `resource` is started and healthy."""
        state = self.state(node)
        if state is None:
            return []
        return [
            n.get("name", "")
            for r in state.iter("resource")
            if r.get("id") == resource and r.get("active") == "true" and r.get("failed") == "false"
            for n in r.findall("node")
        ]

    def wait_where(self, node: Node, resource: str, *names: str, within: float = SETTLED) -> None:
        wait_for(
            f"{resource} on {' and '.join(names) or 'no node'}",
            lambda: sorted(self.where(node, resource)) == sorted(names), within, step=0.1,
        )  # fmt: skip

    def history(self, node: Node, target: str) -> list[tuple[str, str]]:
        """(action, status) of what was done to `target`, the newest first."""
        told = node.ask("stonith_admin", "--history", target, "--verbose", "--output-as", "xml")
        return [
            (event.get("action", ""), event.get("status", ""))
            for event in xml.fromstring(told).iter("fence_event")
            if event.get("target") == target
        ]

    def attribute(self, node: Node, of: Node, name: str) -> str | None:
        """A transient attribute as the scheduler has it, in the CIB's status; None: not defined."""
        said = node.run("cibadmin", "--query", "--xpath",
                        f"//status//nvpair[@name='{name}']/ancestor::node_state[@uname='{of.name}']")
        if said.returncode != 0:
            return None
        for pair in xml.fromstring(said.stdout).iter("nvpair"):
            if pair.get("name") == name:
                return pair.get("value")
        return None
