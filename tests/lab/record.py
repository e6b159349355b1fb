"""What the observer wrote, and the questions one asks of it. Pure: no clock, no I/O but Reader's.

A node *holds* an address from its first `up` until its last `down` or its death; what no longer
runs holds nothing. All times are CLOCK_BOOTTIME nanoseconds.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Event:
    t: int
    kind: str
    node: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Hold:
    """`node` had the address from start until end (None: it still has)."""

    node: str
    start: int
    end: int | None


@dataclass(frozen=True)
class Echo:
    sent: int
    answered: int | None
    node: str  # whose hardware address answered; "" for nobody, or somebody unknown
    mac: str


class Record:
    """`echoes` in order of sending; kept apart from the other events because they are so many."""

    def __init__(self, events: Iterable[Event], echoes: Sequence[Echo] = ()) -> None:
        self.events: Sequence[Event] = sorted(events, key=lambda event: event.t)  # stable
        self._echoes = echoes

    def of(self, kind: str, start: int = 0, end: int | None = None, node: str = "") -> list[Event]:
        return [
            event
            for event in self.events
            if event.kind == kind
            and event.t >= start
            and (end is None or event.t <= end)
            and node in ("", event.node)
        ]

    def holds(self, address: str) -> list[Hold]:
        done: list[Hold] = []
        since: dict[str, int] = {}
        interfaces: dict[str, set[int]] = {}
        for event in self.events:
            node = event.node
            if event.kind == "up" and event.facts["address"] == address:
                since.setdefault(node, event.t)
                interfaces.setdefault(node, set()).add(event.facts["interface"])
            elif event.kind == "down" and event.facts["address"] == address:
                interfaces.get(node, set()).discard(event.facts["interface"])
                if node in since and not interfaces[node]:
                    done.append(Hold(node, since.pop(node), event.t))
            elif event.kind == "death":
                interfaces.pop(node, None)
                if node in since:
                    done.append(Hold(node, since.pop(node), event.t))
        done += [Hold(node, start, None) for node, start in since.items()]
        return sorted(done, key=lambda hold: hold.start)

    def holders(self, address: str, at: int | None = None) -> list[str]:
        """Who has it at that time, or now."""
        holds = self.holds(address)
        if at is None:
            return sorted({hold.node for hold in holds if hold.end is None})
        return sorted({h.node for h in holds if h.start <= at and (h.end is None or at < h.end)})

    def longest_overlap(self, address: str, start: int, end: int) -> int:
        """The longest time in the window in which two living nodes had the address."""
        longest = 0
        for one, other in combinations(self.holds(address), 2):
            if one.node != other.node:
                first = max(one.start, other.start, start)
                last = min(_end(one, end), _end(other, end), end)
                longest = max(longest, last - first)
        return longest

    def echoes(self, start: int, end: int) -> Sequence[Echo]:
        """Those sent in the window, in order of sending."""
        first = bisect_left(self._echoes, start, key=lambda echo: echo.sent)
        last = bisect_right(self._echoes, end, key=lambda echo: echo.sent)
        return self._echoes[first:last]

    def longest_silence(self, start: int, end: int) -> int:
        """The longest time in the window in which no answer arrived."""
        answers = [e.answered for e in self.echoes(start, end) if e.answered is not None]
        marks = [start, *sorted(answer for answer in answers if answer <= end), end]
        return max(after - before for before, after in zip(marks, marks[1:]))


def _end(hold: Hold, otherwise: int) -> int:
    return otherwise if hold.end is None else hold.end


class Reader:
    """Follows the observer's file; each read() parses only what is new."""

    def __init__(self, path: Path) -> None:
        self._file = path.open(encoding="utf-8")
        self._rest = ""
        self._events: list[Event] = []
        self._echoes: list[Echo] = []

    def read(self) -> Record:
        *lines, self._rest = (self._rest + self._file.read()).split("\n")
        for line in lines:
            raw: dict[str, Any] = json.loads(line)
            t, kind, node = raw.pop("t"), raw.pop("kind"), raw.pop("node", None) or ""
            if kind == "echo":
                self._echoes.append(Echo(t, raw["answered"], node, raw["mac"] or ""))
            else:
                self._events.append(Event(t, kind, node, raw))
        self._echoes.sort(key=lambda echo: echo.sent)
        return Record(self._events, tuple(self._echoes))

    def close(self) -> None:
        self._file.close()
