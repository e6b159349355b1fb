"""The watchdog of a node: it takes the node's power unless it is fed, and boots it again.

The node's fencepostd speaks the kernel's interface to watchdog_preload.c, and that speaks lines to a
socket here, outside the node: nothing in the node can hold it up.

Promise: as hardware: ticking from the first open; a close without the magic byte stops nothing.
         A reset is in the record as by "watchdog".
Time:    seconds of CLOCK_BOOTTIME.
Threads: one of its own per watchdog; state is read by others only to look.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from pathlib import Path

from linux import LabError
from node import Node

DEFAULT_TIMEOUT = 60.0
SELF_TEST = 8.0  # seconds that a machine takes from its reset to its boot
NAME = "watchdog.sock"
ENOUGH = 1.0  # seconds without anything to do: see whether we are to end


def _now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Watchdog:
    def __init__(self, node: Node) -> None:
        self.node = node
        self.bites = 0
        self.timeout = DEFAULT_TIMEOUT
        self.bites_at: float | None = None  # not ticking: None
        self._magic = False
        self._pid1 = 0  # of the machine that feeds it
        self._over = False
        self._boots_at: float | None = None
        self._path: Path = node.disk / "var" / NAME
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(str(self._path))
        self._server.listen()
        self._clients: list[socket.socket] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def ticking(self) -> bool:
        return self.bites_at is not None

    def close(self) -> None:
        self._over = True
        self._thread.join()
        for each in (self._server, *self._clients):
            each.close()
        self._path.unlink()

    def _run(self) -> None:
        while not self._over:
            left = ENOUGH if self.bites_at is None else min(ENOUGH, self.bites_at - _now())
            ready, _, _ = select.select([self._server, *self._clients], [], [], max(0.0, left))
            for each in ready:
                if each is self._server:
                    self._clients.append(self._server.accept()[0])
                else:
                    self._hear(each)
            if self.bites_at is not None and _now() >= self.bites_at:
                if self._same_machine():
                    self._bite()
                else:
                    self.bites_at = None
            if self._boots_at is not None and _now() >= self._boots_at:
                self._boots_at = None
                with contextlib.suppress(LabError):  # the lab may be ending
                    self.node.power_on(by="watchdog")

    def _same_machine(self) -> bool:
        """A machine that was reset or went off by itself took its watchdog along."""
        try:
            return self.node.pid1 == self._pid1
        except LabError:
            return False

    def _hear(self, client: socket.socket) -> None:
        said = b""
        with contextlib.suppress(OSError):
            said = client.recv(4096)
        if not said:  # closed, in order or not
            self._clients.remove(client)
            client.close()
            if self._magic:
                self.bites_at = None
            return
        for line in said.decode().splitlines():
            if line == "magic":
                self._magic = True
                continue
            if line.startswith("timeout "):
                self.timeout = float(line.split()[1])
            if line == "stop":
                self.bites_at = None
                continue
            self._magic = False
            with contextlib.suppress(LabError):
                self._pid1 = self.node.pid1
            self.bites_at = _now() + self.timeout

    def _bite(self) -> None:
        self.bites += 1
        self.bites_at = None
        self.timeout = DEFAULT_TIMEOUT
        for client in self._clients:
            client.close()
        self._clients.clear()
        with contextlib.suppress(LabError):  # the lab may be ending
            self.node.power_off(by="watchdog")
        self._boots_at = _now() + SELF_TEST
