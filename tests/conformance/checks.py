"""The checks, one function each, and the agents, one line each. A check returns a note or None."""
import json
import os
import re
import shutil
import socket
import subprocess
import time
import xml.etree.ElementTree as ElementTree

from differences import intended

HERE = os.path.dirname(os.path.abspath(__file__))
PAGES = os.path.join(HERE, "..", "..", "docs", "man")
SCHEMA = os.path.join(HERE, "fence_agent.rng")
THEIR_SCHEMA = "/usr/share/cluster/relaxng/metadata.rng"  # of the package fence-agents
CANARY = "c4nary-Secret9"
LIMIT_S = 40
RUNS_FOR_TIMING = 15

# One line an agent: options that make it valid; how it meets the network (udp, tcp, none); the options
# of its address and port; what a port that is closed is called.
IPMI = {"valid": {"ip": "127.0.0.1", "password": CANARY}, "net": "udp"}
SSH = {"ip": "127.0.0.1", "username": "u", "password": CANARY}
SNMP = {"ip": "127.0.0.1", "community": CANARY}
AGENTS = {
    "fence_dummy": {"valid": {"status_file": "/nonexistent/fence_dummy"}, "net": None},
    "fence_ipmilan": IPMI,
    "fence_redfish": {"valid": {"ip": "127.0.0.1", "username": "u", "password": CANARY},
                      "net": "tcp"},
    "fence_scsi": {"valid": {"devices": "iscsi://127.0.0.1:1/iqn.2024-01.test:x/1", "plug": "b",
                             "this_node": "a"}, "net": "tcp",
                   "at": lambda port: {"devices": f"iscsi://127.0.0.1:{port}/iqn.2024-01.test:x/1"}},
    "fence_brocade": {"valid": {**SSH, "plug": "1"}, "net": "tcp"},
    "fence_virsh": {"valid": {**SSH, "plug": "vm"}, "net": "tcp"},
    "fence_apc_snmp": {"valid": {**SNMP, "plug": "1"}, "net": "udp"},
    "fence_eaton_snmp": {"valid": {**SNMP, "plug": "1"}, "net": "udp"},
    "fence_raritan": {"valid": {**SNMP, "plug": "1"}, "net": "udp"},
    "fence_ifmib": {"valid": {**SNMP, "plug": "1"}, "net": "udp"},
    "fence_cisco_mds": {"valid": {**SNMP, "plug": "fc1/1"}, "net": "udp"},
}


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


class Run:
    def __init__(self, words, text, environment=None):
        begun = time.monotonic()
        done = subprocess.run(words, input=text.encode(), capture_output=True, timeout=LIMIT_S,
                              check=False, env=environment)
        self.took = time.monotonic() - begun
        self.code = done.returncode
        self.out, self.err = done.stdout.decode(), done.stderr.decode()

    def __str__(self):
        return f"exit {self.code}, {self.took:.2f} s\nstdout: {self.out}\nstderr: {self.err}"


class Agent:
    def __init__(self, bin_dir, name, line):
        self.name, self.line = name, line
        self.path = os.path.join(bin_dir, name)
        self.metadata = self.run([], "action=metadata\n")
        self.root = ElementTree.fromstring(self.metadata.out)
        self.options = {p.get("name"): p for p in self.root.iter("parameter")}
        self.actions = {a.get("name"): a for a in self.root.iter("action")}
        self.fabric = "reboot" not in self.actions

    def run(self, words, text="", environment=None):
        result = Run([self.path, *words], text, environment)
        expect(CANARY not in result.out + result.err, f"a secret was printed\n{result}")
        return result

    def text(self, action, **more):
        given = {"action": action, **self.line["valid"], **more}
        return "".join(f"{k}={v}\n" for k, v in given.items() if v is not None)

    def ask(self, action, **more):
        return self.run([], self.text(action, **more))

    def at_port(self, port):
        """The options that lead it to this port of loopback."""
        shape = self.line.get("at")
        return shape(port) if shape else {"ipport": port}


def last_line(result):
    return (result.err.strip().splitlines() or [""])[-1]


def expect_failure(agent, result, phase=".*", cause=".*"):
    expect(result.code == 1, f"exit code is not 1\n{result}")
    expect(result.out == "", f"stdout is not empty\n{result}")
    expect(re.search(f"^{agent.name}: failed phase={phase} cause={cause}: ", last_line(result)),
           f"the last line does not say phase={phase} cause={cause}\n{result}")
    expect(not re.search("timed out|timeout", result.err.replace("_timeout", "-"), re.I),
           f"words that hosts take for something else\n{result}")


def check_metadata_is_the_same_however_asked(agent):
    by_argv = agent.run(["-o", "metadata"], "", {})
    by_old_name = agent.run([], "action=meta-data\n")
    for result in (agent.metadata, by_argv, by_old_name):
        expect(result.code == 0 and result.err == "", f"{result}")
        expect(result.out == agent.metadata.out, f"it depends on how it is asked for\n{result}")


def check_metadata_has_the_form_hosts_read(agent):
    root = agent.root
    expect(root.tag == "resource-agent" and set(root.attrib) == {"name", "shortdesc"}, root.attrib)
    expect(root.get("name") == agent.name, root.get("name"))
    children = [child.tag for child in root]
    expect(children == ["longdesc", "vendor-url", "parameters", "actions"], f"{children}")
    kinds = {"boolean", "string", "second", "integer", "select"}
    for p in root.iter("parameter"):
        allowed = {"name", "unique", "required", "deprecated", "obsoletes"}
        expect(set(p.attrib) <= allowed and {"name", "unique", "required"} <= set(p.attrib), p.attrib)
        expect([c.tag for c in p] == ["getopt", "content", "shortdesc"], f"{p.get('name')}")
        content = p.find("content")
        expect(content.get("type") in kinds, f"{p.get('name')}: {content.attrib}")
        expect((content.get("type") == "select") == (len(content) > 0), f"{p.get('name')}")
        expect(set(p.find("getopt").attrib) == {"mixed"}, f"{p.get('name')}")
        expect(p.find("shortdesc").get("lang") == "en", f"{p.get('name')}")
    for action in root.iter("action"):
        expect(set(action.attrib) <= {"name", "on_target", "automatic"}, action.attrib)
    expect({"on", "off", "status", "monitor", "metadata", "validate-all"} <= set(agent.actions),
           f"{set(agent.actions)}")


def check_metadata_is_valid_by_the_schema(agent):
    def validated(text, schema=SCHEMA):
        return Run(["xmllint", "--noout", "--relaxng", schema, "-"], text)

    for schema in filter(os.path.exists, (SCHEMA, THEIR_SCHEMA)):
        checked = validated(agent.metadata.out, schema)
        expect(checked.code == 0, f"{schema} refuses it\n{checked}")
    # The schema bites: each of these is another document.
    for good, bad in ((' required="', ' requires="'), ("<longdesc>", "<longdesc/><longdesc>"),
                      ('type="second"', 'type="seconds"'), ('lang="en"', ""),
                      ('<action name="off"', '<action nom="off"')):
        broken = agent.metadata.out.replace(good, bad, 1)
        expect(broken != agent.metadata.out, f"no {good} in it")
        expect(validated(broken).code != 0, f"the schema takes {bad} for {good}")


def check_names_agree_with_fence_agents(agent):
    with open(os.path.join(HERE, "fence_agents_4.12.1.json"), encoding="ascii") as f:
        theirs = json.load(f).get(agent.name)
    if theirs is None:
        return "has no counterpart in fence-agents 4.12.1"
    ours = {}
    for name, p in agent.options.items():
        content, letter = p.find("content"), re.match(r"-(\w), ", p.find("getopt").get("mixed"))
        ours[name] = {"type": content.get("type"), "short": letter and letter.group(1),
                      "default": content.get("default"), "required": p.get("required") == "1",
                      "obsoletes": p.get("obsoletes"), "deprecated": bool(p.get("deprecated")),
                      "choices": [o.get("value") for o in content.iter("option")]}
    found = set()
    for name, record in theirs["options"].items():
        if name not in ours:
            # A second spelling of the same option (minus for underscore) is understood on stdin.
            found.add((name, "missing"))
            continue
        for what, value in ours[name].items():
            their = record.get(what, {"required": False, "deprecated": False, "choices": []}.get(what))
            if what == "default" and record.get("deprecated"):
                continue
            if (value or None) != (their or None) and not (record.get("deprecated") and what in (
                    "required", "choices", "type")):
                found.add((name, what))
    aliases = {p.get("obsoletes") for p in agent.options.values()}
    found |= {(name, "new") for name in ours if name not in theirs["options"] and name not in aliases}
    for name, record in theirs["actions"].items():
        if name not in agent.actions:
            found.add((f"action {name}", "missing"))
            continue
        for key in ("automatic", "on_target"):
            if agent.actions[name].get(key) != record.get(key):
                found.add((f"action {name}", key))
    found |= {(f"action {name}", "new") for name in agent.actions if name not in theirs["actions"]}
    meant = intended(agent.name, ours)
    expect(not found - meant, f"differs without a stated reason: {sorted(found - meant)}")
    expect(not meant - found, f"stated, but there is no such difference: {sorted(meant - found)}")
    return f"{len(theirs['options'])} options compared, {len(meant)} intended differences"


def check_start_up(agent):
    best = min(agent.run([], "action=metadata\n").took for _ in range(RUNS_FOR_TIMING))
    return f"start to end {best * 1000:.1f} ms"


def check_the_page_in_the_tree_is_the_one_it_prints(agent):
    page = agent.run(["-o", "manpage"])
    expect(page.code == 0 and page.err == "", f"{page}")
    with open(os.path.join(PAGES, agent.name + ".8"), encoding="utf-8") as f:
        expect(f.read() == page.out, f"renew it: {agent.name} -o manpage > docs/man/{agent.name}.8")
    if shutil.which("mandoc"):
        lint = Run(["mandoc", "-Tlint", "-Wwarning"], page.out)
        expect(lint.code == 0, f"{lint}")


def check_help_and_version(agent):
    for words in (["-h"], ["--help"], ["-V"], ["--version"]):
        result = agent.run(words)
        expect(result.code == 0 and agent.name in result.out and result.err == "", f"{result}")


def check_a_missing_action_touches_nothing(agent):
    for text in ("", agent.text(None), agent.text(None, acton="off"), agent.text("of")):
        expect_failure(agent, agent.run([], text.replace("action=None\n", "")), "options",
                       "bad-option")
    expect(agent.run([], "option=metadata\n").out == agent.metadata.out,
           "option, the old name of action, is not understood")


def check_stdin_in_every_form_hosts_send(agent):
    lines = agent.text("validate-all").splitlines()
    quoted = [re.sub(r"^(\w+)=(.*)$", r'\1="\2"', line) for line in lines]
    dashes = [line.split("=")[0].replace("_", "-") + "=" + line.split("=", 1)[1] for line in lines]
    forms = {"reversed": lines[::-1], "comments": ["# x=y", "", *lines, "  "], "quoted": quoted,
             "minus for underscore": dashes, "carriage returns": [line + "\r" for line in lines],
             "upper case action": ["action=VALIDATE-ALL", *lines[1:]],
             "what hosts add": ["nodename=n1", "agent=x", "pcmk_host_list=a", *lines]}
    for name, form in forms.items():
        result = agent.run([], "\n".join(form) + "\n")
        expect(result.code == 0 and result.err == "", f"{name}\n{result}")
    unknown = agent.run([], "\n".join([*lines, "no_such_option=1"]))
    expect(unknown.code == 0 and "no_such_option" in unknown.err, f"{unknown}")
    for bad in ("x" * 70000, "delay=abc", "delay=-1", "=x", "power_timeout=1e9",
                f"delay={'9' * 65536}"):
        expect_failure(agent, agent.run([], "\n".join([*lines, bad])), "options", "bad-option")


def check_actions_that_are_not_offered_are_refused(agent):
    if agent.fabric:
        expect_failure(agent, agent.ask("reboot"), "options", "bad-option")
        expect(agent.actions["on"].get("automatic") == "1", "hosts would not unfence")
    expect_failure(agent, agent.ask("shutdown"), "options", "bad-option")
    expect_failure(agent, agent.run(["--no-such-option"]), "options", "bad-option")


def check_failures_as_json(agent):
    result = agent.run([], agent.text("of", json=1))
    expect(result.code == 1 and result.out.count("\n") == 1, f"{result}")
    said = json.loads(result.out)
    expect(said["failure"]["phase"] == "options" and said["exit"] == 1, f"{said}")
    expect("failed phase=options" in last_line(result), f"{result}")


class Silent:
    """A socket of loopback that takes whatever comes and never answers."""

    def __init__(self, net):
        kind = socket.SOCK_STREAM if net == "tcp" else socket.SOCK_DGRAM
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.bind(("127.0.0.1", 0))
        if net == "tcp":
            self.socket.listen(16)
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def check_monitor_and_validate_want_no_plug(agent):
    """Pacemaker starts a device with a monitor, which names no node."""
    nobody = {"plug": None, "port": None}
    valid = agent.ask("validate-all", **nobody)
    expect(valid.code == 0, f"the options are refused\n{valid}")
    if agent.line["net"] is None:
        return
    with Silent(agent.line["net"]) as closed:
        port = closed.port
    expect_failure(agent, agent.ask("monitor", **agent.at_port(port), **nobody), "connect", "refused")


def check_a_closed_port(agent):
    if agent.line["net"] is None:
        return
    with Silent(agent.line["net"]) as closed:
        port = closed.port
    for action in ("status", "monitor", "off"):
        result = agent.run([], agent.text(action, **agent.at_port(port)))
        expect_failure(agent, result, "connect", "refused")


def boottime_ms():
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)


def check_a_device_that_never_answers(agent):
    if agent.line["net"] is None:
        return None
    with Silent(agent.line["net"]) as silent:
        where = agent.at_port(silent.port)
        result = agent.run([], agent.text("off", login_timeout=1, shell_timeout=1, **where))
        expect_failure(agent, result, "connect", "unreachable")
        expect(result.took < 10, f"took too long\n{result}")
        late = agent.run([], agent.text("off", not_after_ms=boottime_ms() + 700, **where))
        expect_failure(agent, late)
        expect(late.took < 5, f"not bounded by its deadline\n{late}")
        past = agent.run([], agent.text("off", not_after_ms=boottime_ms() - 1, **where))
        expect_failure(agent, past, "act", "deadline")
    return f"given up after {result.took:.1f} s, with a deadline of 0.7 s after {late.took:.1f} s"


def check_no_secret_in_argv_environment_or_output(agent):
    secrets = [n for n, p in agent.options.items()
               if n + "_script" in agent.options or n == "hexadecimal_kg"]
    if not secrets or agent.line["net"] is None:
        return None
    for secret in secrets:
        with Silent(agent.line["net"]) as silent:
            given = {**agent.line["valid"], **agent.at_port(silent.port), "login_timeout": 1,
                     "shell_timeout": 1, secret: CANARY.encode().hex() if secret.endswith("kg")
                     else CANARY}
            words = ["-o", "status"]
            for name, value in given.items():
                words += [f"--{name.replace('_', '-')}={value}"]
            process = subprocess.Popen([agent.path, *words], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
            try:
                expect(wiped(process.pid, given[secret]), f"{secret} stands in argv")
                with open(f"/proc/{process.pid}/environ", "rb") as f:
                    expect(given[secret].encode() not in f.read(), f"{secret} in the environment")
            finally:
                process.kill()
                out, err = process.communicate()
            expect(given[secret].encode() not in out + err, f"{secret} was printed")
    return ", ".join(secrets)


def wiped(pid, secret):
    """What was typed stands in argv until main() has run; from then on it must be gone."""
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            words = f.read()
        if words and secret.encode() not in words and b"***" in words:
            return True
        time.sleep(0.01)
    return False
