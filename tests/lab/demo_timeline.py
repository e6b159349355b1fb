"""A scene as a story: one line for each thing that happened, in milliseconds since its start.

What the lab did and the observer saw is complete (deaths, power, addresses, who answers the
client); of what the daemons say, the steps that explain it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from demo_facts import LoggedFact
from record import Echo, Event, Record

SILENCE_NS = 50_000_000  # a client without an answer for longer is told of
LAB, CLIENT = "the lab", "client"


@dataclass(frozen=True)
class Line:
    t: int
    who: str
    text: str


# Facts of the daemons worth telling, in words. {field} is a field of the fact.
TOLD = {
    "authority-ended": "its authority ends",
    "disk-vote-conceded": "concedes the disk's vote on the disk",
    "disk-vote-held": "holds the disk's vote, term {term}",
    "disk-vote-promised": "bids for the disk's vote with term {term}",
    "disk-unreadable": "cannot read the disk: {why}",
    "disk-lost": "lost the disk: {why}",
    "disk-ready": "reads and writes the disk",
    "fence-failed": "fencing failed: {why}",
    "fence-proved": "the fence agent proved it off",
    "fenced": "fenced {target} by {by}: powered off and verified",
    "fencing-failed": "fencing {target} failed: {why}",
    "follows": "follows {coordinator}, term {term}",
    "gives-up-authority": "gives up its authority: {why}",
    "leaving": "was told to leave: hands over first",
    "member-joined": "{peer} is a member",
    "member-lost": "{peer} is no member any more",
    "order": "orders: {action} {resource} on {on}",
    "power-is-off": "the power device of {of} says off",
    "quiesced": "runs nothing and can start nothing",
    "quorate": "is quorate and coordinates, term {term}",
    "quorum-lost": "has lost its quorum",
    "resource-failed": "{resource} failed: {why}",
    "stands-down": "stands down: {why}",
    "stopping-everything": "has no authority: stops everything",
}


def story(
    record: Record, facts: Iterable[LoggedFact], address: str, start: int, end: int
) -> list[Line]:
    events = [line for e in record.events if start <= e.t <= end for line in _told(e, address)]
    said = [_said(fact) for fact in facts if fact.name in TOLD and start <= fact.t <= end]
    lines = events + said + _client(record.echoes(start, end), start)
    return sorted(lines, key=lambda line: line.t)


def text(lines: Sequence[Line], start: int) -> str:
    width = max((len(line.who) for line in lines), default=0)
    return "".join(
        f"  {(line.t - start) / 1e6:+10.1f} ms  {line.who:{width}}  {line.text}\n" for line in lines
    )


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def _said(fact: LoggedFact) -> Line:
    return Line(fact.t, fact.node, TOLD[fact.name].format_map(_Blank(fact.fields)))


def _told(event: Event, address: str) -> list[Line]:
    """One line, or none for what is not part of the story."""
    facts, node = event.facts, event.node
    if event.kind == "fault":
        return [Line(event.t, LAB, _fault(event))]
    if event.kind == "power" and facts["by"] == "lab":
        return [Line(event.t, LAB, f"switches the power of {node} {facts['order']}")]
    if event.kind == "bmc" and "order" in facts:
        obeyed = "" if facts["obeyed"] else ", and does NOT obey"
        return [Line(event.t, f"BMC of {node}", f"is ordered: power {facts['order']}{obeyed}")]
    if event.kind == "freeze" and facts["pids"]:
        return [Line(event.t, LAB, f"freezes the {facts['pids']} processes of {node}")]
    if event.kind == "death":
        return [Line(event.t, node, "is dead")]
    if event.kind == "boot":
        return [Line(event.t, node, "boots")]
    if event.kind in ("up", "down") and facts["address"] == address:
        return [Line(event.t, node, f"address {address} {event.kind}")]
    return []


def _fault(event: Event) -> str:
    what, node = str(event.facts["what"]), event.node
    known = {
        "partition": "cuts the nodes from each other; clients still reach both",
        "storage cut": f"cuts {node} from the shared disk",
        "BMC cut": f"cuts {node} from the BMC of {event.facts.get('victim')}",
        "deaf": f"makes {node} deaf to {event.facts.get('to')}",
        "healed": "heals the network",
    }
    return known.get(what, what)


def _client(echoes: Sequence[Echo], start: int) -> list[Line]:
    lines: list[Line] = []
    last, who = start, ""
    answered = sorted((e for e in echoes if e.answered), key=lambda e: e.answered or 0)
    for echo in answered:
        at = echo.answered or 0
        name = echo.node or "a stranger"
        silence = at - last
        if silence > SILENCE_NS:
            lines.append(Line(last, CLIENT, f"last answer{f' from {who}' if who else ''}"))
        if silence > SILENCE_NS or name != who:
            after = f", after {silence / 1e6:.0f} ms without" if silence > SILENCE_NS else ""
            lines.append(Line(at, CLIENT, f"answered by {name} ({echo.mac}){after}"))
        last, who = at, name
    return lines
