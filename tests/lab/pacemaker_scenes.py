"""What pacemaker_test sees Pacemaker do with Fencepost's parts; each check begins with a whole cluster."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from linux import end_process, now_ns, wait_for
from node import Node
from pacemaker_cluster import COMMAND, PacemakerCluster
from world import World

FENCED = 60.0
MOVED = 40.0
SOON = 20.0
AGENTS = ("fence_ipmilan", "fence_apc_snmp", "fence_scsi")
FAILS_SOON = "4"  # power_timeout of the device whose BMC misbehaves, seconds


class Scene:
    def __init__(self, world: World, cluster: PacemakerCluster, lab: Path) -> None:
        self.world, self.cluster, self._lab = world, cluster, lab
        self.a, self.b = world.nodes["node-a"], world.nodes["node-b"]
        self._writers: dict[str, subprocess.Popen[bytes]] = {}

    # --- what must have happened -------------------------------------------------------------------

    def killed(self, since: int, by: str) -> list[str]:
        """The nodes that `by` powered off."""
        return [
            event.node
            for event in self.world.observer.so_far().of("power", since)
            if event.facts["order"] == "off" and event.facts["by"] == by
        ]

    def expect_history(self, *events: tuple[str, str]) -> None:
        def told() -> list[tuple[str, str]]:
            return self.cluster.history(self.a, "node-b")[: len(events)]

        wait_for(f"Pacemaker's history says {events}",
                 lambda: told() == list(events), SOON, step=0.2)

    def expect_back(self) -> None:
        self.cluster.wait_formed(self.world)

    # --- writes to the shared disk -----------------------------------------------------------------

    def start_writers(self) -> None:
        target = self.world.target
        for node in (self.a, self.b):
            with self._log(node).open("wb") as log:
                self._writers[node.name] = subprocess.Popen(
                    node.inside(sys.executable, str(self._lab / "disk_writer.py"), target.portal,
                                target.iqn, "1", node.name),
                    stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                )  # fmt: skip

    def _log(self, node: Node) -> Path:
        return node.logs / "disk_writer.log"

    def writes(self, node: Node) -> str:
        """How the disk answers `node`'s writes now."""
        return ([""] + self._log(node).read_text().splitlines())[-1]

    def wait_writes(self, node: Node, state: str, within: float = SOON) -> None:
        wait_for(f"the writes of {node.name} are {state}",
                 lambda: self.writes(node) == state, within, step=0.05)

    def end_writers(self) -> None:
        for writer in self._writers.values():
            end_process(writer)
        self._writers.clear()


def saw(text: str) -> None:
    print(f"    {text}", flush=True)


def stonith_admin(node: Node, *words: str) -> subprocess.CompletedProcess[str]:
    return node.run("stonith_admin", *words, deadline=COMMAND)


def check_pacemaker_finds_our_agents_and_their_metadata(s: Scene) -> None:
    installed = s.a.ask("stonith_admin", "--list-installed").split()
    assert set(AGENTS) <= set(installed), f"not found: {set(AGENTS) - set(installed)}"
    for agent in AGENTS:
        said = s.a.ask("stonith_admin", "--metadata", "--agent", agent)
        assert f'name="{agent}"' in said and 'name="plug"' in said, said
        assert "proves" in said or "Fencepost" in said or "not_after_ms" in said, "another's metadata"
    s.cluster.run(s.a, "validate")
    bad = stonith_admin(s.a, "--validate", "--agent", "fence_ipmilan", "--option", "username=admin")
    assert bad.returncode != 0, "options without an address are called valid"
    saw(f"{len(installed)} agents, of them {', '.join(AGENTS)}; bad options: {bad.returncode}")


def check_a_bmc_kills_the_node_and_brings_it_back(s: Scene) -> None:
    s.cluster.run(s.a, "bmc")
    s.cluster.wait_where(s.a, "fence-node-b", "node-a", within=SOON)
    s.a.ask("stonith_admin", "--query", "fence-node-b")
    start, boot = now_ns(), s.b.boot_id
    s.cluster.run(s.a, "reboot-b")
    assert s.killed(start, "bmc") == ["node-b"], s.killed(start, "bmc")
    assert s.b.boot_id != boot, "it is the same boot"
    s.expect_history(("reboot", "success"))
    s.expect_back()


def check_a_node_that_hangs_is_killed_and_its_service_taken(s: Scene) -> None:
    s.cluster.run(s.a, "bmc")
    s.a.ask("crm_resource", "--move", "--resource", "service", "--node", "node-b", "--lifetime", "PT20S")
    s.cluster.wait_where(s.a, "service", "node-b")
    s.a.ask("crm_resource", "--clear", "--resource", "service")
    start = now_ns()
    s.b.freeze()
    wait_for("the BMC kills node-b", lambda: s.killed(start, "bmc") == ["node-b"], FENCED, step=0.1)
    dead = (now_ns() - start) / 1e9
    wait_for("node-a has the address",
             lambda: s.world.observer.so_far().holders(s.world.vip) == ["node-a"], MOVED, step=0.05)
    saw(f"killed {dead:.1f} s after the hang, taken over {(now_ns() - start) / 1e9:.1f} s after it")
    s.expect_history(("reboot", "success"))
    s.expect_back()


def expect_failure(s: Scene) -> None:
    before = s.cluster.history(s.a, "node-b")
    refused = stonith_admin(s.a, "--fence", "node-b", "--timeout", "25")
    assert refused.returncode != 0, "Pacemaker was told that node-b is off"
    after = s.cluster.history(s.a, "node-b")
    new = after[: len(after) - len(before)]
    # A node that is gone is fenced by Pacemaker of its own accord; no better, and perhaps still trying.
    assert ("off", "failed") in new and all(status != "success" for _, status in new), f"history: {new}"
    saw(f"stonith_admin --fence: {refused.returncode}, {(refused.stderr or refused.stdout).strip()[-90:]}")


def check_a_bmc_that_does_not_prove_the_off_is_a_failure(s: Scene) -> None:
    s.cluster.run(s.a, "bmc")
    s.a.ask("crm_resource", "--resource", "fence-node-b", "--set-parameter", "power_timeout",
            "--parameter-value", FAILS_SOON)
    s.a.ask("crm_resource", "--resource", "fence-node-b", "--set-parameter", "pcmk_delay_base",
            "--parameter-value", "0s")
    s.cluster.wait_where(s.a, "fence-node-b", "node-a", within=SOON)
    start, bmc = now_ns(), s.world.bmcs["node-b"]
    bmc.faults.ignore_off = True
    expect_failure(s)
    assert s.b.running, "it was killed"
    bmc.faults.ignore_off, bmc.faults.claim_on = False, True
    expect_failure(s)
    assert s.killed(start, "bmc")[:1] == ["node-b"], "the BMC did not do it: the check shows nothing"
    log = (s.a.logs / "pacemaker.log").read_text()
    assert "failed phase=verify cause=wrong-state" in log, "Pacemaker's log does not say why"
    assert "Timer expired" not in log, "the reason is taken for a timeout"


def check_an_outlet_kills_the_node(s: Scene) -> None:
    s.cluster.run(s.a, "pdu")
    targets = s.a.ask("stonith_admin", "--list", "node-b")
    assert "fence-pdu" in targets, targets
    s.a.ask("stonith_admin", "--query", "fence-pdu")
    start = now_ns()
    s.cluster.run(s.a, "reboot-b")
    assert s.killed(start, "outlet") == ["node-b"], s.killed(start, "outlet")
    s.expect_history(("reboot", "success"))
    s.expect_back()
    start = now_ns()
    s.a.ask("stonith_admin", "--fence", "node-b", "--timeout", "60", deadline=COMMAND)
    assert s.killed(start, "outlet") == ["node-b"] and not s.b.running, "it lives"
    s.a.ask("stonith_admin", "--fence", "node-b", "--timeout", "60", deadline=COMMAND)
    s.a.ask("stonith_admin", "--unfence", "node-b", "--timeout", "60", deadline=COMMAND)
    assert s.b.running, "the outlet is off after on"
    s.expect_history(("on", "success"), ("off", "success"), ("off", "success"))
    s.expect_back()


SEEN = """\
#!/bin/sh
# fence_apc_snmp, and a record of what it is asked.
asked=$(mktemp) && cat >"$asked"
{ echo "=== $*"; cat "$asked"; } >>/run/seen
fence_apc_snmp "$@" <"$asked"
"""
SEEN_DEVICE = """\
<primitive id="fence-seen" class="stonith" type="fence_seen">
  <instance_attributes id="fence-seen-parameters">
    <nvpair id="fence-seen-ip" name="ip" value="10.97.1.240"/>
    <nvpair id="fence-seen-secret" name="community_file" value="/etc/fencepost/pdu.community"/>
  </instance_attributes>
  <operations><op id="fence-seen-monitor" name="monitor" interval="5s" timeout="20s"/></operations>
</primitive>
"""


def calls(node: Node) -> list[dict[str, str]]:
    """What Pacemaker wrote to the agent, one run after the other."""
    runs = node.ask("cat", "/run/seen").split("=== ")[1:]
    return [dict(line.split("=", 1) for line in run.splitlines()[1:] if "=" in line) for run in runs]


def check_what_pacemaker_asks_is_understood(s: Scene) -> None:
    for node in (s.a, s.b):
        node.ask("sh", "-c", f"cat >/usr/sbin/fence_seen <<'END'\n{SEEN}END\nchmod 755 /usr/sbin/fence_seen")
    s.a.ask("cibadmin", "--create", "--scope", "resources", "--xml-text", SEEN_DEVICE)
    s.a.ask("crm_attribute", "--name", "stonith-enabled", "--update", "true")
    s.a.ask("crm_resource", "--ban", "--resource", "fence-seen", "--node", "node-b")
    s.cluster.wait_where(s.a, "fence-seen", "node-a", within=SOON)
    # Without a list of hosts Pacemaker asks the agent for one: plug and name of each outlet.
    assert "fence-seen" in s.a.ask("stonith_admin", "--list", "node-b"), "its list was not understood"
    s.a.ask("crm_resource", "--resource", "fence-seen", "--set-parameter", "pcmk_host_check",
            "--parameter-value", "status")
    s.a.ask("crm_resource", "--wait", deadline=COMMAND)
    s.cluster.wait_where(s.a, "fence-seen", "node-a", within=SOON)
    assert "fence-seen" in s.a.ask("stonith_admin", "--list", "node-b"), "its status was not understood"
    start = now_ns()
    for words in ("--fence", "--fence", "--unfence", "--reboot"):
        s.a.ask("stonith_admin", words, "node-b", "--timeout", "60", deadline=COMMAND)
    assert s.killed(start, "outlet") == ["node-b", "node-b"] and s.b.running
    asked = calls(s.a)
    actions = {call.get("action", "") for call in asked}
    assert {"metadata", "monitor", "list", "status", "off", "on", "reboot"} <= actions, actions
    for call in asked:
        if call.get("action") in ("status", "off", "on", "reboot"):
            named = (call.get("nodename"), call.get("plug", call.get("port")))
            assert named == ("node-b", "node-b"), {n: v for n, v in call.items() if n != "community_file"}
    assert any(next(iter(call), "action") != "action" for call in asked), "the order was always ours: it shows nothing"
    saw(f"{len(asked)} runs: {', '.join(sorted(actions))}")
    s.expect_back()


def check_the_disk_shuts_a_node_out_and_unfencing_lets_it_in(s: Scene) -> None:
    s.start_writers()
    s.wait_writes(s.a, "accepted")
    s.wait_writes(s.b, "accepted")  # nobody has reserved the disk yet
    s.cluster.run(s.a, "disk")
    for node in (s.a, s.b):
        wait_for(f"{node.name} was let in",
                 lambda n=node: ("on", "success") in s.cluster.history(s.a, n.name), FENCED, step=0.2)
        s.wait_writes(node, "accepted")
    start = now_ns()
    s.a.ask("stonith_admin", "--fence", "node-b", "--timeout", "60", deadline=COMMAND)
    s.wait_writes(s.b, "refused")
    s.expect_history(("off", "success"))
    assert s.b.running and s.writes(s.a) == "accepted", f"node-a's writes are {s.writes(s.a)}"
    wait_for("node-b's Pacemaker ends", lambda: not s.cluster.runs(s.b), SOON, step=0.1)
    assert not s.world.observer.so_far().of("death", start), "a node died"
    time.sleep(3)  # the passing of time is the test: nobody lets it in by himself
    assert s.writes(s.b) == "refused", "it was let in without being a member"
    s.cluster.start_again(s.b)
    s.wait_writes(s.b, "accepted", within=FENCED)
    s.expect_back()
    s.expect_history(("on", "success"), ("off", "success"))


def check_our_stonith_under_fence_legacy(s: Scene) -> None:
    said = s.a.ask("stonith", "-V")
    assert "Fencepost" in said or "fencepost" in said, f"another stonith is first in PATH: {said}"
    s.cluster.run(s.a, "legacy")
    s.cluster.wait_where(s.a, "fence-legacy", *s.cluster.where(s.a, "fence-legacy"))
    assert s.cluster.where(s.a, "fence-legacy"), "its monitor failed"
    assert "fence-legacy" in s.a.ask("stonith_admin", "--list", "node-b"), "its list was not understood"
    start = now_ns()
    s.cluster.run(s.a, "reboot-b")
    # ipmitool repeats a reset whose answer is late, and the BMC does it again.
    killed = s.killed(start, "bmc")
    assert set(killed) == {"node-b"}, killed
    saw(f"external/ipmi reset the node {len(killed)} times")
    s.expect_history(("reboot", "success"))
    s.expect_back()


def lose_router(s: Scene, node: Node) -> None:
    node.ask("nft", "add table ip ping")
    node.ask("nft", "add chain ip ping out { type filter hook output priority 0 ; }")
    node.ask("nft", f"add rule ip ping out ip daddr {s.world.client.address} icmp type echo-request drop")


def wait_score(s: Scene, node: Node, value: str | None, within: float = MOVED) -> None:
    wait_for(f"pingd of {node.name} is {value}",
             lambda: s.cluster.attribute(s.a, node, "pingd") == value, within, step=0.1)


def check_who_loses_the_router_loses_the_service(s: Scene) -> None:
    s.cluster.run(s.a, "ping")
    s.cluster.wait_where(s.a, "ping", "node-a", "node-b", within=SOON)
    for node in (s.a, s.b):
        wait_score(s, node, "1000")
    s.cluster.wait_where(s.a, "service", "node-a")
    start = now_ns()
    lose_router(s, s.a)
    wait_for("node-b has the address",
             lambda: s.world.observer.so_far().holders(s.world.vip) == ["node-b"], MOVED, step=0.05)
    saw(f"moved {(now_ns() - start) / 1e9:.1f} s after the loss")
    assert s.cluster.attribute(s.a, s.a, "pingd") == "0", s.cluster.attribute(s.a, s.a, "pingd")
    s.a.run("nft", "delete table ip ping")
    wait_score(s, s.a, "1000")
    s.cluster.wait_where(s.a, "service", "node-b")


def check_a_killed_pingd_is_restarted_and_moves_nothing(s: Scene) -> None:
    s.cluster.run(s.a, "ping")
    s.cluster.wait_where(s.a, "ping", "node-a", "node-b", within=SOON)
    wait_score(s, s.a, "1000")
    start = now_ns()
    assert s.a.kill(lambda line: line.startswith("pingd")) == 1, "no pingd ran"
    wait_for("pingd runs again", lambda: "pingd " in " ".join(s.a.processes().values()), MOVED, step=0.1)
    saw(f"runs again {(now_ns() - start) / 1e9:.1f} s after SIGKILL")
    s.cluster.wait_where(s.a, "ping", "node-a", "node-b", within=SOON)
    time.sleep(6)  # longer than both dampenings: what was to move has moved
    assert s.cluster.attribute(s.a, s.a, "pingd") == "1000"
    moves = [e for e in s.world.observer.so_far().of("down", start) if e.facts["address"] == s.world.vip]
    assert not moves, "the service moved"


def check_a_stopped_pingd_leaves_no_attribute(s: Scene) -> None:
    s.cluster.run(s.a, "ping")
    s.cluster.wait_where(s.a, "ping", "node-a", "node-b", within=SOON)
    wait_score(s, s.a, "1000")
    s.b.kill(lambda line: line.startswith("pingd"), signal.SIGSTOP)
    s.a.kill(lambda line: line.startswith("pingd"), signal.SIGSTOP)
    wait_for("the hanging ones are replaced", lambda: all(
        "T" not in hung(node) and hung(node) for node in (s.a, s.b)), MOVED, step=0.2)
    wait_score(s, s.a, "1000")
    s.a.ask("crm_resource", "--ban", "--resource", "ping-clone", "--node", "node-a")
    wait_score(s, s.a, None)
    wait_for("node-b has the address",
             lambda: s.world.observer.so_far().holders(s.world.vip) == ["node-b"], MOVED, step=0.05)
    s.a.ask("crm_resource", "--clear", "--resource", "ping-clone")
    wait_score(s, s.a, "1000")


def hung(node: Node) -> list[str]:
    """The states of the node's pingds."""
    found = []
    for pid, line in node.processes().items():
        if line.startswith("pingd"):
            try:
                found.append(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0])
            except OSError:
                pass  # it ended while we looked
    return found


CHECKS = (
    check_pacemaker_finds_our_agents_and_their_metadata,
    check_a_bmc_kills_the_node_and_brings_it_back,
    check_a_node_that_hangs_is_killed_and_its_service_taken,
    check_a_bmc_that_does_not_prove_the_off_is_a_failure,
    check_an_outlet_kills_the_node,
    check_what_pacemaker_asks_is_understood,
    check_the_disk_shuts_a_node_out_and_unfencing_lets_it_in,
    check_our_stonith_under_fence_legacy,
    check_who_loses_the_router_loses_the_service,
    check_a_killed_pingd_is_restarted_and_moves_nothing,
    check_a_stopped_pingd_leaves_no_attribute,
)
