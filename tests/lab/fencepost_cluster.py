"""Fencepost in the nodes of a lab: the adapter that configures, starts and asks the real daemons.

The configuration is what an administrator writes: fencepost.toml (profile "fast"), cib.xml, a key,
and the BMCs' passwords, the same on every node. What is done once is done by install(): mkqdisk
on the shared disk, `fencepost init` and `fencepost check` on each node. Each boot then starts the
daemons and, as an init system does, starts them again when they fail.

Promise: touches no address and no power switch; asks only `fencepost status --json`.
Time:    seconds; Timing is derived from the bounds that docs/timing.md gives for profile "fast".
Errors:  LabError with what the program said.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from cluster import Cluster, Timing
from linux import LabError, wait_for
from node import Node
from world import World

NAME = "demo"
PREFERRED_SCORE = 10
CONFIG = "/etc/fencepost/fencepost.toml"
LOGS = "/var/log/fencepost"
WATCHDOG_SOCKET = "/var/lib/fencepost/watchdog.sock"  # watchdog.py listens there
DAEMONS = ("qdiskd", "fencepostd")
HAND_OVER_LIMIT = 30.0
STATUS_LIMIT = 5.0

TOML = """\
# One file, the same on every node.
[cluster]
name = "{name}"
profile = "fast"

{nodes}
[quorum_disk]
device = "{device}"
label = "{name}"

[paths]
agent_dir = "{bin}"
boot_identity_file = "/run/fencepost-boot-id"   # namespaces share the kernel's boot_id
{watchdog}"""
WATCHDOG = """
[watchdog]
device = "/dev/watchdog"
"""
NODE = """\
[[node]]
name = "{name}"
id = {number}
address = "{address}"
score = {score}

"""
CIB = """\
<cib admin_epoch="0" epoch="1" num_updates="0">
  <configuration>
    <crm_config>
      <cluster_property_set id="options">
        <nvpair id="options-stonith" name="stonith-enabled" value="true"/>
      </cluster_property_set>
    </crm_config>
    <nodes>
{nodes}    </nodes>
    <resources>
      <group id="service">
        <primitive id="address" class="ocf" provider="heartbeat" type="IPaddr2">
          <instance_attributes id="address-params">
            <nvpair id="address-ip" name="ip" value="{address}"/>
            <nvpair id="address-mask" name="cidr_netmask" value="24"/>
            <nvpair id="address-nic" name="nic" value="eth0"/>
          </instance_attributes>
          <operations>
            <op id="address-monitor" name="monitor" interval="5s" timeout="10s"/>
          </operations>
        </primitive>
        <primitive id="application" class="ocf" provider="heartbeat" type="Dummy">
          <operations>
            <op id="application-monitor" name="monitor" interval="5s" timeout="10s"/>
          </operations>
        </primitive>
      </group>
{devices}    </resources>
    <rsc_defaults>
      <meta_attributes id="defaults">
        <nvpair id="defaults-stickiness" name="resource-stickiness" value="100"/>
      </meta_attributes>
    </rsc_defaults>
  </configuration>
</cib>
"""
DEVICE = """\
      <primitive id="fence-{node}" class="stonith" type="fence_ipmilan">
        <instance_attributes id="fence-{node}-params">
          <nvpair id="fence-{node}-hosts" name="pcmk_host_list" value="{node}"/>
          <nvpair id="fence-{node}-ip" name="ip" value="{address}"/>
          <nvpair id="fence-{node}-user" name="username" value="{user}"/>
          <nvpair id="fence-{node}-secret" name="password_file" value="{password_file}"/>
          <nvpair id="fence-{node}-wait" name="power_wait" value="0"/>
          <nvpair id="fence-{node}-look" name="stonith_status_sleep" value="0.2"/>
        </instance_attributes>
      </primitive>
"""
# What a service file says: start at boot, start again on failure, not after a clean end.
BOOT = """\
{device}ulimit -l unlimited 2>/dev/null || true # LimitMEMLOCK=infinity, where the machine allows it
keep() {{ until "$@"; do echo "$1 ended with $?; again in 0.2 s"; sleep 0.2; done; }}
{daemons}"""
START = """\
(
  exec >>{logs}/{daemon}.log 2>&1
  keep {wrapped}{program} -f --config {config} --node {node}
) &
"""


class FencepostCluster(Cluster):
    timing = Timing(whole=30.0, outcome=16.0, linger=4.6)

    def __init__(
        self, bin_dir: Path, qdiskd: Path | None = None, watchdog: Path | None = None
    ) -> None:
        """`qdiskd`: a broken one, for a negative control. `watchdog`: watchdog_preload.so."""
        self._watchdog = watchdog
        self._bin = bin_dir
        self._programs = {daemon: bin_dir / daemon for daemon in DAEMONS}
        if qdiskd:
            self._programs["qdiskd"] = qdiskd
        self._stopped: set[str] = set()
        self._preferred = ""

    # --- once ----------------------------------------------------------------------------------

    def configure(self, world: World) -> None:
        nodes = list(world.nodes.values())
        self._preferred = nodes[-1].name
        for node in nodes:
            passwords = {name: bmc.hand_password_to(node) for name, bmc in world.bmcs.items()}
            (node.etc / "fencepost.toml").write_text(self._toml(world))
            (node.etc / "cib.xml").write_text(_cib(world, passwords))
            node.boot_script = "echo nothing is installed yet\n"

    def install(self, world: World) -> str:
        """What an administrator does once; what the programs said of it."""
        nodes = list(world.nodes.values())
        world.power_on()
        said = [self._admin(nodes[0], "fencepost", "keygen")]
        for node in nodes[1:]:
            shutil.copy2(nodes[0].etc / "authkey", node.etc / "authkey")  # scp -p
        count = str(len(nodes))
        device = ["mkqdisk", "-c", world.target.url, "-l", NAME, "-y", "--nodes", count]
        said.append(self._admin(nodes[0], *device))
        said.append(self._admin(nodes[0], "fencepost", "check"))
        said += [self._admin(node, "fencepost", "init") for node in nodes]
        for node in nodes:
            node.power_off(by="lab")
            node.boot_script = self._boot(node, *DAEMONS)
        return "".join(said)

    def _toml(self, world: World) -> str:
        return TOML.format(
            name=NAME,
            device=world.target.url,
            watchdog=WATCHDOG if self._watchdog else "",
            bin=self._bin,
            nodes="".join(
                NODE.format(
                    name=node.name,
                    number=node.spec.number,
                    address=node.cluster.address,
                    score=PREFERRED_SCORE if node.name == self._preferred else 0,
                )
                for node in world.nodes.values()
            ),
        )

    def _boot(self, node: Node, *daemons: str) -> str:
        return BOOT.format(
            device=": >/dev/watchdog\n" if self._watchdog else "",
            daemons="".join(self._start(node, daemon) for daemon in daemons),
        )

    def _start(self, node: Node, daemon: str) -> str:
        watched = daemon == "fencepostd" and self._watchdog
        played = f"env LD_PRELOAD={self._watchdog} LAB_WATCHDOG={WATCHDOG_SOCKET} "
        return START.format(
            wrapped=played if watched else "",
            program=self._programs[daemon],
            daemon=daemon,
            config=CONFIG,
            node=node.name,
            logs=LOGS,
        )

    def _admin(self, node: Node, program: str, *arguments: str) -> str:
        said = node.ask(str(self._bin / program), *arguments)
        return f"{node.name}# {' '.join([program, *arguments])}\n{said}"

    # --- asked by the scenes -------------------------------------------------------------------

    def whole(self, world: World) -> bool:
        states = [self.state(node) for node in world.nodes.values()]
        return (
            all(state.get("health") == "ok" for state in states)
            and len({state["coordinator"] for state in states}) == 1
            and sum(state["coordinates"] for state in states) == 1
            and not any(_busy(state) for state in states)
        )

    def quiesced(self, node: Node) -> bool:
        state = self.state(node)
        return bool(state) and state["quiesced"] and not state["quorate"]

    def prefer(self, world: World, active_wins: bool | None) -> None:
        """The scores are fixed; what they say of a split depends on where the address is."""
        (holder,) = world.observer.so_far().holders(world.vip)
        if active_wins is None or (holder == self._preferred) == active_wins:
            return
        active = world.nodes[holder]
        self.stop(active)
        other = world.other(active).name
        wait_for(
            f"{other} takes the address over",
            lambda: world.observer.so_far().holders(world.vip) == [other],
            HAND_OVER_LIMIT,
            step=0.05,
        )
        self.start(active)

    def stop(self, node: Node) -> None:
        self._admin(node, "fencepost", "stop")
        wait_for(
            f"fencepostd of {node.name} ends",
            lambda: not any("/fencepostd " in line for line in node.processes().values()),
            HAND_OVER_LIMIT,
        )
        self._stopped.add(node.name)

    def start(self, node: Node) -> None:
        if node.name in self._stopped:
            self._stopped.remove(node.name)
            node.ask("sh", "-c", self._boot(node, "fencepostd"))

    def status(self, node: Node) -> str:
        done = node.run(str(self._bin / "fencepost"), "status", deadline=STATUS_LIMIT)
        return done.stdout + done.stderr

    def state(self, node: Node) -> dict[str, Any]:
        """`fencepost status --json`; empty while nobody answers there."""
        if not node.running:
            return {}
        try:
            done = node.run(str(self._bin / "fencepost"), "status", "--json", deadline=STATUS_LIMIT)
        except LabError:
            return {}  # it went down while we asked
        return json.loads(done.stdout) if done.stdout.startswith("{") else {}


def _busy(state: dict[str, Any]) -> bool:
    return any(resource["here"]["busy"] for resource in state["resources"] if resource["here"])


def _cib(world: World, passwords: dict[str, str]) -> str:
    return CIB.format(
        address=world.vip,
        nodes="".join(
            f'      <node id="{node.spec.number}" uname="{node.name}"/>\n'
            for node in world.nodes.values()
        ),
        devices="".join(
            DEVICE.format(
                node=name, address=bmc.address, user=bmc.user, password_file=passwords[name]
            )
            for name, bmc in world.bmcs.items()
        ),
    )
