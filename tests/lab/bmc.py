"""A real BMC for each node: ipmi_sim on standby power, whose chassis commands switch the node.

Power off through IPMI is Node.power_off(): when the BMC answers, nothing of the node runs.
Faults are set while it runs; they change what the next chassis command does.

Promise: the password stands in files of mode 0600 only, in no argv, environment or log.
Time:    START_DEADLINE; `delay` in seconds.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from box import Box, require_alive
from linux import LabError, attempt, wait_for
from node import Node, Witness

USER = "admin"
IPMI_PORT = 623
CIPHER_SUITE = 3  # ipmi_sim knows no SHA-256 suite
START_DEADLINE = 5.0
CHASSIS = Path(__file__).resolve().parent / "chassis.py"

CONFIGURATION = """\
name "{name}"
set_working_mc 0x20
  startlan 1
    addr {address} {port}
    priv_limit admin
    allowed_auths_callback md5
    allowed_auths_user md5
    allowed_auths_operator md5
    allowed_auths_admin md5
    guid {guid}
  endlan
  chassis_control "{chassis}"
  user 1 true "" "{unused}" user 10 none md2 md5 straight
  user 2 true "{user}" "{password}" admin 10 none md2 md5 straight
"""
MACHINE = """\
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
"""


@dataclass
class Faults:
    """What a BMC may do wrong. All false: it does what it is told."""

    lie: bool = False  # takes the order to switch off, does nothing, and answers "off" from then on
    ignore_off: bool = False  # takes the order to switch off, does nothing, and answers "on"
    claim_on: bool = False  # switches off, and answers "on" all the same
    fail: bool = False  # every chassis command fails with completion code 0xff
    delay: float = 0.0  # before every chassis command; clients retransmit meanwhile


class Bmc:
    def __init__(self, node: Node, box: Box, witness: Witness, directory: Path, logs: Path) -> None:
        directory.mkdir(parents=True, mode=0o700)
        self.node = node
        self.box = box
        self.faults = Faults()
        self.user = USER
        self.password_file = directory / "password"
        self._witness = witness
        self._said_off = False
        self._log = logs / f"ipmi_sim-{node.name}.log"
        self._socket_path = directory / "chassis.sock"
        self._write_configuration(directory)
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self._socket_path))
        self._server.listen()
        threading.Thread(target=self._serve, daemon=True).start()
        self._daemon: subprocess.Popen[bytes] = box.start(
            ["ipmi_sim", "-n", "-c", str(directory / "lan.conf"), "-f", str(directory / "cmd.emu")]
            + ["-s", str(directory)],
            self._log,
        )
        wait_for(f"BMC of {node.name}", self._listens, START_DEADLINE)

    def _write_configuration(self, directory: Path) -> None:
        password = secrets.token_hex(8)
        private_file(self.password_file, password)
        chassis = f"{sys.executable} -I -S {CHASSIS} {self._socket_path} {self.node.name}"
        private_file(
            directory / "lan.conf",
            CONFIGURATION.format(
                name=self.node.name,
                address=self.box.address,
                port=IPMI_PORT,
                guid=secrets.token_hex(16),
                chassis=chassis,
                user=USER,
                password=password,
                unused=secrets.token_hex(8),
            ),
        )
        private_file(directory / "cmd.emu", MACHINE)

    @property
    def address(self) -> str:
        return self.box.address

    def hand_password_to(self, node: Node) -> str:
        """Puts the password below `node`'s /etc/fencepost; the path as the node sees it."""
        name = f"bmc-{self.node.name}.password"
        private_file(node.etc / name, self.password_file.read_text())
        return f"/etc/fencepost/{name}"

    def ipmitool(self, *command: str, deadline: float = 30.0) -> subprocess.CompletedProcess[str]:
        """As an operator at the BMC's own network, whatever is cut."""
        return attempt(
            "ipmitool", "-I", "lanplus", "-C", str(CIPHER_SUITE), "-H", self.address, "-U", USER,
            "-f", str(self.password_file), "chassis", *command, net=self.box.pid, deadline=deadline,
        )  # fmt: skip

    def silence(self) -> None:
        self._daemon.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._daemon.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.box.end(self._daemon)
        self._server.close()

    def _listens(self) -> bool:
        require_alive(self._daemon, "ipmi_sim", self._log)
        table = Path(f"/proc/{self.box.pid}/net/udp").read_text()
        return f":{IPMI_PORT:04X} " in table

    # --- chassis commands ----------------------------------------------------------------------

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._serve_one, args=(client,), daemon=True).start()

    def _serve_one(self, client: socket.socket) -> None:
        with client:
            try:
                words = client.makefile().readline().split()
                client.sendall(self._obey(words[1:]).encode())
            except (OSError, LabError) as error:
                self._witness.note("bmc", node=self.node.name, error=str(error))

    def _obey(self, words: list[str]) -> str:
        """Exit code and output for chassis.py: "CODE\\nOUTPUT"."""
        time.sleep(self.faults.delay)
        if self.faults.fail:
            return "1\n"
        verb = next((i for i, word in enumerate(words) if word in ("get", "set", "check")), None)
        if verb is None:
            return "1\n"
        names = words[verb + 1 :]
        if words[verb] == "get":
            return "0\n" + "".join(f"{name}:{self._get(name)}\n" for name in names)
        if words[verb] == "set":
            for name, value in zip(names[::2], names[1::2]):
                self._set(name, value)
        return "0\n"

    def _get(self, name: str) -> str:
        if name != "power":
            return "0"
        if self.faults.claim_on:
            return "1"
        if self.faults.lie and self._said_off:
            return "0"
        return "1" if self.node.running else "0"

    def _set(self, name: str, value: str) -> None:
        if name == "reset" or (name == "power" and value == "0"):
            obeyed = not (self.faults.lie or self.faults.ignore_off)
            order = "reset" if name == "reset" else "off"
            self._witness.note("bmc", node=self.node.name, order=order, obeyed=obeyed)
            self._said_off = order == "off"
            if obeyed:
                self.node.power_off(by="bmc")
        if name == "reset" or (name == "power" and value == "1"):
            if name == "power":
                self._witness.note("bmc", node=self.node.name, order="on", obeyed=True)
            self._said_off = False
            self.node.power_on(by="bmc")


def private_file(path: Path, text: str) -> None:
    """Created with mode 0600, so that there is no instant at which others can read it."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
