"""The shared disk: tgtd with one LUN (a file in memory), in a box on the storage bridge.

Promise: start() returns when initiators can log in. The LUN's bytes survive kill() and start(), as
         a disk array's do; registrations and reservations do not (tgt keeps them in memory).
Time:    START_DEADLINE.
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from box import Box, require_alive
from linux import LabError, attempt, run, wait_for

IQN = "iqn.2024-01.org.example.fencepost:quorum"
ISCSI_PORT = 3260
LUN = 1  # LUN 0 is tgt's controller
LUN_BYTES = 64 * 1024 * 1024  # sparse
START_DEADLINE = 5.0
SOCKET_PATH_LIMIT = 100  # sun_path is 108 bytes, and tgtd appends ".0" and ".lock"


class Target:
    def __init__(
        self, box: Box, directory: Path, logs: Path, lun_bytes: int = LUN_BYTES, iqn: str = IQN
    ) -> None:
        directory.mkdir(parents=True)
        self.box = box
        self.iqn = iqn
        self.image = directory / "lun"
        self._socket = directory / "ipc"
        self._log = logs / "tgtd.log"
        self._daemon: subprocess.Popen[bytes] | None = None
        if len(str(self._socket)) > SOCKET_PATH_LIMIT:
            raise LabError(f"{self._socket}: too long for tgtd's control socket")
        with self.image.open("wb") as image:
            image.truncate(lun_bytes)

    @property
    def portal(self) -> str:
        return f"{self.box.address}:{ISCSI_PORT}"

    @property
    def url(self) -> str:
        return f"iscsi://{self.portal}/{self.iqn}/{LUN}"

    def start(self) -> None:
        """Power on, or after kill(): the array comes back with its data."""
        if self._daemon is not None:
            return
        for stale in self._socket.parent.glob("ipc*"):
            stale.unlink()
        self._daemon = self.box.start(
            ["tgtd", "-f", "-t", "2", "--iscsi", f"portal={self.portal}"],
            self._log,
            env=self._environment(),
        )
        wait_for("tgtd's control socket", self._answers, START_DEADLINE)
        self.admin("--op", "new", "--mode", "target", "--tid", "1", "-T", self.iqn)
        self.admin(
            "--op", "new", "--mode", "logicalunit", "--tid", "1", "--lun", str(LUN),
            "-b", str(self.image), "--bstype", "rdwr",
        )  # fmt: skip
        self.admin("--op", "bind", "--mode", "target", "--tid", "1", "-I", "ALL")

    def admin(self, *arguments: str) -> str:
        """tgtadm against this daemon."""
        return run("tgtadm", "--lld", "iscsi", *arguments, env=self._environment())

    def hang(self) -> None:
        """I/O hangs; the kernel still acknowledges what initiators send."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """As when the array reboots. (SIGTERM does not end a tgtd that has a target.)"""
        if self._daemon is not None:
            self.box.end(self._daemon)
            self._daemon = None

    def _signal(self, number: signal.Signals) -> None:
        if self._daemon is None:
            raise LabError(f"cannot send {number.name}: tgtd is not running")
        self._daemon.send_signal(number)

    def _answers(self) -> bool:
        assert self._daemon
        require_alive(self._daemon, "tgtd", self._log)
        show = ["tgtadm", "--lld", "iscsi", "--op", "show", "--mode", "sys"]
        return attempt(*show, env=self._environment()).returncode == 0

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "TGT_IPC_SOCKET": str(self._socket)}
