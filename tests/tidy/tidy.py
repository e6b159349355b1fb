#!/usr/bin/env python3
"""tidy.py [ROOT]: the house rules as one test. Prints path:line: problem; exits 1 if there is any.
With CI=true a rule whose program is not installed is a problem too."""
import os
import sys

sys.dont_write_bytecode = True
import rules  # noqa: E402
import tools  # noqa: E402
from source import read_tree  # noqa: E402


def check(root, ci):
    """The problems of a tree, and the rules that could not be tried."""
    files = read_tree(root)
    problems = [(rule.__name__, *problem) for rule in rules.ALL for problem in rule(files)]
    omitted = []
    for name, find, rule in tools.ALL:
        program = find()
        if program:
            problems += [(rule.__name__, *problem) for problem in rule(program, files)]
        elif ci:
            problems.append((rule.__name__, "", 0, f"{name} is not installed"))
        else:
            omitted.append(f"{rule.__name__}: not tried, {name} is not installed")
    return len(files), problems, omitted


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(here))
    count, problems, omitted = check(root, os.environ.get("CI") == "true")
    for rule, path, line, text in sorted(problems, key=lambda p: p[1:]):
        print(f"{path or root}:{line}: {text} [{rule}]")
    for text in omitted:
        print(text)
    print(f"tidy: {count} files, {len(problems)} problems")
    if count == 0:
        sys.exit(f"tidy: no files under {root}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
