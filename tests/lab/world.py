"""The world: nodes, switch, shared disk, BMCs, a client and the observer, up and down as one.

    sys.exit(run_sandboxed(main))          # sandbox.py: everything below happens inside
    with World([NodeSpec("node-a", 1, boot), NodeSpec("node-b", 2, boot)], logs) as world:
        world.power_on()
        world.partition()

The world knows nothing of what runs in its nodes: that is NodeSpec.boot and, for the scenes, a
Cluster (cluster.py). Nodes are off until power_on(), so that configuration and passwords can be put
below Node.etc first.

Promise: leaving the `with` ends everything; the sandbox sees to what an abrupt end leaves.
         Every fault injected here is in the record, with its time.
Errors:  LabError.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from bmc import Bmc
from box import Box
from linux import LabError
from node import Node, NodeSpec
from observer import Observer
from sandbox import HOST_PID, LAB_ROOT
from switch import CLUSTER, PREFIX, STORAGE, Port, Switch
from target import Target

VIP_HOST = 100
CLIENT_HOST = 200
TARGET_HOST = 250
BMC_HOST = 100  # a BMC's address: this plus the number of its node
NODE_LIMIT = 63


class World:
    def __init__(self, specs: Sequence[NodeSpec], logs: Path | None = None) -> None:
        """`logs`: a directory of the host's that outlives the lab; none: gone with it."""
        if os.getpid() == 1 or HOST_PID not in os.environ:
            raise LabError("a World exists only inside run_sandboxed() (sandbox.py)")
        if not 1 <= len(specs) <= NODE_LIMIT:
            raise LabError(f"{len(specs)} nodes: a world has 1 to {NODE_LIMIT}")
        self._specs = specs
        self._root = Path(LAB_ROOT) / "world"
        self.logs = logs or self._root / "logs"
        self._ending = ExitStack()
        self.nodes: dict[str, Node] = {}
        self.bmcs: dict[str, Bmc] = {}
        self.vip = f"{PREFIX[CLUSTER]}.{VIP_HOST}"

    def __enter__(self) -> World:
        with ExitStack() as building:
            self._build(building)
            self._ending = building.pop_all()
        return self

    def _build(self, ending: ExitStack) -> None:
        self._root.mkdir()
        ending.callback(shutil.rmtree, self._root)
        self.logs.mkdir(parents=True, exist_ok=True)
        self.switch = Switch()
        ending.callback(self.switch.remove)
        self.observer = Observer(self.logs / "events.jsonl", self.logs / "observer.log")
        ending.callback(self.observer.close)
        self.client = self._box(ending, Port("client", CLUSTER, CLIENT_HOST))
        target_box = self._box(ending, Port("target", STORAGE, TARGET_HOST))
        self.target = Target(target_box, self._root / "target", self.logs)
        self.target.start()
        for spec in self._specs:
            self._add_node(ending, spec)
        self.observer.watch(self.vip, self.client.pid)

    def _box(self, ending: ExitStack, port: Port) -> Box:
        box = Box(self.switch, port)
        ending.callback(box.close)
        return box

    def _add_node(self, ending: ExitStack, spec: NodeSpec) -> None:
        disk, logs = self._root / "nodes" / spec.name, self.logs / spec.name
        node = Node(spec, self.switch, self.observer, disk, logs)
        ending.callback(node.close)
        self.nodes[spec.name] = node
        box = self._box(ending, Port(f"bmc{spec.number}", STORAGE, BMC_HOST + spec.number))
        directory = self._root / "bmc" / spec.name
        bmc = Bmc(node, box, self.observer, directory, self.logs)
        ending.callback(bmc.close)
        self.bmcs[spec.name] = bmc

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.close()

    def power_on(self) -> None:
        """All nodes that are off."""
        for node in self.nodes.values():
            node.power_on()

    def other(self, node: Node) -> Node:
        """The peer, in a world of two."""
        (peer,) = (each for each in self.nodes.values() if each is not node)
        return peer

    # --- faults --------------------------------------------------------------------------------

    def partition(self, one: Node | None = None, other: Node | None = None) -> None:
        """`one` and `other` (all pairs, if not given) do not hear each other; clients hear all."""
        self.observer.note("fault", what="partition")
        for a, b in self._pairs(one, other):
            self.switch.cut(a.cluster, b.cluster)

    def deafen(self, listener: Node, speaker: Node) -> None:
        """One way: `listener` no longer hears `speaker`, who still hears him."""
        self.observer.note("fault", what="deaf", node=listener.name, to=speaker.name)
        self.switch.cut(speaker.cluster, listener.cluster, both_ways=False)

    def cut_storage(self, node: Node, both_ways: bool = True) -> None:
        """`node` loses the shared disk, and only that; one way: the answers to it."""
        self.observer.note("fault", what="storage cut", node=node.name)
        self.switch.cut(self.target.box.port, node.storage, both_ways)

    def cut_bmc(self, node: Node, victim: Node, both_ways: bool = True) -> None:
        """`node` no longer reaches the BMC of `victim`, and only that."""
        self.observer.note("fault", what="BMC cut", node=node.name, victim=victim.name)
        self.switch.cut(self.bmcs[victim.name].box.port, node.storage, both_ways)

    def heal_all(self) -> None:
        self.switch.heal_all()
        self.observer.note("fault", what="healed")

    def _pairs(self, one: Node | None, other: Node | None) -> list[tuple[Node, Node]]:
        if one and other:
            return [(one, other)]
        nodes = list(self.nodes.values())
        return [
            (a, b)
            for number, a in enumerate(nodes)
            for b in nodes[number + 1 :]
            if one in (None, a, b)
        ]

    # --- for people ----------------------------------------------------------------------------

    def way_in(self, node: Node) -> str:
        """The command that gives the host's root a shell in `node`."""
        lab = f"nsenter -t {os.environ[HOST_PID]} -p -m -n -i"
        return f"{lab} {' '.join(node.inside('bash'))}"
