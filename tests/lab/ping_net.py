"""Two network namespaces and a line between them, for the tests of pingd and send_arp; and a double
of fencepostd's local socket that remembers what it was told.

Promise: everything lives in the sandbox of the test and ends with it. Every wait has a deadline.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
from pathlib import Path

from linux import LabError, attempt, end_process, run, wait_for, within

PATIENCE = 15.0  # what a loaded machine may need for anything; reaching it is a failure
QUICK = 'interval = "100ms"\ntimeout = "100ms"\ndampen = "300ms"\n'
NODE_MAC, WORLD_MAC = "02:98:00:00:00:01", "02:98:00:00:00:02"


class Space:
    """A network namespace, kept by a process that sleeps in it."""

    def __init__(self) -> None:
        self.keeper = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        own = os.readlink("/proc/self/ns/net")
        wait_for("a namespace", lambda: os.readlink(f"/proc/{self.keeper.pid}/ns/net") != own, 10)
        self("ip", "link", "set", "lo", "up")

    def __call__(self, *command: str) -> str:
        return run(*command, net=self.keeper.pid)

    def attempt(self, *command: str) -> subprocess.CompletedProcess[str]:
        return attempt(*command, net=self.keeper.pid)

    def start(self, *command: str, **options: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(within(self.keeper.pid, command), **options)  # type: ignore

    def nft(self, rules: str) -> None:
        """The rules of chain `in` or `out`; an empty text takes all away."""
        self.attempt("nft", "delete", "table", "inet", "lab")
        if rules:
            chains = "".join(
                f"chain {name} {{ type filter hook {hook} priority 0; "
                + "".join(r.removeprefix(name + " ") + "; " for r in rules.split(";")
                          if r.startswith(name + " "))
                + "}\n"
                for name, hook in (("in", "input"), ("out", "output"))
            )
            self("nft", f"table inet lab {{\n{chains}}}")

    def close(self) -> None:
        end_process(self.keeper)


class Line:
    """node (10.98.0.1, fd98::1) and world (10.98.0.2, fd98::2) with eth0 each."""

    def __init__(self, ipv4: bool = True) -> None:
        self.ipv4 = ipv4
        self.node, self.world = Space(), Space()
        for space in (self.node, self.world):
            space.attempt("sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
            space("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
        self.plug()

    def plug(self) -> None:
        self.node("ip", "link", "add", "eth0", "address", NODE_MAC, "type", "veth", "peer", "name",
                  "eth0", "address", WORLD_MAC, "netns", str(self.world.keeper.pid))
        for space, number in ((self.node, 1), (self.world, 2)):
            if self.ipv4:
                space("ip", "addr", "add", f"10.98.0.{number}/16", "dev", "eth0")
            space("ip", "addr", "add", f"fd98::{number}/64", "dev", "eth0", "nodad")
            space("ip", "link", "set", "eth0", "up")
        for space in (self.node, self.world):  # until then IPv6 does not listen
            wait_for("the link-local address",
                     lambda: "fe80" in space("ip", "-6", "addr", "show", "dev", "eth0",
                                             "-tentative"), PATIENCE)

    def unplug(self) -> None:
        self.node("ip", "link", "del", "eth0")

    def close(self) -> None:
        self.node.close()
        self.world.close()


class Fencepostd:
    """Answers every request with {"done": true}; `values` is what the attribute became, in order."""

    def __init__(self, run_dir: Path) -> None:
        self.values: list[str | None] = []
        self._path = run_dir / "fencepostd.sock"
        self._peers: list[socket.socket] = []
        self.start()

    def start(self) -> None:
        self._path.unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._server.bind(str(self._path))
        self._server.listen()
        threading.Thread(target=self._serve, args=(self._server,), daemon=True).start()

    def stop(self) -> None:
        self._path.unlink(missing_ok=True)
        self._server.shutdown(socket.SHUT_RDWR)
        for peer in self._peers:
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it went first
        self._peers.clear()

    def _serve(self, server: socket.socket) -> None:
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            self._peers.append(peer)
            threading.Thread(target=self._hear, args=(peer,), daemon=True).start()

    def _hear(self, peer: socket.socket) -> None:
        while True:
            try:
                message = peer.recv(65536)
                if not message:
                    return
                request = json.loads(message)
                if (request["command"], request["name"]) != ("attribute", "pingd"):
                    raise LabError(f"not what pingd may ask: {request}")
                self.values.append(request["value"])
                peer.send(b'{"done": true}')
            except OSError:
                return

    def expect(self, *values: str | None) -> None:
        """The last things told, as soon as they are."""
        wanted = list(values)
        wait_for(f"pingd tells {wanted}, so far {self.values}",
                 lambda: self.values[-len(wanted):] == wanted, PATIENCE)

    def stays(self, seconds: float) -> None:
        before = list(self.values)
        time.sleep(seconds)
        if self.values != before:
            raise LabError(f"told without cause: {self.values[len(before):]}")


class Pingd:
    """The real daemon on the node, quick: a loss is told within about 0.7 s."""

    def __init__(self, line: Line, bin_dir: str, run_dir: Path, config: str,
                 *options: str, times: str = QUICK) -> None:
        self._line, self._program, self.run_dir = line, f"{bin_dir}/pingd", run_dir
        self.log = run_dir / "pingd.log"
        file = run_dir / "fencepost.toml"
        file.write_text(
            '[cluster]\nname = "lab"\n[[node]]\nname = "a"\nid = 1\naddress = "10.98.0.1"\n'
            f'[paths]\nrun_dir = "{run_dir}"\n'
            f"[ping]\nmultiplier = 1000\n{times}{config}"
        )
        with self.log.open("wb") as log:
            self.process = line.node.start(self._program, "--config", str(file), *options,
                                           stderr=log)

    def status(self) -> dict:
        told = self._line.node.attempt(self._program, "--status", "--json", "--run-dir",
                                       str(self.run_dir))
        if told.returncode > 1:
            raise LabError(told.stderr.strip())
        return json.loads(told.stdout)

    def said(self, *parts: str) -> None:
        wait_for(f"a fact with {parts}",
                 lambda: any(all(part in line for part in parts)
                             for line in self.log.read_text().splitlines()), PATIENCE)

    def stop(self) -> None:
        self.process.terminate()
        code = self.process.wait(PATIENCE)
        if code != 0:
            raise LabError(f"pingd ended with {code}: {self.log.read_text()[-500:]}")

    def close(self) -> None:
        end_process(self.process)


def target(host: str, *more: str) -> str:
    return f'[[ping.target]]\nhost = "{host}"\n' + "".join(f"{line}\n" for line in more)
