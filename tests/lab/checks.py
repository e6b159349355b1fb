"""What the lab's self-test checks of a running world: each function is one claim of the README.

A check prints what it saw and raises AssertionError or LabError when the claim does not hold.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from bmc import Faults
from judge import Expectation, Verdict, judge
from linux import LabError, network_of, now_ns, wait_for
from node import Node
from record import Record
from scenes import BROKEN_FENCING, SCENES, play, scene
from standin import Recklessness, StandIn, announce
from world import World

PING_DEADLINE = 5.0  # the kernel may first have to find its neighbour again
BOOT_SCRIPT = 'echo "$(cat /run/fencepost-boot-id)" >>/var/lib/fencepost/boots\n'


def saw(text: str) -> None:
    print(f"    {text}", flush=True)


def reaches(node: Node, address: str) -> bool:
    return node.run("ping", "-n", "-c1", "-W1", address).returncode == 0


def pair(world: World) -> tuple[Node, Node]:
    first, second = world.nodes.values()
    return first, second


def check_nodes_are_machines_of_their_own(world: World) -> None:
    a, b = pair(world)
    assert a.ask("hostname").strip() == a.name
    assert a.boot_id != b.boot_id
    a.ask("sh", "-c", "echo mine >/run/only-a; echo mine >/dev/shm/only-a; echo x >/etc/only-a")
    hidden = "! ls /run/only-a /dev/shm/only-a /etc/only-a 2>/dev/null"
    b.ask("sh", "-c", hidden)
    assert not Path("/etc/only-a").exists(), "a node wrote to the host's file system"
    orphan = a.ask("sh", "-c", "(sleep 0.01 >/dev/null & echo $!)").strip()
    gone = lambda: a.run("test", "-e", f"/proc/{orphan}").returncode != 0  # noqa: E731
    wait_for("pid 1 reaps an orphan", gone, 2.0)
    saw(f"{a.name} {a.boot_id}, {b.name} {b.boot_id}; root, /run, /dev/shm private; no zombie")


def check_dangerous_files_are_masked(world: World) -> None:
    a, _ = pair(world)
    devices = a.ask("ls", "/dev").split()
    assert not [d for d in devices if d.startswith(("watchdog", "ipmi", "vd", "sd", "mem", "kmsg"))]
    if Path("/proc/sysrq-trigger").exists():
        same = 'test "$(stat -c %t:%T /proc/sysrq-trigger)" = "$(stat -c %t:%T /dev/null)"'
        a.ask("sh", "-c", same)
    assert a.run("sh", "-c", "echo 1 >/proc/sys/kernel/panic").returncode != 0
    assert a.run("sh", "-c", "echo mem >/sys/power/state").returncode != 0
    saw(f"/dev has {' '.join(devices)}; sysrq-trigger is null; /proc/sys/kernel, /sys read-only")


def check_bmc_switches_the_node(world: World) -> None:
    a, b = pair(world)
    bmc = world.bmcs[b.name]
    before, started = b.boot_id, now_ns()
    b.ask("sh", "-c", "echo kept >/var/lib/fencepost/term; echo gone >/opt/volatile")
    assert "is on" in bmc.ipmitool("power", "status").stdout
    assert bmc.ipmitool("power", "off").returncode == 0
    assert not b.running
    assert "is off" in bmc.ipmitool("power", "status").stdout
    (death,) = world.observer.settled().of("death", started, node=b.name)
    took = (death.t - world.observer.so_far().of("bmc", started)[0].t) / 1e6
    assert bmc.ipmitool("power", "on").returncode == 0
    assert "is on" in bmc.ipmitool("power", "status").stdout
    assert b.boot_id != before
    assert b.ask("cat", "/var/lib/fencepost/term") == "kept\n"
    assert b.run("ls", "/opt/volatile").returncode != 0
    booted = lambda: b.boot_id in b.ask("cat", "/var/lib/fencepost/boots")  # noqa: E731
    wait_for("the boot script runs at every power-on", booted, 2.0)
    wait_for("the node is back", lambda: reaches(a, b.cluster.address), PING_DEADLINE)
    saw(f"pid 1 dead {took:.1f} ms after the order; status off, then on; new boot id, disk kept")


def check_power_off_is_silent(world: World) -> None:
    """A machine without power says no last word: its peers see neither FIN nor RST."""
    _, b = pair(world)
    with network_of(world.client.pid):
        server = socket.create_server((world.client.address, 0))
    server.settimeout(5.0)
    talk = (
        f"import socket, time; s = socket.create_connection({server.getsockname()!r});"
        "s.sendall(b'x'); time.sleep(60)"
    )
    talker = subprocess.Popen(b.inside("python3", "-c", talk))
    with server:
        connection, _ = server.accept()
    with connection:
        assert connection.recv(1) == b"x"
        b.power_off()
        talker.wait(5.0)
        connection.settimeout(0.3)
        try:
            raise AssertionError(f"a dead node said {connection.recv(1)!r}")
        except TimeoutError:
            pass
    b.power_on()
    saw("the other end of its TCP connection hears nothing")


def check_bmc_faults(world: World) -> None:
    _, b = pair(world)
    bmc = world.bmcs[b.name]

    def power(order: str) -> str:
        return bmc.ipmitool("power", order).stdout.strip().rsplit(" ", 1)[-1]

    bmc.faults = Faults(lie=True)
    assert power("off") == "Down/Off" and b.running and power("status") == "off"
    bmc.faults = Faults(ignore_off=True)
    assert power("off") == "Down/Off" and b.running and power("status") == "on"
    bmc.faults = Faults(fail=True)
    assert bmc.ipmitool("power", "off").returncode != 0 and b.running
    bmc.faults = Faults(claim_on=True)
    assert power("off") == "Down/Off" and not b.running and power("status") == "on"
    bmc.faults = Faults(delay=0.3)
    started = now_ns()
    assert power("on") == "Up/On" and b.running and now_ns() - started >= 300_000_000
    bmc.faults = Faults()
    bmc.silence()
    try:
        bmc.ipmitool("power", "status", deadline=0.5)
        raise AssertionError("a stopped BMC answered")
    except LabError:
        pass  # no answer within the deadline
    finally:
        bmc.resume()
    assert power("status") == "on"
    saw("lies 'off'; ignores off; fails; claims 'on' after off; delays; is silent")


def check_passwords_are_nowhere_to_be_seen(world: World) -> None:
    a, b = pair(world)
    path = world.bmcs[b.name].hand_password_to(a)
    secret = world.bmcs[b.name].password_file.read_text().encode()
    assert a.ask("stat", "-c", "%a", path).strip() == "600"
    directory = world.bmcs[b.name].password_file.parent
    holding = [f for f in directory.rglob("*") if f.is_file() and secret in f.read_bytes()]
    assert len(holding) >= 2 and all(f.stat().st_mode & 0o777 == 0o600 for f in holding), holding
    shown = [pid for pid in filter(str.isdigit, os.listdir("/proc")) if _shows(pid, secret)]
    assert not shown, f"processes {shown} show a password"
    for log in filter(Path.is_file, world.logs.rglob("*")):
        assert secret not in log.read_bytes(), f"{log} holds a password"
    saw("mode 0600, in no command line, environment or log")


def _shows(pid: str, secret: bytes) -> bool:
    files = (Path(f"/proc/{pid}/cmdline"), Path(f"/proc/{pid}/environ"))
    try:
        return any(secret in file.read_bytes() for file in files)
    except OSError:
        return False


def check_partition_and_heal(world: World) -> None:
    a, b = pair(world)
    world.partition()
    assert not reaches(a, b.cluster.address)
    assert not _udp_arrives(a, b) and not _udp_arrives(b, a)
    assert reaches(a, world.client.address), "a partition of the nodes must not cut clients off"
    world.heal_all()
    wait_for("heal", lambda: reaches(a, b.cluster.address), PING_DEADLINE)
    world.deafen(listener=a, speaker=b)
    heard = _udp_arrives(a, b)
    lost = not _udp_arrives(b, a)
    world.heal_all()
    assert heard and lost, f"one-way cut: heard {heard}, lost {lost}"
    assert _udp_arrives(b, a)
    saw("nothing passes between the nodes either way, clients still served; one way only; healed")


def _udp_arrives(source: Node, sink: Node) -> bool:
    """One datagram, with a fixed neighbour entry so that no answer is needed to send it."""
    source.ask("ip", "neigh", "replace", sink.cluster.address, "lladdr", sink.cluster.mac,
               "dev", "eth0", "nud", "permanent")  # fmt: skip
    before = _datagrams_in(sink)
    script = f"import socket;socket.socket(2,2).sendto(b'x',('{sink.cluster.address}',9))"
    source.ask("python3", "-c", script)
    try:
        return wait_for("datagram", lambda: _datagrams_in(sink) > before, 0.3)
    except LabError:
        return False
    finally:
        source.ask("ip", "neigh", "del", sink.cluster.address, "dev", "eth0")


def _datagrams_in(node: Node) -> int:
    """Datagrams for a port nobody has: counted on arrival, whatever else is running."""
    lines = Path(f"/proc/{node.pid1}/net/snmp").read_text().splitlines()
    names, values = (line.split() for line in lines if line.startswith("Udp:"))
    return int(dict(zip(names, values))["NoPorts"])


def check_storage_cut(world: World) -> None:
    a, b = pair(world)
    assert _lists_lun(a, world) and _lists_lun(b, world)
    world.cut_storage(a)
    assert not _lists_lun(a, world), "the disk is still seen"
    assert _lists_lun(b, world), "the other node lost the disk, too"
    assert reaches(a, world.bmcs[b.name].address), "the BMC went with the disk"
    world.cut_bmc(a, b)
    assert not reaches(a, world.bmcs[b.name].address)
    world.heal_all()
    assert _lists_lun(a, world)
    world.target.hang()
    assert not _lists_lun(a, world)
    world.target.resume()
    assert _lists_lun(a, world)
    with world.target.image.open("r+b") as lun:
        lun.write(b"kept")
    world.target.kill()
    assert not _lists_lun(a, world)
    world.target.start()
    assert _lists_lun(a, world) and world.target.image.open("rb").read(4) == b"kept"
    saw("LUN lost to one node alone, BMCs apart; target hung and resumed, killed and restarted")


def _lists_lun(node: Node, world: World) -> bool:
    listing = node.run("timeout", "0.7", "iscsi-ls", "-s", f"iscsi://{world.target.portal}")
    return "DIRECT_ACCESS (Size:63M)" in listing.stdout  # iscsi-ls rounds the 64 MiB down


def check_node_resets_itself(world: World) -> None:
    a, _ = pair(world)
    before = a.boot_id
    a.run("python3", "-c", "import ctypes; ctypes.CDLL(None).reboot(0x01234567)")  # RB_AUTOBOOT
    wait_for("reset", lambda: ("reset", "itself") in _orders(world) and a.running, 5.0)
    assert a.boot_id != before
    a.run("python3", "-c", "import ctypes; ctypes.CDLL(None).reboot(0x4321fedc)")  # RB_POWER_OFF
    wait_for("halt", lambda: not a.running, 5.0)
    a.power_on()
    assert ("off", "itself") in _orders(world)
    saw("reboot(2) resets and boots again, or halts; the host does not notice; both recorded")


def _orders(world: World) -> list[tuple[str, str]]:
    powers = world.observer.so_far().of("power")
    return [(power.facts["order"], power.facts["by"]) for power in powers]


def check_freeze(world: World) -> None:
    a, _ = pair(world)
    a.ask("sh", "-c", "(while :; do date +%s%N >/run/tick; sleep 0.01; done) >/dev/null 2>&1 &")
    tick = Path(f"/proc/{a.pid1}/root/run/tick")
    wait_for("ticking", tick.exists, 2.0)
    a.freeze()
    held = tick.read_text()
    assert not _changes(tick, held), "a frozen node goes on working"
    a.thaw()
    assert _changes(tick, held)
    assert a.kill(lambda line: "tick" in line) >= 1
    saw("every process of a frozen node stands still, and goes on after the thaw")


def _changes(path: Path, value: str) -> bool:
    try:
        return wait_for("change", lambda: path.read_text() not in ("", value), 0.2)
    except LabError:
        return False


def check_ocf_agent_moves_the_address(world: World) -> None:
    a, _ = pair(world)
    parameters = f"OCF_RESKEY_ip={world.vip} OCF_RESKEY_cidr_netmask=24 OCF_RESKEY_nic=eth0"
    agent = f"OCF_ROOT=/usr/lib/ocf {parameters} /usr/lib/ocf/resource.d/heartbeat/IPaddr2"
    started = now_ns()
    a.ask("sh", "-c", f"{agent} start")
    wait_for("echoes from a", lambda: _answered_by(world, a), 5.0)
    a.ask("sh", "-c", f"{agent} monitor && {agent} stop")
    (hold,) = (h for h in world.observer.settled().holds(world.vip) if h.start >= started)
    assert hold.node == a.name and hold.end is not None
    saw(f"IPaddr2 up after {(hold.start - started) / 1e6:.0f} ms, seen to come and go")


def _expect(world: World, start: int, winner: Node, active: Node) -> Expectation:
    now, nodes = now_ns(), tuple(world.nodes)
    return Expectation("by hand", world.vip, start, now, now, nodes, active.name, winner.name)


def _hold(world: World, node: Node, present: bool = True) -> None:
    verb = "add" if present else "del"
    node.ask("ip", "address", verb, f"{world.vip}/24", "dev", "eth0")
    if present:
        announce(node, world.vip)


def _answered_by(world: World, node: Node) -> bool:
    record: Record = world.observer.so_far()
    last = [echo for echo in record.echoes(0, now_ns()) if echo.answered is not None]
    return bool(last) and last[-1].node == node.name


def check_judge_sees_an_overlap(world: World) -> None:
    a, b = pair(world)
    _hold(world, a)
    wait_for("echoes from a", lambda: _answered_by(world, a), 5.0)
    start = now_ns()
    _hold(world, b)
    wait_for("echoes from b", lambda: _answered_by(world, b), 5.0)
    _hold(world, a, present=False)
    verdict = judge(world.observer.settled(), _expect(world, start, winner=b, active=a))
    assert not verdict.safe and "two living nodes" in verdict.text(), verdict.text()
    assert verdict.figures.overlap_ms > 0
    saw(verdict.text())
    _hold(world, b, present=False)


def check_judge_accepts_a_clean_hand_over(world: World) -> None:
    a, b = pair(world)
    _hold(world, a)
    wait_for("echoes from a", lambda: _answered_by(world, a), 5.0)
    start = now_ns()
    _hold(world, a, present=False)
    _hold(world, b)
    wait_for("echoes from b", lambda: _answered_by(world, b), 5.0)
    verdict = judge(world.observer.settled(), _expect(world, start, winner=b, active=a))
    assert verdict.passed, verdict.text()
    saw(f"{verdict.text()}; {figures(verdict)}")
    _hold(world, b, present=False)


def check_observer_confesses_a_pause(world: World) -> None:
    a, _ = pair(world)
    _hold(world, a)
    wait_for("echoes from a", lambda: _answered_by(world, a), 5.0)
    start = now_ns()
    world.observer.hold_up(0.4)
    verdict = judge(world.observer.settled(), _expect(world, start, winner=a, active=a))
    assert not verdict.safe and "held up" in verdict.text(), verdict.text()
    saw(verdict.text())
    _hold(world, a, present=False)


def check_scenes(world: World) -> None:
    cluster = StandIn()
    cluster.configure(world)
    try:
        for each in SCENES:
            verdict = play(each, world, cluster)
            saw(f"scene {each.name} ({each.title}): {verdict.text()}; {figures(verdict)}")
            assert verdict.passed, verdict.text()
        for recklessness, sign in (
            (Recklessness.TAKE_WITHOUT_FENCING, "two living nodes"),
            (Recklessness.FENCE_BOTH, "every node was killed"),
        ):
            cluster.recklessness = recklessness
            verdict = play(scene("2b"), world, cluster)
            cluster.recklessness = Recklessness.NONE
            saw(f"scene 2b, {recklessness.name.lower()}: {verdict.text()}")
            assert not verdict.safe and sign in verdict.text(), verdict.text()
        verdict = play(BROKEN_FENCING, world, cluster)
        saw(f"scene {BROKEN_FENCING.name}: {verdict.text()}")
        assert not verdict.safe and "two living nodes" in verdict.text(), verdict.text()
    finally:
        cluster.close()


def figures(verdict: Verdict) -> str:
    f = verdict.figures
    killed = ", ".join(f"{kill.node} after {kill.ms:g} ms by {kill.by}" for kill in f.kills)
    return (
        f"address {f.failover_ms} ms, client {f.client_ms} ms, overlap {f.overlap_ms:g} ms,"
        f" silence {f.silence_ms:g} ms, lost {f.lost}/{f.echoes}, killed: {killed or 'nobody'}"
    )


CHECKS: tuple[Callable[[World], None], ...] = (
    check_nodes_are_machines_of_their_own,
    check_dangerous_files_are_masked,
    check_bmc_switches_the_node,
    check_power_off_is_silent,
    check_bmc_faults,
    check_passwords_are_nowhere_to_be_seen,
    check_partition_and_heal,
    check_storage_cut,
    check_node_resets_itself,
    check_freeze,
    check_ocf_agent_moves_the_address,
    check_judge_sees_an_overlap,
    check_judge_accepts_a_clean_hand_over,
    check_observer_confesses_a_pause,
    check_scenes,
)
