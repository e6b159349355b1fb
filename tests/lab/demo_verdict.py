"""The end of a demo: what all scenes together say, for people, for a spreadsheet, as exit code."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from judge import Verdict

COLUMNS = (
    "pass", "scene", "verdict", "address_ms", "client_ms", "overlap_ms", "silence_ms", "echoes",
    "lost", "killed",
)  # fmt: skip


@dataclass(frozen=True)
class Played:
    turn: int  # of --repeat, from 1
    verdict: Verdict


def killed(verdict: Verdict) -> str:
    kills = [f"{kill.node} after {kill.ms:.0f} ms by {kill.by}" for kill in verdict.figures.kills]
    return ", ".join(kills) or "nobody"


def figures(verdict: Verdict) -> str:
    f = verdict.figures
    moved = (
        f"address up after {f.failover_ms:.0f} ms, first echo after {f.client_ms:.0f} ms"
        if f.failover_ms is not None and f.client_ms is not None
        else f"longest gap between echoes {f.silence_ms:.0f} ms"
    )
    return f"{moved}; overlap {f.overlap_ms:g} ms; lost {f.lost} of {f.echoes}; died: {killed(verdict)}"


def write_csv(path: Path, played: Sequence[Played]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for each in played:
            v, f = each.verdict, each.verdict.figures
            rows.writerow(
                [each.turn, v.scene, v.text().removeprefix("VERDICT: "), f.failover_ms, f.client_ms]
                + [f.overlap_ms, f.silence_ms, f.echoes, f.lost, killed(v)]
            )


def summary(played: Sequence[Played]) -> str:
    lines = ["", "scene  runs  address up after, ms     first echo after, ms    longest overlap"]
    for name in dict.fromkeys(each.verdict.scene for each in played):
        runs = [each.verdict.figures for each in played if each.verdict.scene == name]
        address = _spread([f.failover_ms for f in runs if f.failover_ms is not None])
        echo = _spread([f.client_ms for f in runs if f.client_ms is not None])
        overlap = max(f.overlap_ms for f in runs)
        lines.append(f"{name:5}  {len(runs):4}  {address:23}  {echo:22}  {overlap:g} ms")
    lines += ["", f"longest overlap: {max(e.verdict.figures.overlap_ms for e in played):g} ms"]
    lines += [
        f"scene {each.verdict.scene}, pass {each.turn}: died: {killed(each.verdict)}"
        for each in played
    ]
    return "\n".join([*lines, "", overall(played)])


def overall(played: Sequence[Played]) -> str:
    """The worst of the scenes' verdicts, with the scenes it comes from."""
    for pick, words in (
        (lambda v: v.unsafe, "unsafe"),
        (lambda v: v.unmet, "safe, but not as expected"),
    ):
        bad = [
            f"scene {each.verdict.scene}, pass {each.turn}: {'; '.join(pick(each.verdict))}"
            for each in played
            if pick(each.verdict)
        ]
        if bad:
            return f"VERDICT: {words}: " + " | ".join(bad)
    return "VERDICT: safe"


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "stays"
    if len(values) == 1:
        return f"{values[0]:.0f}"
    return f"{min(values):.0f} / {median(values):.0f} / {max(values):.0f}"
