"""IPv4 address events of one network namespace, from the kernel itself (rtnetlink(7)).

Promise: parse() never raises on what a kernel sends; unknown messages and attributes are skipped.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

RTMGRP_IPV4_IFADDR = 0x10
RTM_NEWADDR = 20
RTM_DELADDR = 21
RTM_GETADDR = 22
NLM_F_REQUEST_DUMP = 0x301
IFA_LOCAL = 2
RECEIVE_BUFFER = 1 << 20
_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_ADDRESS = struct.Struct("=BBBBI")  # ifaddrmsg: family, prefix length, flags, scope, index
_ATTRIBUTE = struct.Struct("=HH")


@dataclass(frozen=True)
class AddressEvent:
    present: bool
    address: str
    interface: int  # its index in that namespace


class AddressMonitor:
    """Belongs to the network namespace in which it was made, wherever its reader is."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._socket.setblocking(False)
        self._socket.bind((0, RTMGRP_IPV4_IFADDR))
        self.ask_all()

    def fileno(self) -> int:
        return self._socket.fileno()

    def ask_all(self) -> None:
        """Every present address will be reported as an event."""
        body = _ADDRESS.pack(socket.AF_INET, 0, 0, 0, 0)
        size = _HEADER.size + len(body)
        self._socket.send(_HEADER.pack(size, RTM_GETADDR, NLM_F_REQUEST_DUMP, 1, 0) + body)

    def read(self) -> tuple[list[AddressEvent], bool]:
        """What has arrived, and whether the kernel had to drop some."""
        events: list[AddressEvent] = []
        lost = False
        while True:
            try:
                events += parse(self._socket.recv(1 << 16))
            except BlockingIOError:
                return events, lost
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                lost = True

    def close(self) -> None:
        self._socket.close()


def parse(data: bytes) -> Iterator[AddressEvent]:
    at = 0
    while at + _HEADER.size <= len(data):
        size, kind, _, _, _ = _HEADER.unpack_from(data, at)
        if size < _HEADER.size or at + size > len(data):
            return
        if kind in (RTM_NEWADDR, RTM_DELADDR):
            event = _address(kind, data[at + _HEADER.size : at + size])
            if event:
                yield event
        at += _aligned(size)


def _address(kind: int, body: bytes) -> AddressEvent | None:
    if len(body) < _ADDRESS.size:
        return None
    family, _, _, _, interface = _ADDRESS.unpack_from(body)
    at = _ADDRESS.size
    while family == socket.AF_INET and at + _ATTRIBUTE.size <= len(body):
        size, name = _ATTRIBUTE.unpack_from(body, at)
        if size < _ATTRIBUTE.size or at + size > len(body):
            return None
        value = body[at + _ATTRIBUTE.size : at + size]
        if name == IFA_LOCAL and len(value) == 4:
            return AddressEvent(kind == RTM_NEWADDR, socket.inet_ntoa(value), interface)
        at += _aligned(size)
    return None


def _aligned(size: int) -> int:
    return (size + 3) & ~3
