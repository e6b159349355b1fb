"""scripts/demo --keep: the lab stays up, and a person breaks it from a prompt.

Promise: returns at `quit` or at the end of input; a mistyped command is answered, never fatal.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from bmc import Faults
from cluster import Cluster
from linux import LabError
from node import Node
from world import World

PROMPT = "lab> "


@dataclass(frozen=True)
class Command:
    meaning: str
    run: Callable[[World, Cluster, Node], None]
    of_node: bool = True


def _status(world: World, cluster: Cluster, _: Node) -> None:
    for node in world.nodes.values():
        print(f"--- {node.name}\n{cluster.status(node) if node.running else 'is off'}")


def _faults(**which: bool) -> Callable[[World, Cluster, Node], None]:
    def apply(world: World, _: Cluster, node: Node) -> None:
        world.bmcs[node.name].faults = Faults(**which)

    return apply


COMMANDS: dict[str, Command] = {
    "status": Command("what each node says of itself", _status, of_node=False),
    "split": Command("the nodes no longer hear each other", lambda w, c, n: w.partition(), False),
    "heal": Command("the network is whole again", lambda w, c, n: w.heal_all(), False),
    "hang-disk": Command("the target answers nothing", lambda w, c, n: w.target.hang(), False),
    "resume-disk": Command("it answers again", lambda w, c, n: w.target.resume(), False),
    "cut-disk": Command("NODE loses the shared disk", lambda w, c, n: w.cut_storage(n)),
    "off": Command("NODE loses power", lambda w, c, n: n.power_off(by="lab")),
    "on": Command("NODE gets power", lambda w, c, n: n.power_on()),
    "freeze": Command("all processes of NODE stop", lambda w, c, n: (n.freeze(), None)[1]),
    "thaw": Command("they run on", lambda w, c, n: n.thaw()),
    "stop": Command("planned: NODE hands over and leaves", lambda w, c, n: c.stop(n)),
    "start": Command("NODE joins again", lambda w, c, n: c.start(n)),
    "lying-bmc": Command("NODE's BMC says off and does nothing", _faults(lie=True)),
    "honest-bmc": Command("NODE's BMC does as it is told", _faults()),
}


def guide(world: World) -> str:
    names = ", ".join(world.nodes)
    lines = ["", f"The lab stays up. NODE is one of {names}. Type:"]
    for name, command in COMMANDS.items():
        lines.append(f"  {name + (' NODE' if command.of_node else ''):17} {command.meaning}")
    lines += [f"  {'quit':17} end the lab", "", "Shells, from another terminal, as root:"]
    lines += [f"  {node.name}: {world.way_in(node)}" for node in world.nodes.values()]
    programs = ":".join(str(path) for path in next(iter(world.nodes.values())).spec.visible)
    lines += [
        f"In there: PATH=$PATH:{programs}; fencepost status",
        "(a node that booted again has a new shell command: type 'help')",
        f"Logs and the observer's record: {world.logs}",
        "",
    ]
    return "\n".join(lines)


def keep(world: World, cluster: Cluster) -> None:
    print(guide(world), flush=True)
    while True:
        print(PROMPT, end="", flush=True)
        line = sys.stdin.readline()
        if not line or line.strip() in ("quit", "exit"):
            return
        words = line.split()
        if not words:
            continue
        try:
            print(_obey(world, cluster, words), flush=True)
        except LabError as error:
            print(error, flush=True)


def _obey(world: World, cluster: Cluster, words: list[str]) -> str:
    """What to answer."""
    command = COMMANDS.get(words[0])
    if command is None:
        return guide(world)
    if not command.of_node:
        command.run(world, cluster, next(iter(world.nodes.values())))
        return "done"
    if len(words) != 2 or words[1] not in world.nodes:
        return f"{words[0]} wants one of: {', '.join(world.nodes)}"
    command.run(world, cluster, world.nodes[words[1]])
    return "done"
