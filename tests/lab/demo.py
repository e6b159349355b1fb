#!/usr/bin/env python3
"""The demo: two nodes that run Fencepost, one split brain after the other, and a verdict.

scripts/demo installs, builds and calls this; with a build it runs by itself:

    sudo tests/lab/demo.py --build build/release [--scene 2b]... [--repeat 3] [--break fencing]

Exit: 0 all scenes were safe and as expected, 1 not, 77 the machine lets us make no namespaces.
      With --expect-unsafe: 0 when the verdict is unsafe, 1 when it is not.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from demo_facts import FactLog  # noqa: E402
from demo_keep import keep  # noqa: E402
from demo_timeline import story, text  # noqa: E402
from demo_verdict import Played, figures, overall, summary, write_csv  # noqa: E402
from fencepost_cluster import DAEMONS, FencepostCluster  # noqa: E402
from linux import LabError, now_ns  # noqa: E402
from node import NodeSpec  # noqa: E402
from sandbox import run_sandboxed  # noqa: E402
from scenes import BROKEN_FENCING, BROKEN_LEASE, SCENES, Scene, make_whole, play, scene  # noqa: E402
from world import World  # noqa: E402

NODES = ("node-a", "node-b")
PROGRAMS = (*DAEMONS, "fencepost", "mkqdisk", "fence_ipmilan")
BROKEN = {"fencing": BROKEN_FENCING, "lease": BROKEN_LEASE}
BROKEN_QDISKD = "lab-bin/qdiskd_broken_lease"  # below the build
REPEAT_LIMIT = 1000


def say(words: str = "") -> None:
    print(words, flush=True)


class Demo:
    def __init__(self, world: World, cluster: FencepostCluster) -> None:
        self._world = world
        self._cluster = cluster
        self._facts = FactLog(
            [(name, world.logs / name / f"{daemon}.log") for name in NODES for daemon in DAEMONS]
        )
        self.played: list[Played] = []

    def bring_up(self) -> None:
        say(f"A shared disk ({self._world.target.url}), and a BMC for each node.")
        say("Once, as administrator:")
        say()
        say("".join(f"  {line}\n" for line in self._cluster.install(self._world).splitlines()))
        began = now_ns()
        stage = make_whole(self._world, self._cluster)
        say(f"The cluster is whole, {(now_ns() - began) / 1e9:.1f} s after power-on.")
        say(f"{stage.active.name}# fencepost status\n\n{self._cluster.status(stage.active)}")

    def play(self, chosen: Scene, turn: int) -> None:
        say(f"--- scene {chosen.name}: {chosen.title}")
        try:
            verdict = play(chosen, self._world, self._cluster)
        except LabError:
            self._show_all()
            raise
        self.played.append(Played(turn, verdict))
        record = self._world.observer.so_far()
        began = record.of("scene")[-1]
        ended = record.of("verdict")[-1]
        lines = story(record, self._facts.read(), self._world.vip, began.t, ended.t)
        say(f"{began.facts['active']} has the address {self._world.vip}")
        say(text(lines, began.t))
        say(f"  {figures(verdict)}\n  {verdict.text()}\n")

    def _show_all(self) -> None:
        for node in self._world.nodes.values():
            state = self._cluster.status(node) if node.running else "is off"
            say(f"--- {node.name}\n{state}")


def chosen_scenes(options: argparse.Namespace) -> Sequence[Scene]:
    if options.break_what:
        return [BROKEN[options.break_what]]
    return [scene(name) for name in options.scene] or SCENES


def run(options: argparse.Namespace) -> int:
    bin_dir = (options.build / "bin").resolve()
    logs = (options.logs or options.build / "demo-logs").resolve()
    shutil.rmtree(logs, ignore_errors=True)
    broken = (options.build / BROKEN_QDISKD).resolve() if options.break_what == "lease" else None
    visible = (bin_dir, broken.parent) if broken else (bin_dir,)
    specs = [NodeSpec(name, number, "", visible) for number, name in enumerate(NODES, 1)]
    cluster = FencepostCluster(bin_dir, broken)
    with World(specs, logs=logs) as world:
        cluster.configure(world)
        demo = Demo(world, cluster)
        demo.bring_up()
        for turn in range(1, options.repeat + 1):
            if options.repeat > 1:
                say(f"=== pass {turn} of {options.repeat}")
            for each in chosen_scenes(options):
                demo.play(each, turn)
        if options.csv:
            write_csv(options.csv, demo.played)
        say(summary(demo.played))
        if options.keep:
            keep(world, cluster)
        say(f"logs and the observer's record: {logs}")
    verdict = overall(demo.played)
    if options.expect_unsafe:
        return 0 if verdict.startswith("VERDICT: unsafe") else 1
    return 0 if verdict == "VERDICT: safe" else 1


def options_of(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo", description="see scripts/demo --help")
    names = [each.name for each in SCENES]
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--scene", action="append", choices=names, default=[])
    parser.add_argument("--repeat", type=int, choices=range(1, REPEAT_LIMIT + 1), default=1,
                        metavar=f"1..{REPEAT_LIMIT}")  # fmt: skip
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--logs", type=Path)
    parser.add_argument("--break", dest="break_what", choices=list(BROKEN))
    parser.add_argument("--expect-unsafe", action="store_true")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args(arguments)
    needed = [f"bin/{name}" for name in PROGRAMS]
    needed += [BROKEN_QDISKD] if options.break_what == "lease" else []
    missing = [name for name in needed if not (options.build / name).is_file()]
    if missing:
        parser.error(f"{options.build} has no {', '.join(missing)}: build first")
    if options.scene and options.break_what:
        parser.error("--break has a scene of its own: leave --scene out")
    return options


if __name__ == "__main__":
    chosen_options = options_of(sys.argv[1:])
    sys.exit(run_sandboxed(lambda: run(chosen_options)))
