"""The observer: one process outside all nodes, one thread, one clock. Started by observer.py.

    observer_main.py FD EVENTS

It holds a netlink socket in each node's network namespace, a pidfd of each node's pid 1 and the
client's sockets in one poll loop, so the order of its records is the order in which the kernel told
it. Records are JSON lines (kinds and fields: README.md); commands and answers are JSON datagrams
on FD, which closes when the lab ends, and ends the observer.

Time: CLOCK_BOOTTIME nanoseconds, read once for each wake-up.
"""

from __future__ import annotations

import json
import os
import select
import selectors
import signal
import socket
import sys
from dataclasses import asdict, dataclass
from typing import Any

from echo_client import STALL_NS, Echo, EchoClient
from linux import network_of, now_ns
from rtnetlink import AddressMonitor

REALTIME_PRIORITY = 10
IDLE_NS = 200_000_000


@dataclass
class Watched:
    node: str
    pidfd: int
    monitor: AddressMonitor


class Observer:
    def __init__(self, commands: socket.socket, events: str) -> None:
        self._commands = commands
        self._out = open(events, "a", encoding="utf-8")
        self._selector = selectors.DefaultSelector()
        self._selector.register(commands, selectors.EVENT_READ)
        self._nodes: dict[str, Watched] = {}
        self._names: dict[str, str] = {}  # hardware address: node
        self._addresses: set[str] = set()
        self._client: EchoClient | None = None

    def loop(self) -> None:
        """Until the lab closes its end."""
        while True:
            ready = self._selector.select(self._until_due())
            now = now_ns()
            for watched in list(self._nodes.values()):
                self._read_addresses(watched, now)  # before deaths: a node's last words count
            for watched in list(self._nodes.values()):
                self._read_death(watched, now)
            self._echoes(now)
            if any(key.fileobj is self._commands for key, _ in ready) and not self._command():
                return
            self._out.flush()

    def _until_due(self) -> float:
        now = now_ns()
        due = self._client.due if self._client else now + IDLE_NS
        return max(0, min(due - now, IDLE_NS)) / 1e9

    def _write(self, t: int, kind: str, **facts: Any) -> None:
        self._out.write(json.dumps({"t": t, "kind": kind, **facts}) + "\n")

    # --- what is seen --------------------------------------------------------------------------

    def _read_addresses(self, watched: Watched, now: int) -> None:
        events, lost = watched.monitor.read()
        if lost:
            self._write(now, "overrun", node=watched.node)
            watched.monitor.ask_all()
        for event in events:
            if event.address in self._addresses:
                self._write(
                    now,
                    "up" if event.present else "down",
                    node=watched.node,
                    address=event.address,
                    interface=event.interface,
                )

    def _read_death(self, watched: Watched, now: int) -> None:
        if select.select([watched.pidfd], [], [], 0)[0]:
            self._write(now, "death", node=watched.node)
            self._drop(watched)

    def _drop(self, watched: Watched) -> None:
        for each in (watched.pidfd, watched.monitor):
            self._selector.unregister(each)
        os.close(watched.pidfd)
        watched.monitor.close()
        del self._nodes[watched.node]

    def _echoes(self, now: int) -> None:
        client = self._client
        if client is None:
            return
        for echo in client.answers(now):
            self._write_echo(echo)
        for echo in client.given_up(now):
            self._write_echo(echo)
        if now >= client.due:
            late = client.send_due(now)
            if late > STALL_NS:
                self._write(now, "stall", ms=round(late / 1e6, 1))

    def _write_echo(self, echo: Echo) -> None:
        node = self._names.get(echo.mac or "")
        self._write(echo.sent, "echo", node=node, **asdict(echo))

    # --- what the lab asks ---------------------------------------------------------------------

    def _command(self) -> bool:
        message = self._commands.recv(1 << 16)
        if not message:
            return False
        command = json.loads(message)
        do = command.pop("do")
        try:
            answer = getattr(self, f"_do_{do}")(**command) or {}
        except OSError as error:
            answer = {"error": f"{do}: {error}"}
        self._commands.send(json.dumps(answer).encode())
        return True

    def _do_attach(self, node: str, pid: int, mac: str) -> None:
        if node in self._nodes:  # its death has not been read yet
            self._read_death(self._nodes[node], now_ns())
        pidfd = os.pidfd_open(pid)
        with network_of(pid):
            monitor = AddressMonitor()
        self._nodes[node] = Watched(node, pidfd, monitor)
        self._names[mac] = node
        self._selector.register(pidfd, selectors.EVENT_READ)
        self._selector.register(monitor, selectors.EVENT_READ)
        self._write(now_ns(), "boot", node=node)

    def _do_watch(self, address: str, client_pid: int) -> None:
        self._addresses.add(address)
        self._client = EchoClient(client_pid, address)
        self._selector.register(self._client, selectors.EVENT_READ)
        for watched in self._nodes.values():
            watched.monitor.ask_all()

    def _do_note(self, event: dict[str, Any]) -> None:
        self._out.write(json.dumps(event) + "\n")

    def _do_sync(self) -> dict[str, int]:
        """Until when the record is complete."""
        self._out.flush()
        now = now_ns()
        return {"decided": self._client.decided_until(now) if self._client else now}


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the lab decides when the record ends
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(REALTIME_PRIORITY))
    except PermissionError:
        pass  # stalls are recorded, so a busy machine cannot hide anything
    commands = socket.socket(fileno=int(sys.argv[1]))
    Observer(commands, sys.argv[2]).loop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
