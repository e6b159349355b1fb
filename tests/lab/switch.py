"""The switch: two bridges, the cables between them and the boxes, and cuts.

It lives in the lab's own network namespace (that of this process). The cluster bridge carries the
nodes' heartbeats and the clients; the storage bridge carries the target and the BMCs, as a
management network does. A cut drops frames between two ports in one direction; no link goes down,
so nobody is told. Cuts are kept as a set and written to the kernel as a whole, atomically.

Promise: when cut() or heal() has returned, the kernel forwards accordingly.
Errors:  LabError, naming the tool's own message.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from linux import LabError, attempt, run

CLUSTER = "cluster"
STORAGE = "storage"
PREFIX = {CLUSTER: "10.97.0", STORAGE: "10.97.1"}
IFNAME_LIMIT = 15  # the kernel's IFNAMSIZ less its terminator
NEIGHBOUR_RETRY_MS = 100  # an unresolved neighbour is asked again after this, not after 1000
NO_IPV6 = "net.ipv6.conf.all.disable_ipv6=1"  # of all interfaces, present and future


@dataclass(frozen=True)
class Port:
    """One socket of the switch; its name is the interface on our side of the cable."""

    name: str
    bridge: str
    host: int  # the last part of the address

    def __post_init__(self) -> None:
        if len(self.name) > IFNAME_LIMIT:
            raise LabError(f"port {self.name}: longer than {IFNAME_LIMIT} characters")

    @property
    def address(self) -> str:
        return f"{PREFIX[self.bridge]}.{self.host}"

    @property
    def mac(self) -> str:
        """From the address: the same after every power-on, so nobody's ARP entry goes stale."""
        return "02:00:" + ":".join(f"{int(part):02x}" for part in self.address.split("."))


class Switch:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cuts: set[tuple[str, str]] = set()
        run("sysctl", "-qw", NO_IPV6)
        commands = ["link set lo up"]
        for number, bridge in enumerate((CLUSTER, STORAGE)):
            # A bridge without an address of its own takes that of a port and changes with it.
            commands += [
                f"link add {bridge} address 02:00:00:00:00:0{number} type bridge"
                " stp_state 0 forward_delay 0 mcast_snooping 0",
                f"link set {bridge} up",
            ]
        _ip(commands)

    def remove(self) -> None:
        run("nft", "-f", "-", feed="table bridge lab\ndelete table bridge lab\n")
        _ip([f"link del {bridge}" for bridge in PREFIX])

    def plug(self, port: Port, interface: str, pid: int) -> None:
        """A cable from `port` to `interface` in the network namespace of `pid`, up and addressed."""
        peer = f"peer name {interface} address {port.mac} netns {pid}"
        _ip(
            [
                f"link add {port.name} type veth {peer}",
                f"link set {port.name} master {port.bridge} up",
            ]
        )
        run(
            "sysctl", "-qw", NO_IPV6,
            f"net.ipv4.neigh.{interface}.retrans_time_ms={NEIGHBOUR_RETRY_MS}", net=pid,
        )  # fmt: skip
        _ip(
            [
                "link set lo up",
                f"address add {port.address}/24 brd + dev {interface}",
                f"link set {interface} up",
            ],
            net=pid,
        )

    def darken(self, *ports: Port) -> None:
        """The carrier goes away at both ends; addresses behind the ports stay where they are."""
        _ip([f"link set {port.name} down" for port in ports])

    def unplug(self, *ports: Port) -> None:
        """Removes the cables; one that went away with its namespace is no error."""
        _ip([f"link del {port.name}" for port in ports], force=True)

    def cut(self, source: Port, sink: Port, both_ways: bool = True) -> None:
        with self._lock:
            self._apply(self._cuts | _pairs(source, sink, both_ways))

    def heal(self, source: Port, sink: Port, both_ways: bool = True) -> None:
        with self._lock:
            self._apply(self._cuts - _pairs(source, sink, both_ways))

    def heal_all(self) -> None:
        with self._lock:
            self._apply(set())

    def is_cut(self, source: Port, sink: Port) -> bool:
        return (source.name, sink.name) in self._cuts

    def _apply(self, cuts: set[tuple[str, str]]) -> None:
        rules = "".join(f'iifname "{a}" oifname "{b}" drop\n' for a, b in sorted(cuts))
        run(
            "nft", "-f", "-",
            feed="table bridge lab\ndelete table bridge lab\ntable bridge lab {\n"
            f"chain relay {{\ntype filter hook forward priority 0; policy accept;\n{rules}}}\n}}\n",
        )  # fmt: skip
        self._cuts = cuts


def _pairs(source: Port, sink: Port, both_ways: bool) -> set[tuple[str, str]]:
    if source.bridge != sink.bridge:
        raise LabError(f"{source.name} and {sink.name} are on different bridges: nothing to cut")
    there = {(source.name, sink.name)}
    return there | {(sink.name, source.name)} if both_ways else there


def _ip(commands: list[str], net: int | None = None, force: bool = False) -> None:
    """One `ip` process for several commands."""
    if not commands:
        return
    if force:
        attempt("ip", "-force", "-batch", "-", net=net, feed="\n".join(commands) + "\n")
    else:
        run("ip", "-batch", "-", net=net, feed="\n".join(commands) + "\n")
