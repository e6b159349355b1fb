#!/usr/bin/env python3
"""The switching part of a device that speaks SNMP: snmpd's pass_persist helper.

usage: snmp_outlets.py STATE   (speaks on stdin and stdout, as snmpd.conf(5) describes)
STATE is a JSON file, read for every request and replaced as a whole:
  objects   name -> [type, value]
  commands  name -> value -> [name, value, delay]: what a SET of this value changes, and when
  faults    slow: seconds a request takes; stuck: SETs have no effect; refuse: what a SET is answered;
            flap: a name whose value alternates between two with every GET
  log       every SET that came, as "name=value"
"""
import json
import os
import sys
import time


def key(name):
    return [int(part) for part in name.strip(".").split(".")]


class Outlets:
    def __init__(self, path):
        self.path = path

    def load(self):
        with open(self.path, encoding="ascii") as f:
            state = json.load(f)
        due = [d for d in state.get("due", []) if d[0] <= time.time()]
        if due:
            for _, name, value in due:
                state["objects"][name][1] = value
            state["due"] = [d for d in state["due"] if d not in due]
            self.save(state)
        return state

    def save(self, state):
        with open(self.path + ".new", "w", encoding="ascii") as f:
            json.dump(state, f)
        os.rename(self.path + ".new", self.path)

    def get(self, name):
        state = self.load()
        faults = state.get("faults", {})
        time.sleep(faults.get("slow", 0))
        if name not in state["objects"]:
            return "NONE"
        kind, value = state["objects"][name]
        flap = faults.get("flap")
        if flap and flap[0] == name:
            value = flap[1]
            state["faults"]["flap"] = [name, flap[2], flap[1]]
            self.save(state)
        return f"{name}\n{kind}\n{value}"

    def next(self, name):
        later = [n for n in self.load()["objects"] if key(n) > key(name)]
        return self.get(min(later, key=key)) if later else "NONE"

    def set(self, name, value):
        state = self.load()
        faults = state.get("faults", {})
        state.setdefault("log", []).append(f"{name}={value}")
        self.save(state)
        time.sleep(faults.get("slow", 0))
        if "refuse" in faults:
            return faults["refuse"]
        if name not in state["commands"]:
            return "not-writable"
        if value not in state["commands"][name]:
            return "wrong-value"
        if "stuck" not in faults:
            for what, becomes, delay in state["commands"][name][value]:
                state.setdefault("due", []).append([time.time() + delay, what, becomes])
            self.save(state)
        return "DONE"


def answer(outlets, line):
    """What the next request of line() is answered; None when there is none any more."""
    verb = line()
    while verb == "\n":  # snmpd ends a SET with one line too many
        verb = line()
    verb = verb.rstrip("\n")
    if not verb:
        return None
    if verb == "PING":
        return "PONG"
    name = line().rstrip("\n")
    if verb == "get":
        return outlets.get(name)
    if verb == "getnext":
        return outlets.next(name)
    return outlets.set(name, line().rstrip("\n").split(" ", 1)[1])


def main():
    outlets = Outlets(sys.argv[1])
    while (said := answer(outlets, sys.stdin.readline)) is not None:
        print(said, flush=True)


if __name__ == "__main__":
    main()
