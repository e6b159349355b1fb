"""A client's view: one ICMP echo to the virtual address each period, and who answers.

Sent through the kernel's own neighbour table, as a real client's packets are: a takeover that does
not announce itself is seen as lost echoes. The answering hardware address is that of the frame.

Promise: every echo sent is reported once, answered or, PATIENCE after it was sent, not.
Time:    CLOCK_BOOTTIME nanoseconds.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from linux import network_of, now_ns

PERIOD_NS = 10_000_000
PATIENCE_NS = 500_000_000
STALL_NS = 30_000_000  # later than this with an echo: the observer itself was held up
ETH_P_IP = 0x0800
ECHO_REQUEST, ECHO_REPLY = 8, 0
_ICMP = struct.Struct("!BBHHH")
# The kernel has no way to the address just now; the echo counts as sent and lost.
_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EAGAIN, errno.ENOBUFS, errno.EHOSTDOWN}


@dataclass(frozen=True)
class Echo:
    number: int
    sent: int
    answered: int | None
    mac: str | None


class EchoClient:
    def __init__(self, pid: int, address: str) -> None:
        self._address = address
        self._identity = os.getpid() & 0xFFFF
        self._number = 0
        self._waiting: dict[int, tuple[int, int]] = {}  # sequence on the wire: number, sent
        self.due = now_ns()
        with network_of(pid):
            self._out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            self._in = socket.socket(
                socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP)
            )
            self._in.bind(("eth0", ETH_P_IP))
        self._out.setblocking(False)
        self._in.setblocking(False)

    def fileno(self) -> int:
        return self._in.fileno()

    def send_due(self, now: int) -> int:
        """Sends the echo that is due; how late it is (ns). Echoes missed in a stall are skipped."""
        late = now - self.due
        self._number += 1
        sequence = self._number & 0xFFFF
        self._waiting[sequence] = (self._number, now)
        try:
            self._out.sendto(_request(self._identity, sequence), (self._address, 0))
        except OSError as error:
            if error.errno not in _UNREACHABLE:
                raise
        self.due += PERIOD_NS * (1 + max(0, late) // PERIOD_NS)
        return late

    def answers(self, now: int) -> Iterator[Echo]:
        while True:
            try:
                packet, origin = self._in.recvfrom(2048)
            except BlockingIOError:
                return
            sequence = self._reply_sequence(packet)
            if sequence in self._waiting:
                number, sent = self._waiting.pop(sequence)
                yield Echo(number, sent, now, ":".join(f"{byte:02x}" for byte in origin[4]))

    def given_up(self, now: int) -> Iterator[Echo]:
        for sequence, (number, sent) in list(self._waiting.items()):
            if now - sent < PATIENCE_NS:
                return  # in order of sending
            del self._waiting[sequence]
            yield Echo(number, sent, None, None)

    def decided_until(self, now: int) -> int:
        """Every echo sent before this time has been reported."""
        return min((sent for _, sent in self._waiting.values()), default=now)

    def _reply_sequence(self, packet: bytes) -> int | None:
        if len(packet) < 20 or packet[9] != socket.IPPROTO_ICMP:
            return None
        if socket.inet_ntoa(packet[12:16]) != self._address:
            return None
        header = (packet[0] & 0x0F) * 4
        if len(packet) < header + _ICMP.size:
            return None
        kind, _, _, identity, sequence = _ICMP.unpack_from(packet, header)
        return sequence if kind == ECHO_REPLY and identity == self._identity else None


def _request(identity: int, sequence: int) -> bytes:
    words = (ECHO_REQUEST << 8, identity, sequence)
    total = sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return _ICMP.pack(ECHO_REQUEST, 0, ~total & 0xFFFF, identity, sequence)
