"""A BMC for tests: ipmi_sim on loopback whose machine is a file, and a relay in front of it."""
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

PASSWORD = "s3cr3t-Pa55"
CHASSIS = """#!/bin/sh
# get|set power [0|1]: the machine is one file.
cd "{dir}" || exit 1
echo "$2 $3 $4" >> log
[ -e delay ] && sleep "$(cat delay)"
[ -e fail ] && exit 1
case "$2 $3" in
"get power") echo "power:$(cat state)" ;;
"set power") [ -e stuck ] || echo "$4" > state ;;
esac
exit 0
"""
LAN = """name "n1"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 {port}
    priv_limit admin
    allowed_auths_callback md5
    allowed_auths_user md5
    allowed_auths_operator md5
    allowed_auths_admin md5
    {kg}
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "{dir}/chassis n1"
  user 1 true "" "test" user 10 none md2 md5 straight
  user 2 true "admin" "{password}" admin 10 none md2 md5 straight
  user 3 true "mon" "monpw" user 10 none md2 md5 straight
  user 4 true "oper" "operpw" operator 10 none md2 md5 straight
"""
EMU = """mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
"""


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


def boottime_ms():
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Bmc:
    def __init__(self, state="1", kg=None):
        self.dir = tempfile.mkdtemp(prefix="fencepost-bmc-")
        self.port = free_port()
        self.put("state", state)
        self.put("chassis", CHASSIS.format(dir=self.dir))
        os.chmod(self.path("chassis"), 0o755)
        self.put("lan.conf", LAN.format(dir=self.dir, port=self.port, password=PASSWORD,
                                       kg=f'bmc_key "{kg}"' if kg else ""))
        self.put("cmd.emu", EMU)
        self.put("password", PASSWORD + "\n")
        os.chmod(self.path("password"), 0o600)
        os.mkdir(self.path("nv"))
        self.process = subprocess.Popen(
            ["ipmi_sim", "-n", "-c", self.path("lan.conf"), "-f", self.path("cmd.emu"),
             "-s", self.path("nv")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        self.wait_ready()

    def wait_ready(self):
        ping = bytes([6, 0, 255, 6, 0, 0, 17, 190, 128, 0, 0, 0])
        for _ in range(50):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(0.1)
                try:
                    s.connect(("127.0.0.1", self.port))
                    s.send(ping)
                    s.recv(64)
                    return
                except OSError:
                    time.sleep(0.05)
        self.close()
        raise Failed("ipmi_sim did not come up")

    def path(self, name):
        return os.path.join(self.dir, name)

    def put(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as f:
            f.write(text)

    def state(self):
        with open(self.path("state"), encoding="ascii") as f:
            return f.read().strip()

    def sets(self):
        """The switching commands that reached the chassis."""
        if not os.path.exists(self.path("log")):
            return []
        with open(self.path("log"), encoding="ascii") as f:
            return [line.strip() for line in f if line.startswith("set")]

    def signal(self, number):
        os.killpg(self.process.pid, number)

    def close(self):
        try:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(timeout=5)
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Relay:
    """Between agent and BMC: notes when packets of the agent pass; can swallow the answers."""

    def __init__(self, port):
        self.sent_ms, self.swallow = [], False
        self.stop = False
        self.bmc = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.bmc.connect(("127.0.0.1", port))
        self.agent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.agent.bind(("127.0.0.1", 0))
        self.port = self.agent.getsockname()[1]
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        peer = None
        while not self.stop:
            ready, _, _ = select.select([self.bmc, self.agent], [], [], 0.05)
            if self.agent in ready:
                packet, peer = self.agent.recvfrom(2048)
                self.sent_ms.append(boottime_ms())
                self.bmc.send(packet)
            if self.bmc in ready:
                packet = self.bmc.recv(2048)
                if not self.swallow and peer:
                    self.agent.sendto(packet, peer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop = True
        self.thread.join()
        self.bmc.close()
        self.agent.close()
