"""The scenes: what is done to a cluster of two, and what must come of it.

A scene is data: what it does, who shall win, who may be killed, whether a client may notice.
play() brings the cluster to a defined state, acts, watches, has the judge decide, and restores.

Time:   the adapter's Timing; figures in milliseconds.
Errors: LabError when the cluster does not become whole before a scene: nothing was measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bmc import Faults
from cluster import Cluster
from judge import Expectation, Verdict, judge
from linux import LabError, now_ns, wait_for
from node import Node
from world import World


@dataclass(frozen=True)
class Stage:
    """A cluster of two, whole, at the moment a scene begins."""

    world: World
    cluster: Cluster
    active: Node
    standby: Node


@dataclass(frozen=True)
class Scene:
    name: str
    title: str
    act: Callable[[Stage], None]
    moves: bool  # the address goes to the standby; otherwise it stays
    loser_may_be_killed: bool
    echoes_may_be_lost: bool
    active_wins: bool | None = None  # what the scores say of a split; None: they do not matter
    prepare: Callable[[Stage], None] = lambda _: None
    loser_leaves: bool = True  # the outcome includes that the loser is off or quiesced
    bound_ms: float | None = None
    aftermath: Callable[[Stage], None] = lambda _: None


def _power_loss(stage: Stage) -> None:
    stage.active.power_off(by="lab")


def _split(stage: Stage) -> None:
    stage.world.partition()


def _split_without_disk(stage: Stage) -> None:
    stage.world.cut_storage(stage.active)
    stage.world.partition()


def _planned_stop(stage: Stage) -> None:
    stage.cluster.stop(stage.active)


def _lie(stage: Stage) -> None:
    stage.world.bmcs[stage.active.name].faults = Faults(lie=True)


def _lie_all(stage: Stage) -> None:
    for bmc in stage.world.bmcs.values():
        bmc.faults = Faults(lie=True)


def _split_and_freeze(stage: Stage) -> None:
    stage.active.freeze()
    stage.world.partition()


def _repair_bmc(stage: Stage) -> None:
    """What the node thinks it holds ends with it."""
    for bmc in stage.world.bmcs.values():
        bmc.faults = Faults()
    stage.active.power_off(by="lab")


SCENES: tuple[Scene, ...] = (
    Scene(
        "1", "the active node loses power",
        _power_loss, moves=True, loser_may_be_killed=False, echoes_may_be_lost=True,
    ),
    Scene(
        "2", "the nodes stop hearing each other, both see the disk",
        _split, moves=False, loser_may_be_killed=True, echoes_may_be_lost=False,
        active_wins=True,
    ),
    Scene(
        "2b", "the same, with scores that prefer the peer",
        _split, moves=True, loser_may_be_killed=True, echoes_may_be_lost=True,
        active_wins=False,
    ),
    Scene(
        "3", "the nodes stop hearing each other and the active one loses the disk",
        _split_without_disk, moves=True, loser_may_be_killed=True, echoes_may_be_lost=True,
    ),
    Scene(
        "4", "planned stop of the active node",
        _planned_stop, moves=True, loser_may_be_killed=False, echoes_may_be_lost=True,
        loser_leaves=False,
    ),
)  # fmt: skip


# The negative control: the BMC says off while the node runs, and the node's daemons are frozen
# before their deadline, so nothing takes the address away. The verdict must be unsafe.
BROKEN_FENCING = Scene(
    "2b-broken-fencing", "a split with a lying BMC and frozen daemons",
    _split_and_freeze, moves=True, loser_may_be_killed=True, echoes_may_be_lost=True,
    active_wins=False, prepare=_lie, loser_leaves=False, aftermath=_repair_bmc,
)  # fmt: skip

# The other one, for daemons whose lease never ends: who lost everything goes on, and the BMCs lie
# (his too: with a lease that never ends he would shoot the winner, and there would be one holder).
BROKEN_LEASE = Scene(
    "3-broken-lease", "scene 3 with leases that never end and lying BMCs",
    _split_without_disk, moves=True, loser_may_be_killed=True, echoes_may_be_lost=True,
    prepare=_lie_all, loser_leaves=False, aftermath=_repair_bmc,
)  # fmt: skip


def scene(name: str) -> Scene:
    for each in SCENES:
        if each.name == name:
            return each
    raise LabError(f"no scene {name!r}; there are {', '.join(each.name for each in SCENES)}")


def play(chosen: Scene, world: World, cluster: Cluster) -> Verdict:
    make_whole(world, cluster)
    cluster.prefer(world, chosen.active_wins)
    stage = make_whole(world, cluster)
    chosen.prepare(stage)
    start = now_ns()
    world.observer.note("scene", name=chosen.name, title=chosen.title, active=stage.active.name)
    chosen.act(stage)
    outcome_seen = _await_outcome(chosen, stage, start)
    _linger(stage)
    end = now_ns()
    chosen.aftermath(stage)
    not_restored = _restore(stage)
    restored = now_ns()
    expected = _expectation(chosen, stage, start, end, restored)
    verdict = judge(world.observer.settled(), expected)
    if not outcome_seen:
        verdict.unmet.append(f"no outcome within {cluster.timing.outcome:g} s")
    verdict.unmet += not_restored
    world.observer.note("verdict", scene=chosen.name, text=verdict.text())
    return verdict


def make_whole(world: World, cluster: Cluster) -> Stage:
    """All healed, all on, one holder."""
    world.switch.heal_all()
    world.power_on()

    def ready() -> bool:
        return cluster.whole(world) and len(world.observer.so_far().holders(world.vip)) == 1

    wait_for("the cluster is whole", ready, cluster.timing.whole, step=0.05)
    (holder,) = world.observer.so_far().holders(world.vip)
    active = world.nodes[holder]
    wait_for("the client reaches the address", lambda: _answered(world, active), 5.0, step=0.05)
    return Stage(world, cluster, active, world.other(active))


def _restore(stage: Stage) -> list[str]:
    """Heals, powers on, starts what the scene stopped, waits until all is whole; what failed."""
    stage.world.heal_all()
    stage.world.power_on()
    stage.cluster.start(stage.active)
    try:
        wait_for(
            "the cluster was whole again",
            lambda: stage.cluster.whole(stage.world),
            stage.cluster.timing.whole,
            step=0.05,
        )
    except LabError as late:
        return [str(late)]
    return []


def _winner(chosen: Scene, stage: Stage) -> tuple[Node, Node]:
    pair = (stage.standby, stage.active)
    return pair if chosen.moves else (pair[1], pair[0])


def _expectation(
    chosen: Scene, stage: Stage, start: int, end: int, restored: int
) -> Expectation:
    winner, loser = _winner(chosen, stage)
    return Expectation(
        scene=chosen.name,
        address=stage.world.vip,
        start=start,
        end=end,
        restored=restored,
        nodes=tuple(stage.world.nodes),
        active=stage.active.name,
        winner=winner.name,
        may_be_killed=frozenset({loser.name} if chosen.loser_may_be_killed else ()),
        echoes_may_be_lost=chosen.echoes_may_be_lost,
        bound_ms=chosen.bound_ms,
    )


def _await_outcome(chosen: Scene, stage: Stage, start: int) -> bool:
    winner, loser = _winner(chosen, stage)

    def seen() -> bool:
        record = stage.world.observer.so_far()
        if winner.name not in record.holders(stage.world.vip):
            return False
        if not _answered(stage.world, winner, start):
            return False
        gone = not chosen.loser_leaves or bool(record.of("death", start, node=loser.name))
        return gone or not loser.running or stage.cluster.quiesced(loser)

    try:
        return wait_for("outcome", seen, stage.cluster.timing.outcome, step=0.05)
    except LabError:
        return False


def _answered(world: World, node: Node, since: int = 0) -> bool:
    """The newest answer that the client has had came from `node`."""
    answers = [echo for echo in world.observer.so_far().echoes(since, now_ns()) if echo.answered]
    return bool(answers) and answers[-1].node == node.name


def _linger(stage: Stage) -> None:
    """Watches on: nothing is awaited, the passing of time is the measurement."""
    end = now_ns() + int(stage.cluster.timing.linger * 1e9)
    wait_for("lingering", lambda: now_ns() >= end, stage.cluster.timing.linger + 1.0, step=0.05)
