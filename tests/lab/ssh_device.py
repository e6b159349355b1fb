"""A device for tests that is commanded over ssh: a real sshd on loopback in a mount namespace of its own,
with accounts of its own, whose every command is answered by ssh_screen.py."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from ipmi_bmc import PASSWORD, expect

HERE = os.path.dirname(os.path.abspath(__file__))
CONF = """Port {port}
ListenAddress 127.0.0.1
HostKey {dir}/host_key
PidFile {dir}/pid
UsePAM no
StrictModes no
PermitRootLogin yes
MaxStartups 100
AuthorizedKeysFile {dir}/authorized_keys
AllowUsers fosadm
ForceCommand {here}/ssh_screen.py {dir}/state
"""
START = """mount --make-rprivate / &&
for f in passwd shadow group; do mount --bind {dir}/$f /etc/$f || exit 1; done
mkdir -p /run/sshd && exec /usr/sbin/sshd -D -e -f {dir}/sshd_config
"""


def tcp_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(*words, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=30,
                          **more).stdout.strip()


class SshDevice:
    def __init__(self, kind, table, names):
        self.dir = tempfile.mkdtemp(prefix="fence-ssh-")
        self.table, self.port, self.process = table, tcp_port(), None
        self.write({"kind": kind, table: {name: True for name in names}, "faults": {}, "log": []})
        for key in ("host_key", "login", "stranger"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path(key))
        shutil.copy(self.path("login.pub"), self.path("authorized_keys"))
        with open(self.path("host_key.pub"), encoding="ascii") as f:
            key = " ".join(f.read().split()[:2])
        self.put("known_hosts", f"[127.0.0.1]:{self.port} {key}\n")
        self.fingerprint = run("ssh-keygen", "-lf", self.path("host_key.pub")).split()[1]
        secret = run("openssl", "passwd", "-6", "-stdin", input=PASSWORD)
        accounts = {"passwd": f"fosadm:x:0:0::{self.dir}:/bin/sh\n",
                    "shadow": f"fosadm:{secret}:19000:0:99999:7:::\n", "group": ""}
        for name, line in accounts.items():
            with open(f"/etc/{name}", encoding="utf-8") as f:
                self.put(name, f.read() + line)
        self.put("sshd_config", CONF.format(port=self.port, dir=self.dir, here=HERE))

    def path(self, name):
        return os.path.join(self.dir, name)

    def put(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path(name), 0o600)

    def write(self, state):
        self.put("state.test", json.dumps(state))
        os.rename(self.path("state.test"), self.path("state"))

    def read(self):
        with open(self.path("state"), encoding="ascii") as f:
            return json.load(f)

    def fault(self, **faults):
        state = self.read()
        state["faults"] = faults
        self.write(state)

    def log(self):
        return self.read()["log"]

    def on(self):
        return self.read()[self.table]

    def set(self, name, on):
        state = self.read()
        state[self.table][name] = on
        self.write(state)

    def signal(self, number):
        self.process.send_signal(number)

    def __enter__(self):
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", START.format(dir=self.dir)], stdout=log,
                stderr=log, start_new_session=True)
        limit = time.monotonic() + 20
        while not os.path.exists(self.path("pid")):
            expect(self.process.poll() is None and time.monotonic() < limit,
                   f"sshd does not start: {open(self.path('log'), encoding='utf-8').read()}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        try:
            os.kill(self.process.pid, signal.SIGCONT)
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)
