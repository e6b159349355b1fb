#!/usr/bin/env python3
"""Does our scheduler place resources where Pacemaker's does?

    placement.py make COUNT SEED > cases.json     asks the installed crm_simulate (pacemaker-cli-utils)
    placement.py check FENCEPOST cases.json       compares "fencepost simulate" with what it answered

A case is a random small cluster of our subset: nodes with permanent and transient attributes, groups
that run somewhere or nowhere, stickiness, locations of nodes and by rules. All nodes are up, and
stonith-enabled is false: this is about places, not about fencing.
"""
import json
import os
import random
import re
import subprocess
import sys
import tempfile

NODES = ("alpha", "beta", "gamma")
SCORES = ("-INFINITY", "-100", "-1", "0", "1", "50", "100", "101", "200", "INFINITY")
PINGD = (None, "0", "100", "1000", "2000")


def make_rule(rng):
    """Score, boolean-op, and expressions of pingd, of a permanent attribute, or of the node's name."""
    parts = []
    for _ in range(rng.randint(1, 2)):
        attribute = rng.choice(("pingd", "pingd", "site", "#uname"))
        operation = rng.choice(("lt", "lte", "eq", "ne", "gt", "gte", "defined", "not_defined"))
        value = rng.choice({"pingd": ("0", "100", "1000"), "site": ("east", "West"),
                            "#uname": NODES}[attribute])
        parts.append([attribute, operation, None if "defined" in operation else value])
    score = rng.choice(("pingd", rng.choice(SCORES)))
    return [score, rng.choice(("", "or", "and")), parts]


def make_case(rng):
    count = rng.choice((2, 2, 3))
    names = NODES[:count]
    groups = [[f"r{g}{i}" for i in range(rng.choice((1, 1, 2, 3)))] for g in range(rng.randint(1, 3))]
    targets, running = [], {}
    for number, members in enumerate(groups):
        targets += [f"g{number}", members[0]] if len(members) > 1 else members
        running.update(dict.fromkeys(members, rng.choice(names + (None,))))
    locations = []
    for _ in range(rng.randint(0, 4)):
        where = [rng.choice(names), rng.choice(SCORES)] if rng.random() < 0.5 else make_rule(rng)
        locations.append([rng.choice(targets), *where])
    return {
        "site": [rng.choice((None, None, "east", "west")) for _ in names],
        "standby": [rng.random() < 0.1 for _ in names],
        "pingd": dict(zip(names, rng.choices(PINGD, k=count))),
        "groups": groups,
        "stickiness": rng.choice(("0", "1", "100")),
        "locations": locations,
        "running": running,
    }


def location_xml(number, where):
    head = f'<rsc_location id="l{number}" rsc="{where[0]}"'
    if len(where) == 3:
        return f'{head} node="{where[1]}" score="{where[2]}"/>'
    score, op, expressions = where[1:]
    score = f'score-attribute="{score}"' if score == "pingd" else f'score="{score}"'
    op = f' boolean-op="{op}"' if op else ""
    parts = ""
    for i, (attribute, operation, value) in enumerate(expressions):
        value = "" if value is None else f' value="{value}"'
        parts += (f'<expression id="l{number}-e{i}" attribute="{attribute}" '
                  f'operation="{operation}"{value}/>')
    return f'{head}><rule id="l{number}-r" {score}{op}>{parts}</rule></rsc_location>'


def configuration(case):
    nodes = resources = ""
    for i, name in enumerate(case["pingd"]):
        pairs = {"site": case["site"][i], "standby": "true" if case["standby"][i] else None}
        inside = "".join(f'<nvpair id="n{i}-{key}" name="{key}" value="{value}"/>'
                         for key, value in pairs.items() if value)
        nodes += (f'<node id="{i + 1}" uname="{name}"><instance_attributes id="n{i}-a">{inside}'
                  '</instance_attributes></node>')
    for number, members in enumerate(case["groups"]):
        xml = "".join(f'<primitive id="{member}" class="ocf" provider="heartbeat" type="Dummy"/>'
                      for member in members)
        resources += xml if len(members) == 1 else f'<group id="g{number}">{xml}</group>'
    constraints = "".join(location_xml(i, where) for i, where in enumerate(case["locations"]))
    return ('<configuration><crm_config><cluster_property_set id="o"><nvpair id="o1" '
            f'name="stonith-enabled" value="false"/></cluster_property_set></crm_config><nodes>{nodes}'
            f'</nodes><resources>{resources}</resources><constraints>{constraints}</constraints>'
            '<rsc_defaults><meta_attributes id="d"><nvpair id="d1" name="resource-stickiness" '
            f'value="{case["stickiness"]}"/></meta_attributes></rsc_defaults></configuration>')


def history(resource, runs):
    """As if it had been started here, or probed and not found."""
    name, code = ("start", "0") if runs else ("monitor", "7")
    uuid = "00000000-0000-0000-0000-000000000000"
    return (f'<lrm_resource id="{resource}" class="ocf" provider="heartbeat" type="Dummy">'
            f'<lrm_rsc_op id="{resource}_last_0" operation_key="{resource}_{name}_0" '
            f'operation="{name}" transition-key="1:0:{code}:{uuid}" '
            f'transition-magic="0:{code};1:0:{code}:{uuid}" call-id="5" rc-code="{code}" '
            'op-status="0" interval="0"/></lrm_resource>')


def pacemakers_cib(case):
    states = ""
    for i, (name, pingd) in enumerate(case["pingd"].items(), 1):
        states += (f'<node_state id="{i}" uname="{name}" in_ccm="true" crmd="online" '
                   'join="member" expected="member">')
        if pingd is not None:
            states += (f'<transient_attributes id="{i}"><instance_attributes id="t{i}"><nvpair '
                       f'id="t{i}-p" name="pingd" value="{pingd}"/></instance_attributes>'
                       '</transient_attributes>')
        states += f'<lrm id="{i}"><lrm_resources>'
        states += "".join(history(r, at == name) for r, at in case["running"].items())
        states += "</lrm_resources></lrm></node_state>"
    return ('<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0" '
            'have-quorum="1" crm_feature_set="3.16.2" execution-date="1795132800">'
            f'{configuration(case)}<status>{states}</status></cib>')


def ask_pacemaker(case, path):
    """Where each primitive runs after the transition."""
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(pacemakers_cib(case))
    answer = subprocess.run(["crm_simulate", "-x", path, "-R"], capture_output=True, text=True,
                            timeout=20, check=True).stdout
    places = dict(case["running"])
    for verb, resource, where in re.findall(
            r"^\s*\*? ?(Start|Stop|Move|Restart|Recover)\s+(\S+)\s+\(\s*(.*?)\s*\)", answer, re.M):
        if resource in places:
            places[resource] = None if verb == "Stop" else where.split("->")[-1].strip()
    return places


def ask_fencepost(program, case, path):
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(f'<cib epoch="1">{configuration(case)}</cib>')
    command = [program, "simulate", "--cib", path, "--format", "json"]
    for node, pingd in case["pingd"].items():
        command += ["--attribute", f"{node}:pingd={pingd}"] if pingd is not None else []
    for resource, node in case["running"].items():
        command += ["--running", f"{resource}@{node}"] if node else []
    answer = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60,
                                       check=True).stdout)
    places = {resource: None for resource in case["running"]}
    for entry in answer["placement"]:
        places[entry["resource"]] = entry["node"]
    return places


def make(count, seed):
    rng = random.Random(seed)
    cases = []
    with tempfile.TemporaryDirectory() as folder:
        while len(cases) < count:
            case = make_case(rng)
            case["expected"] = ask_pacemaker(case, os.path.join(folder, "cib.xml"))
            cases.append(case)
    lines = (json.dumps(case, separators=(",", ":")) for case in cases)
    print("[\n" + ",\n".join(lines) + "\n]")
    return 0


def check(program, cases_file):
    with open(cases_file, encoding="utf-8") as stream:
        cases = json.load(stream)
    moved = wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(cases):
            places = ask_fencepost(program, case, os.path.join(folder, "cib.xml"))
            moved += case["expected"] != case["running"]
            if places == case["expected"]:
                continue
            wrong += 1
            print(f"case {number}: {places}, but Pacemaker: {case['expected']}\n"
                  f"  runs: {case['running']}  pingd: {case['pingd']}\n  {configuration(case)}")
    print(f"{len(cases) - wrong} of {len(cases)} cases placed as by Pacemaker; "
          f"in {moved} something is to be done")
    return 1 if wrong or moved < len(cases) // 4 else 0


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "make":
        return make(int(sys.argv[2]), int(sys.argv[3]))
    if len(sys.argv) == 4 and sys.argv[1] == "check":
        return check(sys.argv[2], sys.argv[3])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
