"""A consumer of qdiskd, as fencepostd is one: for lab tests.

Promise: it speaks docs/format/local.md, answers MustDrop unless told not to, and keeps with each
         lease when it came and until when it counts.
Time:    nanoseconds of CLOCK_BOOTTIME, the daemon's own clock.
"""

from __future__ import annotations

import socket
import struct
import threading
from dataclasses import dataclass, field
from pathlib import Path

from linux import now_ns

VERSION = 4
HELLO, WATCH, WANT, DROPPED, REPORT = range(5)
WELCOME, VIEW, HELD, WAITING, MUST_DROP, REFUSED = range(6)
MAX_MESSAGE = 65536


def term(counter: int, node: int) -> int:
    return counter << 8 | node


class Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def get(self, form: str) -> int:
        size = struct.calcsize("<" + form)
        (value,) = struct.unpack("<" + form, self.take(size))
        return int(value)

    def take(self, size: int) -> bytes:
        head, self._data = self._data[:size], self._data[size:]
        assert len(head) == size, "a message is too short"
        return head

    def text(self) -> str:
        return self.take(self.get("H")).decode()

    def done(self) -> None:
        assert not self._data, f"{len(self._data)} bytes too many"


@dataclass
class NodeOnDisk:
    node: int
    incarnation: int
    sequence: int
    held: int
    conceded: int
    fresh: bool


@dataclass
class Disk:
    device: str
    uuid: str
    barrier: str
    trouble: str  # empty: it is in use


@dataclass
class View:
    readable: bool
    held: int
    trouble: str
    nodes: dict[int, NodeOnDisk]
    cycle_us: int
    disks: list[Disk]
    fit: bool


def read_node(r: Reader) -> NodeOnDisk:
    node = r.get("B")
    r.take(16)
    incarnation, sequence, _, held, conceded = (r.get("Q") for _ in range(5))
    r.take(16)  # boot in which it held
    r.take(8 + 4 + 4 + 4)  # report
    r.take(8 + 3 * 4 + 8)  # interval, latencies, wall time
    r.text()
    fresh = r.get("B") != 0
    r.take(1 + 8 + 8)  # shared, changes, silent
    return NodeOnDisk(node, incarnation, sequence, held, conceded, fresh)


def read_disk(r: Reader) -> Disk:
    disk = Disk(*(r.text() for _ in range(4)))
    r.take(3 * 4)  # latencies
    return disk


def read_fit(r: Reader) -> bool:
    r.take(3 * 4)  # score, highest, min_score
    fit = r.get("B") != 0
    for _ in range(r.get("B")):
        r.text()
        r.take(1 + 4)  # state, score
        r.text()
        r.take(8)  # age
    return fit


def read_view(r: Reader) -> View:
    readable = r.get("B") != 0
    r.take(8 + 8)
    held = r.get("Q")
    r.take(8 + 1)
    r.text()  # why this side
    r.take(2)
    trouble = r.text()
    nodes = [read_node(r) for _ in range(r.get("B"))]
    cycle_us = r.get("I")
    disks = [read_disk(r) for _ in range(r.get("B"))]
    fit = read_fit(r)
    r.done()
    return View(readable, held, trouble, {n.node: n for n in nodes}, cycle_us, disks, fit)


@dataclass
class Lease:
    term: int
    came: int
    deadline: int


@dataclass
class Heard:
    leases: list[Lease] = field(default_factory=list)
    must_drop: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    view: View | None = None
    welcomed: bool = False
    gone: bool = False


class Consumer:
    def __init__(self, path: Path, hello: bool = True, answers: bool = True) -> None:
        self.heard = Heard()
        self._answers = answers
        self._dropped = 0
        self._report = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.connect(str(path))
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        if hello:
            self.say(HELLO)

    def say(self, kind: int, body: bytes = b"") -> None:
        self._socket.send(bytes([VERSION, kind]) + body)

    def want(self, wanted: int) -> None:
        self.say(WANT, struct.pack("<QB", wanted, 1))

    def report(self, view: int, score: int = 0) -> None:
        """Said now, and again with each view: qdiskd takes a silent consumer for hung."""
        self._report = struct.pack("<QiIBBBB", view, score, 1, 0, 0, 0, 0)
        self.say(REPORT, self._report)

    def daemon_pid(self) -> int:
        raw = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int(struct.unpack("<iII", raw)[0])

    def counts(self) -> bool:
        """Whether this consumer counts the disk's vote now."""
        last = self.heard.leases[-1] if self.heard.leases else None
        return last is not None and last.term > self._dropped and now_ns() < last.deadline

    def close(self) -> None:
        """As kill -9 of the consumer's process looks to the daemon."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the daemon was first
        self._thread.join(5)
        self._socket.close()

    def _listen(self) -> None:
        try:
            while data := self._socket.recv(MAX_MESSAGE):
                self._hear(Reader(data))
        except OSError:
            pass
        self.heard.gone = True

    def _hear(self, r: Reader) -> None:
        version, kind = r.get("B"), r.get("B")
        assert version == VERSION, f"version {version}"
        if kind == WELCOME:
            self.heard.welcomed = True
        elif kind == VIEW:
            self.heard.view = read_view(r)
            if self._report:
                self.say(REPORT, self._report)
        elif kind == HELD:
            self.heard.leases.append(Lease(r.get("Q"), now_ns(), r.get("Q")))
        elif kind == MUST_DROP:
            dropped = r.get("Q")
            self.heard.must_drop.append(r.text())
            if self._answers:
                self._dropped = max(self._dropped, dropped)
                self.say(DROPPED, struct.pack("<Q", dropped))
        elif kind == REFUSED:
            r.take(16)
            self.heard.refused.append(r.text())
