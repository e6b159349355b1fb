"""A box: a machine of which only the network matters (target, BMC, client).

It is a network namespace kept open by one sleeping process, plugged into the switch. Programs run
in it by start(); they and the holder end with close().
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from linux import LabError, end_process, wait_for, within
from switch import Port, Switch

START_DEADLINE = 5.0


class Box:
    def __init__(self, switch: Switch, port: Port) -> None:
        self.port = port
        self._switch = switch
        self._children: list[subprocess.Popen[bytes]] = []
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sleep", "infinity"], stdin=subprocess.DEVNULL
        )
        try:
            ours = os.readlink("/proc/self/ns/net")
            own = f"/proc/{self.pid}/ns/net"
            wait_for(f"network of {port.name}", lambda: os.readlink(own) != ours, START_DEADLINE)
            switch.plug(port, "eth0", self.pid)
        except BaseException:
            end_process(self._holder)
            raise

    @property
    def pid(self) -> int:
        """A process in the box's network namespace."""
        return self._holder.pid

    @property
    def address(self) -> str:
        return self.port.address

    def start(
        self, command: list[str], log: Path, env: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            child = subprocess.Popen(
                within(self.pid, command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if env is None else {**os.environ, **env},
            )
        self._children.append(child)
        return child

    def end(self, child: subprocess.Popen[bytes]) -> None:
        end_process(child)
        self._children.remove(child)

    def close(self) -> None:
        for child in [*self._children]:
            self.end(child)
        self._switch.unplug(self.port)
        end_process(self._holder)


def require_alive(child: subprocess.Popen[bytes], what: str, log: Path) -> None:
    """LabError with the end of its log when `child` has ended by itself."""
    if child.poll() is not None:
        tail = log.read_text(errors="replace")[-500:].strip()
        raise LabError(f"{what} ended with {child.returncode}: {tail}")
