"""The lab's end of the observer process (observer_main.py): commands it, reads its record.

Promise: after note() or attach() returned it is in the record; settled() holds everything that
         happened before it was called, with every echo decided.
Threads: any thread may call.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from linux import LabError, end_process, now_ns, wait_for
from record import Reader, Record

ANSWER_DEADLINE = 10.0
MAIN = Path(__file__).resolve().parent / "observer_main.py"


class Observer:
    def __init__(self, events: Path, log: Path) -> None:
        self.events = events
        self._lock = threading.Lock()
        self._macs: dict[str, str] = {}
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.settimeout(ANSWER_DEADLINE)
        events.touch()
        self._reader = Reader(events)
        with theirs, log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, str(MAIN), str(theirs.fileno()), str(events)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
            )
        self._log = log

    def introduce(self, node: str, mac: str) -> None:
        """Whose hardware address `mac` is; needed before attach()."""
        self._macs[node] = mac

    def attach(self, node: str, pid: int) -> None:
        self._command(do="attach", node=node, pid=pid, mac=self._macs[node])

    def watch(self, address: str, client_pid: int) -> None:
        """The virtual address, and the client that sends echoes to it."""
        self._command(do="watch", address=address, client_pid=client_pid)

    def note(self, kind: str, **facts: object) -> None:
        """A record of the lab's own: what it did, or what it was asked."""
        event = {"t": now_ns(), "kind": kind, **facts}
        self._command(do="note", event=event)

    def so_far(self) -> Record:
        """The record as it is; the echoes of the last half second may be missing."""
        with self._lock:
            return self._reader.read()

    def settled(self) -> Record:
        asked = now_ns()
        wait_for(
            "the last echoes", lambda: self._command(do="sync")["decided"] >= asked, ANSWER_DEADLINE
        )
        return self.so_far()

    def hold_up(self, seconds: float) -> None:
        """Stops the observer for so long: a test that it confesses."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            threading.Event().wait(seconds)
        finally:
            self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self._ours.close()
        self._reader.close()
        end_process(self._process)

    def _command(self, **command: Any) -> dict[str, Any]:
        with self._lock:
            try:
                self._ours.send(json.dumps(command).encode())
                answer = self._ours.recv(1 << 16)
            except OSError as error:
                raise LabError(f"no answer from the observer ({error}); see {self._log}") from error
        if not answer:
            raise LabError(f"the observer ended; see {self._log}")
        facts: dict[str, Any] = json.loads(answer)
        if "error" in facts:
            raise LabError(f"observer: {facts['error']}")
        return facts
