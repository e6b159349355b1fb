"""The judge: what the observer recorded, against what a scene declares. Pure.

`unsafe` reasons are violations of what the cluster promises whatever happens (two living holders,
nobody left, a kill in vain, the declared winner killed), and whatever keeps the judge from vouching
that there was none. `unmet` reasons are expectations of this scene (the address is where it should
be, in time, no echo lost). A scene has passed only without either.

Time: CLOCK_BOOTTIME nanoseconds inside; figures are milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from record import Echo, Event, Hold, Record

ECHO_PERIOD_MS = 10
ANSWER_SLACK_NS = 20_000_000  # an answer and an address event may be seen in either order
LEAST_COVERAGE = 0.5  # of the echoes that fit into the window; fewer: the observer was starved
STALL_LIMIT_MS = 250.0


@dataclass(frozen=True)
class Expectation:
    scene: str
    address: str
    start: int
    end: int  # of the outcome: figures are of start..end
    restored: int  # whole again: what must never happen is judged over start..restored
    nodes: tuple[str, ...]  # all there are
    active: str  # who holds the address when the scene begins
    winner: str  # who shall hold it when it ends, and must not be killed
    may_be_killed: frozenset[str] = frozenset()  # by others than the scene's own hand
    echoes_may_be_lost: bool = True
    bound_ms: float | None = None  # for a move: from the scene's start to the address at the winner


@dataclass(frozen=True)
class Kill:
    node: str
    ms: float  # after the scene's start
    by: str  # "lab" (the scene itself), "bmc" or "itself"


@dataclass
class Figures:
    failover_ms: float | None = None  # to the address at the winner, when it moves
    client_ms: float | None = None  # to the first echo that the winner answered, when it moves
    overlap_ms: float = 0.0
    silence_ms: float = 0.0
    echoes: int = 0
    lost: int = 0
    stall_ms: float = 0.0
    kills: list[Kill] = field(default_factory=list)


@dataclass
class Verdict:
    scene: str
    unsafe: list[str] = field(default_factory=list)
    unmet: list[str] = field(default_factory=list)
    figures: Figures = field(default_factory=Figures)

    @property
    def safe(self) -> bool:
        return not self.unsafe

    @property
    def passed(self) -> bool:
        return not self.unsafe and not self.unmet

    def text(self) -> str:
        if self.unsafe:
            return "VERDICT: unsafe: " + "; ".join(self.unsafe + self.unmet)
        if self.unmet:
            return "VERDICT: safe, but not as expected: " + "; ".join(self.unmet)
        return "VERDICT: safe"


def judge(record: Record, expected: Expectation) -> Verdict:
    verdict = Verdict(expected.scene)
    _judge_instrument(record, expected, verdict)
    _judge_holders(record, expected, verdict)
    _judge_kills(record, expected, verdict)
    _judge_address(record, expected, verdict)
    _judge_echoes(record, expected, verdict)
    return verdict


def _judge_instrument(record: Record, expected: Expectation, verdict: Verdict) -> None:
    for event in record.of("overrun", expected.start, expected.restored):
        verdict.unsafe.append(f"the observer missed address events of {event.node}: cannot vouch")
    stalls = record.of("stall", expected.start, expected.restored)
    longest = max((float(stall.facts["ms"]) for stall in stalls), default=0.0)
    verdict.figures.stall_ms = longest
    if longest > STALL_LIMIT_MS:
        verdict.unsafe.append(f"the observer was held up for {longest:.0f} ms: cannot vouch")
    sent = len(record.echoes(expected.start, expected.restored))
    fitting = _ms(expected.restored - expected.start) / ECHO_PERIOD_MS
    if sent < LEAST_COVERAGE * fitting:
        verdict.unsafe.append(f"only {sent} of {fitting:.0f} echoes were sent: cannot vouch")


def _judge_holders(record: Record, expected: Expectation, verdict: Verdict) -> None:
    overlap = record.longest_overlap(expected.address, expected.start, expected.restored)
    verdict.figures.overlap_ms = _ms(overlap)
    if overlap > 0:
        verdict.unsafe.append(f"two living nodes had the address for {_ms(overlap):.1f} ms")
    began = record.holders(expected.address, expected.start)
    if began != [expected.active]:
        verdict.unmet.append(f"at the start {_names(began)} had the address, not {expected.active}")


def _judge_kills(record: Record, expected: Expectation, verdict: Verdict) -> None:
    deaths = record.of("death", expected.start, expected.restored)
    kills = [
        Kill(death.node, _ms(death.t - expected.start), _cause(record, death)) for death in deaths
    ]
    verdict.figures.kills = kills
    for kill in kills:
        if kill.by == "lab":
            continue
        if kill.node == expected.winner:
            verdict.unsafe.append(f"{kill.node}, the declared winner, was killed (by {kill.by})")
        elif kill.node not in expected.may_be_killed:
            verdict.unsafe.append(f"{kill.node} was killed in vain (by {kill.by})")
    dead = {kill.node for kill in kills}
    if dead == set(expected.nodes):
        verdict.unsafe.append("every node was killed")
    for node in sorted(dead):
        times = sum(kill.node == node and kill.by != "lab" for kill in kills)
        if times > 1:
            verdict.unsafe.append(f"{node} was killed {times} times")


def _cause(record: Record, death: Event) -> str:
    """Who ordered it: the nearest power record (an order comes before the death, a report after)."""
    orders = [e for e in record.of("power", node=death.node) if e.facts["order"] != "on"]
    nearest = min(orders, key=lambda order: abs(order.t - death.t), default=None)
    return str(nearest.facts["by"]) if nearest else "unknown"


def _judge_address(record: Record, expected: Expectation, verdict: Verdict) -> None:
    for when, t in (("at the end", expected.end), ("after the restart", expected.restored)):
        had = record.holders(expected.address, t)
        if had != [expected.winner]:
            verdict.unmet.append(f"{when} {_names(had)} had the address, not {expected.winner}")
    if expected.winner == expected.active:
        moves = [
            hold
            for hold in record.holds(expected.address)
            if expected.start < hold.start <= expected.restored
        ]
        if moves:
            verdict.unmet.append(f"the address should have stayed, but came up {len(moves)} times")
        return
    first = next(
        (
            hold.start
            for hold in record.holds(expected.address)
            if hold.node == expected.winner and hold.start >= expected.start
        ),
        None,
    )
    if first is not None:
        took = _ms(first - expected.start)
        verdict.figures.failover_ms = took
        if expected.bound_ms is not None and took > expected.bound_ms:
            verdict.unmet.append(
                f"the address came up after {took:.0f} ms, bound {expected.bound_ms:.0f} ms"
            )


def _judge_echoes(record: Record, expected: Expectation, verdict: Verdict) -> None:
    echoes = record.echoes(expected.start, expected.end)
    figures = verdict.figures
    figures.echoes = len(echoes)
    figures.lost = sum(echo.answered is None for echo in echoes)
    figures.silence_ms = _ms(record.longest_silence(expected.start, expected.end))
    watched = record.echoes(expected.start, expected.restored)
    lost = sum(echo.answered is None for echo in watched)
    if lost and not expected.echoes_may_be_lost:
        verdict.unmet.append(f"{lost} of {len(watched)} echoes were lost")
    if expected.winner != expected.active:
        answers = [e.answered for e in echoes if e.node == expected.winner and e.answered]
        figures.client_ms = _ms(min(answers) - expected.start) if answers else None
        if not answers:
            verdict.unmet.append(f"no echo was answered by {expected.winner}")
    holds = record.holds(expected.address)
    strangers = sorted({_unexplained(holds, echo) for echo in watched} - {""})
    verdict.unsafe += [f"{who} answered echoes without having the address" for who in strangers]


def _unexplained(holds: list[Hold], echo: Echo) -> str:
    """Who answered although the address events say that he could not; "" if all is well."""
    if echo.answered is None:
        return ""
    for hold in holds:
        begun = hold.start - ANSWER_SLACK_NS <= echo.answered
        over = hold.end is not None and echo.sent > hold.end + ANSWER_SLACK_NS
        if hold.node == echo.node and begun and not over:
            return ""
    return echo.node or f"a stranger ({echo.mac})"


def _names(nodes: list[str]) -> str:
    return " and ".join(nodes) or "nobody"


def _ms(ns: int) -> float:
    return round(ns / 1e6, 1)
