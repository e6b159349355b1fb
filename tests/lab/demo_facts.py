"""What the daemons log while a scene runs, for its timeline. For people: nothing is judged by it.

Time: the daemons stamp the wall clock; facts are given the observer's clock here, to about 1 ms.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from linux import now_ns

LINE = re.compile(r"^(\S+Z) (\w+) ([a-z0-9-]+)(.*)$")
FIELD = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))')


@dataclass(frozen=True)
class LoggedFact:
    t: int  # CLOCK_BOOTTIME, ns
    node: str
    name: str
    fields: dict[str, str]


class FactLog:
    """The log files of one daemon each, read on from where the last read() ended."""

    def __init__(self, files: Sequence[tuple[str, Path]]) -> None:
        self._files = files  # node, path
        self._read: dict[Path, int] = {}

    def read(self) -> list[LoggedFact]:
        ahead = time.time_ns() - now_ns()
        found = [
            fact
            for node, path in self._files
            for line in self._new_lines(path)
            if (fact := parse(node, line, ahead))
        ]
        return sorted(found, key=lambda fact: fact.t)

    def _new_lines(self, path: Path) -> list[str]:
        if not path.exists():
            return []
        with path.open("rb") as file:
            file.seek(self._read.get(path, 0))
            whole = file.read().rpartition(b"\n")[0]
        self._read[path] = self._read.get(path, 0) + len(whole) + (1 if whole else 0)
        return whole.decode(errors="replace").splitlines()


def parse(node: str, line: str, ahead: int) -> LoggedFact | None:
    """None for a line that is no fact. `ahead`: the wall clock less CLOCK_BOOTTIME."""
    match = LINE.match(line)
    if not match:
        return None
    stamp, _, name, rest = match.groups()
    try:
        wall = datetime.fromisoformat(stamp.replace("Z", "+00:00"))
    except ValueError:
        return None
    fields = {key: quoted or plain for key, quoted, plain in FIELD.findall(rest)}
    return LoggedFact(int(wall.timestamp() * 1e9) - ahead, node, name, fields)
