"""Runs the cases of one lab test: every function of it that is named case_..., or those asked for."""
import os
import shutil
import subprocess
import sys
import time

from ipmi_bmc import Failed


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def run_cases(test):
    """test: the globals of the script; its BIN is set, its NEEDS are programs and their packages.
    Returns the exit code."""
    if len(sys.argv) < 2:
        print(test["__doc__"])
        return 1
    test["BIN"] = os.path.abspath(sys.argv[1])
    for program, package in test.get("NEEDS", {"ipmi_sim": "openipmi"}).items():
        if shutil.which(program) is None:
            print(f"skipped: {program} is not installed (package {package})")
            return 77
    cases = {name[5:]: body for name, body in test.items() if name.startswith("case_")}
    wanted = sys.argv[2:] or list(cases)
    if set(wanted) - set(cases):
        print("no such case:", *sorted(set(wanted) - set(cases)))
        return 1
    failed = 0
    for name in wanted:
        begun = time.monotonic()
        try:
            cases[name]()
            verdict = "ok"
        except (Failed, subprocess.TimeoutExpired) as problem:
            verdict = f"FAILED: {problem}"
            failed += 1
        print(f"{time.monotonic() - begun:6.2f} s  {name}: {verdict}", flush=True)
    return 1 if failed else 0
