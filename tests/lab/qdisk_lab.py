"""qdiskd daemons of two nodes on one LUN, or on three of three targets: for the lab tests of qdiskd.

Promise: close() ends every process a Lab started. Errors: LabError, AssertionError.
"""

from __future__ import annotations

import os
import signal
import subprocess
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path

from linux import LabError, end_process, now_ns, run, wait_for
from qdisk_consumer import Consumer
from sandbox import LAB_ROOT
from target import IQN, Target

TOP = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("FENCEPOST_BUILD_DIR", TOP / "build" / "dev")) / "bin"
SOON = 10.0  # any single step on a busy machine
TAKEOVER = 30.0  # 13 stale cycles, one lease, a few cycles; and a busy machine
LEASE = 4.1  # of the fast profile
BOTH = 0b11


class Loopback:
    """What Target needs of a box, in the sandbox's own network."""

    def __init__(self, address: str) -> None:
        self.address = address

    def start(
        self, command: list[str], log: Path, env: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=env
            )

    def end(self, child: subprocess.Popen[bytes]) -> None:
        end_process(child)


class Daemon:
    """One node's qdiskd with its own directories."""

    def __init__(self, lab: Lab, name: str, node: int, cluster: str = "alpha") -> None:
        self.home = lab.root / name
        self.home.mkdir()
        self.node = node
        self.log = self.home / "log"
        self.log.touch()
        (self.home / "boot").write_text(str(uuid.uuid4()))
        self.key = self.home / "key"
        self.key.write_text("7" * 64 + "\n")
        self.key.chmod(0o600)
        self.config = self.home / "fencepost.toml"
        nodes = "".join(
            f'[[node]]\nname = "node-{n}"\nid = {n}\naddress = "10.0.0.{n}"\n' for n in (1, 2)
        )
        self.config.write_text(
            f'[cluster]\nname = "{cluster}"\nkey = "{self.key}"\nprofile = "fast"\n{nodes}'
            f"{lab.disks()}"
            f'[paths]\nstate_dir = "{self.home}/state"\nrun_dir = "{self.home}/run"\n'
            f'boot_identity_file = "{self.home}/boot"\n'
        )
        self.process: subprocess.Popen[bytes] | None = None
        self.consumers: list[Consumer] = []

    @property
    def socket(self) -> Path:
        return self.home / "run" / "qdiskd.sock"

    def command(self, *more: str) -> list[str]:
        program = str(BIN / "qdiskd")
        return [program, "--config", str(self.config), "--node", str(self.node), *more]

    def start(self) -> None:
        assert self.process is None
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command("-f"), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def consumer(self, hello: bool = True, answers: bool = True) -> Consumer:
        made = wait_for(f"{self.socket}", lambda: self._connect(hello, answers), SOON)
        self.consumers.append(made)
        return made

    def _connect(self, hello: bool, answers: bool) -> Consumer | None:
        try:
            return Consumer(self.socket, hello, answers)
        except OSError:
            return None

    def kill(self) -> None:
        if self.process is not None:
            end_process(self.process)
            self.process = None

    def stop(self) -> int:
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self) -> int:
        assert self.process
        process, code = self.process, wait_for("qdiskd's end", self._code, SOON + LEASE)
        del process
        self.process = None
        return code[0]

    def _code(self) -> tuple[int] | None:
        assert self.process
        code = self.process.poll()
        return None if code is None else (code,)

    def said(self, text: str) -> int:
        return self.log.read_text(errors="replace").count(text)

    def expect(self, text: str) -> None:
        wait_for(f"'{text}' in {self.log}", lambda: self.said(text) > 0, SOON)

    def close(self) -> None:
        for each in self.consumers:
            each.close()
        self.kill()


class Lab:
    def __init__(self, root: Path, targets: int = 1) -> None:
        self.root = root
        root.mkdir()
        self.daemons: list[Daemon] = []
        self.targets: list[Target] = []
        for n in range(1, targets + 1):
            home = root / f"target{n}"
            box = Loopback(f"127.0.0.{n}")
            self.targets.append(Target(box, home, home, iqn=f"{IQN}{n}"))  # type: ignore[arg-type]
            self.targets[-1].start()
        self.target = self.targets[0]

    def disks(self) -> str:
        """Of the configuration."""
        if len(self.targets) == 1:
            return f'[quorum_disk]\ndevice = "{self.target.url}"\nlabel = "lab"\n'
        each = "".join(f'[[quorum_disk.disk]]\ndevice = "{t.url}"\n' for t in self.targets)
        return f'[quorum_disk]\nlabel = "lab"\n{each}'

    def daemon(self, name: str, node: int, cluster: str = "alpha") -> Daemon:
        made = Daemon(self, name, node, cluster)
        self.daemons.append(made)
        return made

    def make_disk(self, daemon: Daemon, target: Target | None = None) -> None:
        run(
            str(BIN / "mkqdisk"), "-c", (target or self.target).url, "-l", "lab", "-y",
            "--nodes", "2", "--config", str(daemon.config),
        )  # fmt: skip

    def pair(self) -> tuple[Daemon, Daemon, Consumer, Consumer]:
        """Two daemons that see each other, two consumers that hear each other."""
        one, two = self.daemon("one", 1), self.daemon("two", 2)
        for target in self.targets:
            self.make_disk(one, target)
        one.start()
        two.start()
        first, second = one.consumer(), two.consumer()
        for each in (first, second):
            wait_for("both nodes fresh", lambda c=each: sees_both(c), SOON)
            each.report(BOTH)
        return one, two, first, second

    def close(self) -> None:
        for daemon in self.daemons:
            daemon.close()
        for target in self.targets:
            target.kill()

    def logs(self) -> str:
        return "".join(f"--- {d.home.name}\n{d.log.read_text()}" for d in self.daemons)


def sees_both(consumer: Consumer) -> bool:
    view = consumer.heard.view
    if view is None or not view.readable:
        return False
    return all(n.fresh and n.sequence > 0 for n in view.nodes.values()) and len(view.nodes) == 2


def hold(consumer: Consumer, wanted: int) -> None:
    consumer.want(wanted)
    wait_for("the vote", consumer.counts, SOON)


def holder_seen_by(consumer: Consumer) -> int:
    return consumer.heard.view.held if consumer.heard.view else 0


def watch_for(seconds: float, holder: Consumer, other: Consumer) -> None:
    """For so long `holder` counts the vote and `other` does not."""
    end = now_ns() + int(seconds * 1e9)
    while now_ns() < end:
        assert holder.counts(), "the holder lost the vote"
        assert not other.counts(), "two hold the vote"
        try:
            wait_for("", lambda: False, 0.05)
        except LabError:
            pass


def saw(text: str) -> None:
    print(f"    {text}", flush=True)


def run_checks(module: dict[str, object], names: list[str], targets: int = 1) -> int:
    """Each function of `module` that is called check_..., with a Lab of its own."""
    run("ip", "link", "set", "lo", "up")
    checks: list[Callable[[Lab], None]] = [
        value for name, value in module.items() if name.startswith("check_") and callable(value)
    ]
    failed = 0
    for number, check in enumerate(checks):
        title = check.__name__.removeprefix("check_").replace("_", " ")
        if names and not any(name in check.__name__ for name in names):
            continue
        print(f"  {title}", flush=True)
        lab = Lab(Path(LAB_ROOT) / f"q{number}", targets)
        try:
            check(lab)
        except (AssertionError, LabError, OSError, subprocess.TimeoutExpired):
            failed += 1
            traceback.print_exc()
            print(lab.logs(), flush=True)
        finally:
            lab.close()
    print(f"{'FAILED: ' + str(failed) if failed else 'all checks held'}", flush=True)
    return 1 if failed else 0
