"""A cluster that is none: one arbiter outside the nodes that sees everything and moves the address.

It stands in for the daemons when the lab itself is tested: it fences through the real BMCs, and
believes only a status query. `recklessness` makes it break the rules one by one, so that the
observer and the judge are known to see it.
"""

from __future__ import annotations

import socket
import struct
import threading
from enum import Enum

from cluster import Cluster, Timing
from linux import LabError, network_of, wait_for
from node import Node
from world import World

STEP = 0.01
ETH_P_ARP = 0x0806


class Recklessness(Enum):
    NONE = 0
    TAKE_WITHOUT_FENCING = 1
    FENCE_BOTH = 2


class StandIn(Cluster):
    timing = Timing(whole=10.0, outcome=3.0, linger=0.3)

    def __init__(self) -> None:
        self.recklessness = Recklessness.NONE
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._stopped: set[str] = set()
        self._preferred: Node | None = None  # None: whoever is active
        self._active: Node | None = None
        self._error: BaseException | None = None

    # --- the adapter's side --------------------------------------------------------------------

    def configure(self, world: World) -> None:
        for node in world.nodes.values():
            node.boot_script = "echo the stand-in runs nothing here\n"
        self._world = world
        self._arbiter = threading.Thread(target=self._arbitrate, daemon=True)
        self._arbiter.start()

    def whole(self, world: World) -> bool:
        if self._error:
            raise LabError(f"the stand-in failed: {self._error}") from self._error
        everybody = all(node.running for node in world.nodes.values())
        return everybody and not self._stopped and self._active is not None

    def quiesced(self, node: Node) -> bool:
        return False  # its losers are fenced, always

    def prefer(self, world: World, active_wins: bool | None) -> None:
        assert self._active
        self._preferred = self._world.other(self._active) if active_wins is False else None

    def stop(self, node: Node) -> None:
        with self._lock:
            self._stopped.add(node.name)
            if self._active is node:
                self._take(node, present=False)
                self._active = self._world.other(node)
                self._take(self._active)

    def start(self, node: Node) -> None:
        self._stopped.discard(node.name)

    def status(self, node: Node) -> str:
        return "active" if node is self._active else "standby"

    def close(self) -> None:
        self._ended.set()
        self._arbiter.join()

    # --- the arbiter's side --------------------------------------------------------------------

    def _arbitrate(self) -> None:
        while not self._ended.wait(STEP):
            try:
                with self._lock:
                    self._step()
            except BaseException as error:  # shown by whole(): a thread has nobody to raise to
                self._error = error
                return

    def _step(self) -> None:
        world = self._world
        first, second = world.nodes.values()
        if not first.running and not second.running:
            self._active = None
        if self._active is None:
            if first.running and second.running:
                self._active = first
                self._take(first)
            return
        active, peer = self._active, world.other(self._active)
        if world.switch.is_cut(active.cluster, peer.cluster) and active.running and peer.running:
            keeps = not world.switch.is_cut(world.target.box.port, active.storage)
            keeps = keeps and self._preferred in (None, active)
            self._resolve(*((active, peer) if keeps else (peer, active)))
        elif not active.running and peer.running and self._off(active):
            self._active = peer
            self._take(peer)

    def _resolve(self, winner: Node, loser: Node) -> None:
        if self.recklessness is Recklessness.TAKE_WITHOUT_FENCING:
            self._take(winner)
        self._fence(loser)
        if self.recklessness is Recklessness.FENCE_BOTH:
            self._fence(winner)
        elif self._off(loser) and winner is not self._active:
            self._active = winner
            self._take(winner)

    def _fence(self, node: Node) -> None:
        self._world.bmcs[node.name].ipmitool("power", "off")

    def _off(self, node: Node) -> bool:
        return "is off" in self._world.bmcs[node.name].ipmitool("power", "status").stdout

    def _take(self, node: Node, present: bool = True) -> None:
        wait_for(f"{node.name} runs", lambda: node.running, 5.0)
        have = self._world.vip in node.ask("ip", "-o", "address")
        if have == present:
            return
        verb = "add" if present else "del"
        node.ask("ip", "address", verb, f"{self._world.vip}/24", "dev", "eth0")
        if present:
            announce(node, self._world.vip)


def announce(node: Node, address: str) -> None:
    """Gratuitous ARP, as whoever takes an address over owes to the clients."""
    mac = bytes.fromhex(node.cluster.mac.replace(":", ""))
    ip = socket.inet_aton(address)
    everyone = b"\xff" * 6
    frame = everyone + mac + struct.pack("!H", ETH_P_ARP)
    frame += struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + mac + ip + everyone + ip
    with network_of(node.pid1), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind(("eth0", 0))
        wire.send(frame)
