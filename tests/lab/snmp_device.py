"""A device for tests that speaks SNMP: a real snmpd on loopback, whose tables are snmp_outlets.py."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from ipmi_bmc import expect, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
PASSPHRASE, PRIVACY, COMMUNITY = "auth-Pa55phrase", "priv-Pa55phrase", "wr1te-Comm"
USERS = {"sha256": ("SHA-256", "AES"), "sha": ("SHA", "AES"), "weak": ("MD5", "DES"),
         "strong": ("SHA-512", "AES-256")}
CONF = """agentaddress udp:127.0.0.1:{port}
sysobjectid {system}
rocommunity public 127.0.0.1
rwcommunity {community} 127.0.0.1
{users}
createUser reader SHA-256 "{auth}" AES "{priv}"
rouser reader priv
{passes}
"""


def tagged(tag, body):
    """BER: a tag, the length, the body, all short here."""
    expect(len(body) < 128, "a length of more than one byte")
    return bytes([tag, len(body)]) + body


def get_request(name, community="public"):
    """A GET of version 1 (RFC 1157) for one object."""
    numbers = [int(n) for n in name.strip(".").split(".")]
    coded = bytes([40 * numbers[0] + numbers[1]])
    for number in numbers[2:]:
        groups = [number & 127]
        while number := number >> 7:
            groups.insert(0, 128 | number & 127)
        coded += bytes(groups)
    binding = tagged(0x30, tagged(0x06, coded) + b"\x05\x00")
    pdu = tagged(0xA0, b"\x02\x01\x01" + b"\x02\x01\x00" * 2 + tagged(0x30, binding))
    return tagged(0x30, b"\x02\x01\x00" + tagged(0x04, community.encode()) + pdu)


class SnmpDevice:
    """objects: name -> integer or text. commands: name -> value -> [[name, value, delay]...]."""

    def __init__(self, system, objects, commands):
        self.dir = tempfile.mkdtemp(prefix="fence-snmp-")
        self.port, self.process = free_port(), None
        state = {"objects": {n: ["integer" if isinstance(v, int) else "string", v]
                             for n, v in objects.items()},
                 "commands": {n: {str(v): effect for v, effect in c.items()}
                              for n, c in commands.items()}, "faults": {}, "log": []}
        self.write(state)
        roots = sorted({".".join(n.split(".")[:9]) for n in [*objects, *commands]})
        # One object behind each program that snmpd starts when it is first asked.
        self.probes = [get_request(next(n for n in objects if n.startswith(r + "."))) for r in roots]
        conf = CONF.format(
            port=self.port, system=system, community=COMMUNITY, auth=PASSPHRASE, priv=PRIVACY,
            users="\n".join(f'createUser {u} {a} "{PASSPHRASE}" {p} "{PRIVACY}"\nrwuser {u} priv'
                            for u, (a, p) in USERS.items()),
            passes="\n".join(f"pass_persist {r} {HERE}/snmp_outlets.py {self.path('state')}"
                             for r in roots))
        with open(self.path("snmpd.conf"), "w", encoding="ascii") as f:
            f.write(conf)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, state):
        with open(self.path("state.test"), "w", encoding="ascii") as f:
            json.dump(state, f)
        os.rename(self.path("state.test"), self.path("state"))

    def read(self):
        with open(self.path("state"), encoding="ascii") as f:
            return json.load(f)

    def change(self, **members):
        """Sets members of the state; values of `objects` are merged."""
        state = self.read()
        for name, value in members.get("objects", {}).items():
            state["objects"][name][1] = value
        state["faults"].update(members.get("faults", {}))
        if "commands" in members:
            state["commands"].update(members["commands"])
        self.write(state)

    def value(self, name):
        state = self.read()
        due = [d[2] for d in state.get("due", []) if d[1] == name and d[0] <= time.time()]
        return due[-1] if due else state["objects"][name][1]

    def log(self):
        return self.read()["log"]

    def start(self):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MIBS": "",
                       "SNMP_PERSISTENT_DIR": self.path("persistent"),
                       "PYTHONDONTWRITEBYTECODE": "1"}
        with open(self.path("out"), "ab") as out:
            self.process = subprocess.Popen(
                ["snmpd", "-f", "-C", "-c", self.path("snmpd.conf"), "-Lf", self.path("log"),
                 "-p", self.path("pid"), "-I",
                 "-ifTable,-ifXTable"], stdout=out, stderr=out, env=environment,
                start_new_session=True)
        limit = time.monotonic() + 20
        while time.monotonic() < limit:
            expect(self.process.poll() is None, f"snmpd ended: see {self.path('log')}")
            if self.answers():
                return
            time.sleep(0.05)
        expect(False, "snmpd does not answer")

    def answers(self):
        """Also the programs behind snmpd have started, and answer at once."""
        for probe in self.probes:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(0.5)
                s.connect(("127.0.0.1", self.port))
                try:
                    s.send(probe)
                    s.recv(512)
                except OSError:
                    return False
        return True

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """Ends snmpd and its helpers, all in a group of their own."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


APC = ".1.3.6.1.4.1.318.1.1."
RPDU_STATE, RPDU_CONTROL = APC + "12.3.5.1.1.4.", APC + "12.3.3.1.1.4."
RPDU_NAME = APC + "12.3.5.1.1.2."
RPDU2_STATE, RPDU2_CONTROL = APC + "26.9.2.3.1.5.", APC + "26.9.2.4.1.5."


def rpdu_tables(outlets, delay=0.0):
    """Of an APC rack PDU, as objects and commands: on is 1, off is 2."""
    objects, commands = {}, {}
    for n in range(1, outlets + 1):
        objects[f"{RPDU_STATE}{n}"] = 1
        objects[f"{RPDU_NAME}{n}"] = f"outlet-{n}"
        objects[f"{RPDU_CONTROL}{n}"] = 1  # snmpd lets only what can be read be written
        commands[f"{RPDU_CONTROL}{n}"] = {v: [[f"{RPDU_STATE}{n}", v, delay]] for v in (1, 2)}
    return objects, commands


def rpdu(outlets=4, delay=0.0):
    return SnmpDevice(".1.3.6.1.4.1.318.1.3.4.5", *rpdu_tables(outlets, delay))


def rpdu2(outlets=4):
    """A newer one: on is state 2 and command 1, off is state 1 and command 2."""
    objects, commands = {}, {}
    for n in range(1, outlets + 1):
        objects[f"{RPDU2_STATE}{n}"] = 2
        objects[f"{APC}26.9.2.3.1.3.{n}"] = f"outlet-{n}"
        objects[f"{RPDU2_CONTROL}{n}"] = 1
        commands[f"{RPDU2_CONTROL}{n}"] = {1: [[f"{RPDU2_STATE}{n}", 2, 0]],
                                           2: [[f"{RPDU2_STATE}{n}", 1, 0]]}
    return SnmpDevice(".1.3.6.1.4.1.318.1.3.4.6", objects, commands)


IF_DESCR, IF_ADMIN, IF_OPER = (f".1.3.6.1.2.1.2.2.1.{c}." for c in (2, 7, 8))
IF_NAME, IF_ALIAS = (f".1.3.6.1.2.1.31.1.1.1.{c}." for c in (1, 18))


def ethernet_switch(ports=4):
    objects, commands = {}, {}
    for n in range(1, ports + 1):
        objects.update({f"{IF_DESCR}{n}": f"Ethernet{n}", f"{IF_ADMIN}{n}": 1, f"{IF_OPER}{n}": 1,
                        f"{IF_NAME}{n}": f"eth{n}", f"{IF_ALIAS}{n}": f"node {n}"})
        commands[f"{IF_ADMIN}{n}"] = {v: [[f"{IF_ADMIN}{n}", v, 0], [f"{IF_OPER}{n}", v, 0.2]]
                                      for v in (1, 2)}
    return SnmpDevice(".1.3.6.1.4.1.9.1.1", objects, commands)


FC_ADMIN, FC_OPER = (f".1.3.6.1.2.1.75.1.2.2.1.{c}.22." for c in (1, 2))


def mds(ports=4):
    objects, commands = {}, {}
    for n in range(ports):
        objects.update({f"{FC_ADMIN}{n}": 1, f"{FC_OPER}{n}": 1,
                        f"{IF_DESCR}{100 + n}": f"fc1/{n + 1}", f"{IF_ALIAS}{100 + n}": f"hba {n}"})
        commands[f"{FC_ADMIN}{n}"] = {1: [[f"{FC_ADMIN}{n}", 1, 0], [f"{FC_OPER}{n}", 1, 0.1]],
                                      2: [[f"{FC_ADMIN}{n}", 2, 0], [f"{FC_OPER}{n}", 4, 0.1]]}
    return SnmpDevice(".1.3.6.1.4.1.9.12.3.1.3.1", objects, commands)
