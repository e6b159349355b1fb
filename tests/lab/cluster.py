"""What the scenes need to know of the cluster software under test: one small adapter.

The world is the same whatever runs in its nodes. An adapter configures the nodes, starts the
software from their boot scripts, and asks it; it never touches an address or a power switch itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from node import Node
    from world import World


@dataclass(frozen=True)
class Timing:
    """Seconds. `linger`: how long a scene is watched after its outcome; a full lease or more, so
    that a second holder that is still coming is seen."""

    whole: float  # until all nodes are members and the address is up
    outcome: float  # until a fault has been dealt with
    linger: float


class Cluster(ABC):
    timing: Timing

    @abstractmethod
    def configure(self, world: World) -> None:
        """Before the first power-on: files below Node.etc, Node.boot_script."""

    @abstractmethod
    def whole(self, world: World) -> bool:
        """All nodes are members, a coordinator is quorate, the address is active."""

    @abstractmethod
    def quiesced(self, node: Node) -> bool:
        """A living node that knows it has no quorum and says it holds nothing."""

    @abstractmethod
    def prefer(self, world: World, active_wins: bool | None) -> None:
        """The active node shall win the next split, or lose it; None: it does not matter.

        Called of a whole cluster; may hand the address over to get there. When it returns the
        cluster may still be becoming whole again."""

    @abstractmethod
    def stop(self, node: Node) -> None:
        """Planned: returns when the node has left and handed over."""

    @abstractmethod
    def start(self, node: Node) -> None:
        """A node that stop() stopped joins again (not waited for); nothing for any other."""

    @abstractmethod
    def status(self, node: Node) -> str:
        """For people: what the software on `node` says of itself."""

    def close(self) -> None:
        """Ends what the adapter itself runs outside the nodes, if anything."""
