#!/usr/bin/env python3
"""What a device answers to a command over ssh: the ForceCommand of the sshd of ssh_device.py.

usage: ssh_screen.py STATE   with the command in SSH_ORIGINAL_COMMAND
STATE is a JSON file: kind (fixed, director, virsh), ports or guests (name -> on), faults (slow, stuck,
refuse: a text that answers every switching command, cut: the connection ends, raw: what a question is
answered), log. The screens follow the FOS Command Reference and virsh(1).
"""
import json
import os
import sys
import time

HEADER = {"fixed": "Index Port Address  Media Speed   State       Proto",
          "director": "Index Slot Port Address  Media Speed   State       Proto"}


def load(path):
    with open(path, encoding="ascii") as f:
        return json.load(f)


def save(path, state):
    with open(path + ".new", "w", encoding="ascii") as f:
        json.dump(state, f)
    os.rename(path + ".new", path)


def switchshow(state):
    print("switchName:\tfab1\nswitchState:\tOnline\n")
    print(HEADER[state["kind"]] + "\n" + "=" * 60)
    for index, (name, on) in enumerate(state["ports"].items()):
        place = name if state["kind"] == "fixed" else name.replace("/", "    ")
        rest = ("Online      FC  F-Port  10:00:00:00:c9:aa:bb:cc" if on else
                "No_Light    FC  Disabled (Persistent)")
        print(f"  {index:2}   {place:>2}   0100{index:02x}   id    N8\t  {rest}")


def switch(path, state, table, name, on):
    faults = state["faults"]
    state["log"].append(os.environ["SSH_ORIGINAL_COMMAND"])
    save(path, state)
    if "refuse" in faults:
        print(faults["refuse"])
        return 1
    if name not in state[table]:
        print("Invalid port number" if table == "ports" else "error: failed to get domain")
        return 1
    if "stuck" not in faults:
        state[table][name] = on
        save(path, state)
    if "cut" in faults:
        os.kill(os.getppid(), 9)
    return 0


def main():
    path = sys.argv[1]
    state = load(path)
    words = os.environ.get("SSH_ORIGINAL_COMMAND", "").split()
    time.sleep(state["faults"].get("slow", 0))
    if words == ["switchshow"] or words[:2] in (["virsh", "domstate"], ["virsh", "list"]):
        if "raw" in state["faults"]:
            print(state["faults"]["raw"])
            return 0
    if words == ["switchshow"]:
        switchshow(state)
        return 0
    if len(words) == 2 and words[0] in ("portcfgpersistentdisable", "portcfgpersistentenable",
                                        "portdisable", "portenable"):
        return switch(path, state, "ports", words[1], words[0].endswith("enable"))
    if words == ["virsh", "list", "--all"]:
        print(" Id   Name    State\n------------------------")
        for n, (name, on) in enumerate(state["guests"].items()):
            print(f" {n + 1 if on else '-'}    {name}    {'running' if on else 'shut off'}")
        return 0
    if words[:2] == ["virsh", "domstate"]:
        if words[2] not in state["guests"]:
            print(f"error: failed to get domain '{words[2]}'", file=sys.stderr)
            return 1
        print("running" if state["guests"][words[2]] else "shut off", end="\n\n")
        return 0
    if words[:2] in (["virsh", "destroy"], ["virsh", "start"]):
        return switch(path, state, "guests", words[2], words[1] == "start")
    print(f"rbash: {' '.join(words)}: command not found")
    return 127


if __name__ == "__main__":
    sys.exit(main())
