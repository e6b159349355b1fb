"""A node: a machine in namespaces that can be booted, powered off, hung, and asked.

Promise: power_off() returns when nothing of the node runs any more; its frames stopped first, so
         its peers hear silence and no last word. What the node wrote below /var/lib/fencepost and
         /etc/fencepost survives, everything else is gone. A node that resets itself (reboot(2))
         boots again, one that halts stays off; both are recorded.
Time:    BOOT_DEADLINE and DEATH_DEADLINE bound every wait.
Errors:  LabError.
Threads: any thread may call; one power action at a time per node.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from linux import LabError, attempt, end_process, first_child, wait_for
from switch import Port, Switch

BOOT_DEADLINE = 10.0
DEATH_DEADLINE = 10.0
HOST_NAME_LIMIT = 12
# Nothing of the caller's environment reaches a node. Its boot script has the same.
ENVIRONMENT = ("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8")
INIT = Path(__file__).resolve().parent / "node_init.sh"
RESTARTED = -signal.SIGHUP  # how reboot(2) ends the first process of a pid namespace


@dataclass(frozen=True)
class NodeSpec:
    """`boot` is a shell script, run in the node at each power-on; it starts the daemons."""

    name: str
    number: int  # 1..63: the last part of its addresses
    boot: str
    visible: tuple[Path, ...] = ()


class Witness(Protocol):
    """Who is told what happens to a node (the observer)."""

    def introduce(self, node: str, mac: str) -> None: ...
    def attach(self, node: str, pid: int) -> None: ...
    def note(self, kind: str, **facts: object) -> None: ...


class Node:
    def __init__(self, spec: NodeSpec, switch: Switch, witness: Witness, disk: Path, logs: Path):
        if len(spec.name) > HOST_NAME_LIMIT:
            raise LabError(f"node {spec.name}: a name has at most {HOST_NAME_LIMIT} characters")
        self.name = spec.name
        self.spec = spec
        self.cluster = Port(f"{spec.name}.c", "cluster", spec.number)
        self.storage = Port(f"{spec.name}.s", "storage", spec.number)
        self.disk = disk
        self.logs = logs
        self.boot_script = spec.boot
        self._switch = switch
        self._witness = witness
        self._lock = threading.RLock()
        self._machine: subprocess.Popen[bytes] | None = None
        self._pid1 = 0
        self._closed = False
        witness.introduce(self.name, self.cluster.mac)
        for part in (disk / "var", disk / "etc", disk / "mnt", logs):
            part.mkdir(parents=True, exist_ok=True)

    @property
    def running(self) -> bool:
        return self._machine is not None and self._machine.poll() is None

    @property
    def pid1(self) -> int:
        """The node's first process, as the lab sees it."""
        if not self.running:
            raise LabError(f"{self.name} is off")
        return self._pid1

    @property
    def etc(self) -> Path:
        """The node's /etc/fencepost, from outside; writable while the node is off, too."""
        return self.disk / "etc"

    @property
    def boot_id(self) -> str:
        return self.ask("cat", "/run/fencepost-boot-id").strip()

    # --- power ---------------------------------------------------------------------------------

    def power_on(self, by: str = "lab") -> None:
        with self._lock:
            if self.running or self._closed:
                return
            self._forget_machine()
            self._witness.note("power", node=self.name, order="on", by=by)
            (self.disk / "boot.sh").write_text(self.boot_script)
            self._boot()

    def _boot(self) -> None:
        errors = (self.logs / "init.log").open("ab")
        machine = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--net", "--uts", "--ipc"]
            + ["env", "-i", *ENVIRONMENT]
            + ["sh", str(INIT), self.name, str(self.disk), str(self.logs)]
            + [str(path) for path in self.spec.visible],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )  # fmt: skip
        errors.close()
        assert machine.stdin and machine.stdout
        os.set_blocking(machine.stdout.fileno(), False)
        try:
            self._await_word(machine, b"ready\n")
            pid = wait_for(f"{self.name}'s pid 1", lambda: first_child(machine.pid), BOOT_DEADLINE)
            self._witness.attach(self.name, pid)  # before there is anything to see
            self._switch.plug(self.cluster, "eth0", pid)
            self._switch.plug(self.storage, "eth1", pid)
            machine.stdin.write(b"go\n")
            machine.stdin.close()
            self._await_word(machine, b"rooted\n")
        except BaseException:
            end_process(machine)
            self._switch.unplug(self.cluster, self.storage)
            raise
        self._machine, self._pid1 = machine, pid
        threading.Thread(target=self._watch, args=(machine,), daemon=True).start()

    def _await_word(self, machine: subprocess.Popen[bytes], word: bytes) -> None:
        def said() -> bool:
            assert machine.stdout
            if machine.poll() is not None:
                log = (self.logs / "init.log").read_text(errors="replace")[-500:]
                raise LabError(f"{self.name} does not boot: {log.strip()}")
            return machine.stdout.read() == word

        wait_for(f"{self.name} says {word.decode().strip()}", said, BOOT_DEADLINE, step=0.002)

    def power_off(self, by: str = "lab") -> None:
        """Hard: the cables first, then SIGKILL to pid 1; waits for the end of everything in it."""
        with self._lock:
            machine = self._machine
            if machine is None or machine.poll() is not None:
                return
            self._witness.note("power", node=self.name, order="off", by=by)
            self._switch.darken(self.cluster, self.storage)
            self._machine = None  # so that _watch knows that this end was ordered
            os.kill(self._pid1, signal.SIGKILL)
            try:
                machine.wait(DEATH_DEADLINE)
            except subprocess.TimeoutExpired as stuck:
                self._machine = machine
                raise LabError(f"{self.name}: pid 1 survives SIGKILL") from stuck
            self._switch.unplug(self.cluster, self.storage)

    def _watch(self, machine: subprocess.Popen[bytes]) -> None:
        """The end that nobody ordered: reset or halt from within, or a stray kill."""
        status = machine.wait()
        with self._lock:
            if self._machine is not machine:
                return
            restart = status == RESTARTED
            self._witness.note(
                "power", node=self.name, order="reset" if restart else "off", by="itself"
            )
            self._forget_machine()
            if restart:
                self.power_on(by="itself")

    def _forget_machine(self) -> None:
        if self._machine is not None:
            self._machine = None
            self._switch.unplug(self.cluster, self.storage)

    def close(self) -> None:
        self._closed = True
        self.power_off(by="lab-close")

    # --- in the node ---------------------------------------------------------------------------

    def inside(self, *command: str) -> list[str]:
        """The command line that runs `command` in the running node, for whoever starts it."""
        pid = str(self.pid1)
        enter = ["nsenter", "-t", pid, "-p", "-m", "-n", "-u", "-i", "-r", "-w", "--"]
        tied = ["setpriv", "--pdeathsig", "KILL", "--"]  # no orphan in the node when its caller ends
        return [*enter, *tied, "env", "-i", *ENVIRONMENT, *command]

    def run(self, *command: str, deadline: float = 30.0) -> subprocess.CompletedProcess[str]:
        return attempt(*self.inside(*command), deadline=deadline)

    def ask(self, *command: str, deadline: float = 30.0) -> str:
        """Standard output of a command that must succeed."""
        done = self.run(*command, deadline=deadline)
        if done.returncode != 0:
            cause = done.stderr.strip() or done.stdout.strip()
            raise LabError(f"{self.name}: `{' '.join(command)}`: {done.returncode}: {cause}")
        return done.stdout

    def processes(self) -> dict[int, str]:
        """Pids (as the lab sees them) and command lines of what runs in the node, less pid 1."""
        own = os.readlink(f"/proc/{self.pid1}/ns/pid")
        found: dict[int, str] = {}
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                if int(entry) == self._pid1 or os.readlink(f"/proc/{entry}/ns/pid") != own:
                    continue
                raw = Path(f"/proc/{entry}/cmdline").read_bytes()
            except OSError:
                continue  # it ended while we looked
            found[int(entry)] = raw.replace(b"\0", b" ").decode(errors="replace").strip()
        return found

    def freeze(self, only: Callable[[str], bool] = lambda _: True) -> list[int]:
        """SIGSTOP to every process of the node whose command line passes `only`.

        Works on any cgroup version. Looks again until nothing new appeared, because a process
        may fork while its siblings are being stopped.
        """
        stopped: list[int] = []
        while True:
            fresh = [p for p, line in self.processes().items() if p not in stopped and only(line)]
            if not fresh:
                self._witness.note("freeze", node=self.name, pids=len(stopped))
                return stopped
            for pid in fresh:
                _signal(pid, signal.SIGSTOP)
                stopped.append(pid)

    def thaw(self) -> None:
        for pid in self.processes():
            _signal(pid, signal.SIGCONT)
        self._witness.note("thaw", node=self.name)

    def kill(self, only: Callable[[str], bool], number: signal.Signals = signal.SIGKILL) -> int:
        """Signals the node's processes whose command line passes `only`; says how many."""
        return sum(_signal(pid, number) for pid, line in self.processes().items() if only(line))


def _signal(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
