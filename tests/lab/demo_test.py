#!/usr/bin/env python3
"""What the demo tells: log lines read, a scene told in order, the verdict of many scenes."""

from __future__ import annotations

import csv
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from demo_facts import FactLog, LoggedFact, parse  # noqa: E402
from demo_timeline import TOLD, story, text  # noqa: E402
from demo_verdict import Played, overall, summary, write_csv  # noqa: E402
from judge import Figures, Kill, Verdict  # noqa: E402
from record import Echo, Event, Record  # noqa: E402

MS = 1_000_000
VIP = "10.97.0.100"


class ReadingTheDaemonsLogs(unittest.TestCase):
    def test_a_fact_has_its_name_its_fields_and_the_observers_time(self) -> None:
        line = '1970-01-01T00:00:02.500Z notice quorate node=node-a term="1.2 of 3" odd=""'
        fact = parse("node-a", line, ahead=2_000 * MS)
        self.assertEqual(
            fact,
            LoggedFact(
                500 * MS, "node-a", "quorate", {"node": "node-a", "term": "1.2 of 3", "odd": ""}
            ),
        )

    def test_lines_that_are_no_facts_are_passed_over(self) -> None:
        for line in ("", "fencepostd: no key", "2026-99-99T00:00:00.000Z notice quorate"):
            self.assertIsNone(parse("node-a", line, 0), line)

    def test_a_half_written_line_is_read_when_it_is_whole(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "log"
            log = FactLog([("node-a", path)])
            self.assertEqual(log.read(), [])
            path.write_text("2026-01-01T00:00:00.000Z notice one\n2026-01-01T00:00:01.000Z not")
            self.assertEqual([fact.name for fact in log.read()], ["one"])
            with path.open("a") as file:
                file.write("ice two\n")
            self.assertEqual([fact.name for fact in log.read()], ["two"])


class TellingAScene(unittest.TestCase):
    def told(self, record: Record, facts: list[LoggedFact] | None = None) -> str:
        return text(story(record, facts or [], VIP, 1_000 * MS, 9_000 * MS), 1_000 * MS)

    def test_in_order_of_time_counted_from_the_start(self) -> None:
        record = Record(
            [
                Event(2_000 * MS, "up", "node-b", {"address": VIP, "interface": 2}),
                Event(1_500 * MS, "death", "node-a"),
                Event(900 * MS, "death", "node-b"),
                Event(9_500 * MS, "boot", "node-a"),
            ]
        )
        facts = [LoggedFact(1_750 * MS, "node-b", "quorate", {"term": "7"})]
        lines = self.told(record, facts).splitlines()
        self.assertEqual(len(lines), 3, lines)
        for line, words in zip(lines, (["+500.0", "dead"], ["+750.0", "7"], ["+1000.0", "up"])):
            for word in words:
                self.assertIn(word, line)

    def test_other_addresses_and_unknown_facts_are_not_told(self) -> None:
        record = Record([Event(2_000 * MS, "up", "node-b", {"address": "10.97.0.2"})])
        self.assertEqual(self.told(record, [LoggedFact(2_000 * MS, "node-b", "tick", {})]), "")

    def test_a_field_that_a_fact_lacks_is_a_question_mark(self) -> None:
        for name in TOLD:
            self.assertTrue(self.told(Record([]), [LoggedFact(2_000 * MS, "node-b", name, {})]))

    def test_a_bmc_that_does_not_obey_is_named(self) -> None:
        order = Event(2_000 * MS, "bmc", "node-a", {"order": "off", "obeyed": False})
        self.assertIn("NOT", self.told(Record([order])))

    def test_the_client_tells_who_answers_and_how_long_nobody_did(self) -> None:
        def echo(ms: int, node: str) -> Echo:
            return Echo(ms * MS, (ms + 1) * MS if node else None, node, f"mac of {node}")

        echoes = [echo(ms, "node-a") for ms in range(1_000, 1_100, 10)]
        echoes += [echo(ms, "") for ms in range(1_100, 1_500, 10)]
        echoes += [echo(ms, "node-b") for ms in range(1_500, 1_600, 10)]
        lines = self.told(Record([], echoes)).splitlines()
        self.assertEqual(len(lines), 3, lines)
        self.assertIn("+91.0", lines[1])
        self.assertIn("last answer from node-a", lines[1])
        self.assertIn("answered by node-b (mac of node-b), after 410 ms", lines[2])


def played(turn: int, scene: str, unsafe: str = "", unmet: str = "", ms: float = 1.0) -> Played:
    figures = Figures(failover_ms=ms, client_ms=ms, kills=[Kill("node-a", 12.0, "bmc")])
    return Played(turn, Verdict(scene, [unsafe] * bool(unsafe), [unmet] * bool(unmet), figures))


class TheVerdictOfAll(unittest.TestCase):
    def test_is_the_worst_and_says_where(self) -> None:
        good, late = played(1, "1"), played(1, "2b", unmet="too late")
        bad = played(2, "3", unsafe="two living nodes")
        self.assertEqual(overall([good]), "VERDICT: safe")
        self.assertEqual(
            overall([good, late]),
            "VERDICT: safe, but not as expected: scene 2b, pass 1: too late",
        )
        self.assertEqual(
            overall([good, late, bad]), "VERDICT: unsafe: scene 3, pass 2: two living nodes"
        )

    def test_figures_are_least_median_and_most(self) -> None:
        shown = summary([played(turn, "1", ms=ms) for turn, ms in enumerate((30, 10, 20), 1)])
        self.assertIn("10 / 20 / 30", shown)
        self.assertIn("node-a after 12 ms by bmc", shown)

    def test_csv_has_a_line_for_each_scene(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "figures.csv"
            write_csv(path, [played(1, "1"), played(1, "2", unsafe="both, at once")])
            with path.open(newline="") as file:
                rows = list(csv.DictReader(file))
        self.assertEqual([row["verdict"] for row in rows], ["safe", "unsafe: both, at once"])
        self.assertEqual(rows[0]["address_ms"], "1.0")


if __name__ == "__main__":
    unittest.main()
