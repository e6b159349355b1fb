"""The judge and the record it reads, on records made by hand; case names are sentences."""

from __future__ import annotations

import unittest
from collections.abc import Iterable
from dataclasses import replace

from judge import Expectation, Verdict, judge
from record import Echo, Event, Hold, Record

VIP = "10.0.0.100"
MS = 1_000_000
STAY = Expectation("split", VIP, 0, 1000 * MS, 1000 * MS, ("a", "b"), active="a", winner="a")
MOVE = replace(STAY, winner="b")


def up(ms: int, node: str, interface: int = 2) -> Event:
    return Event(ms * MS, "up", node, {"address": VIP, "interface": interface})


def down(ms: int, node: str, interface: int = 2) -> Event:
    return Event(ms * MS, "down", node, {"address": VIP, "interface": interface})


def death(ms: int, node: str, by: str) -> list[Event]:
    order = Event(ms * MS - 1, "power", node, {"order": "off", "by": by})
    return [order, Event(ms * MS, "death", node)]


def answers(node: str, start: int, end: int) -> list[Echo]:
    return [Echo(t * MS, t * MS + 100, node, "") for t in range(start, end, 10)]


def silence(start: int, end: int) -> list[Echo]:
    return [Echo(t * MS, None, "", "") for t in range(start, end, 10)]


def decide(
    expected: Expectation, events: Iterable[Event], echoes: list[Echo] | None = None
) -> Verdict:
    record = Record([up(-100, "a"), *events], answers("a", 0, 1000) if echoes is None else echoes)
    return judge(record, expected)


class JudgeTest(unittest.TestCase):
    def unsafe(self, verdict: Verdict, sign: str) -> None:
        self.assertFalse(verdict.safe)
        self.assertIn(sign, verdict.text())

    def unmet(self, verdict: Verdict, sign: str) -> None:
        self.assertTrue(verdict.safe, verdict.text())
        self.assertFalse(verdict.passed)
        self.assertIn(sign, verdict.text())

    def test_an_address_that_stays_is_safe(self) -> None:
        self.assertEqual(decide(STAY, []).text(), "VERDICT: safe")

    def test_a_move_after_the_death_of_the_holder_is_safe_and_timed(self) -> None:
        echoes = answers("a", 0, 50) + silence(50, 310) + answers("b", 310, 1000)
        verdict = decide(MOVE, [*death(50, "a", "lab"), up(300, "b")], echoes)
        self.assertEqual(verdict.text(), "VERDICT: safe")
        self.assertEqual(verdict.figures.failover_ms, 300.0)
        self.assertEqual(verdict.figures.client_ms, 310.0)
        self.assertEqual(verdict.figures.lost, 26)

    def test_two_living_holders_are_unsafe_and_the_overlap_is_measured(self) -> None:
        verdict = decide(MOVE, [up(300, "b"), down(425, "a")], answers("b", 300, 1000))
        self.unsafe(verdict, "two living nodes had the address for 125.0 ms")

    def test_an_overlap_that_lasts_is_measured_until_the_end(self) -> None:
        verdict = decide(MOVE, [up(300, "b")], answers("b", 300, 1000))
        self.assertEqual(verdict.figures.overlap_ms, 700.0)

    def test_an_overlap_outside_the_window_is_not_this_scenes(self) -> None:
        verdict = decide(STAY, [up(-50, "b"), down(-20, "b")])
        self.assertTrue(verdict.passed, verdict.text())

    def test_a_dead_holder_holds_nothing(self) -> None:
        verdict = decide(STAY, [up(-90, "b"), *death(-50, "b", "lab")])
        self.assertEqual(verdict.figures.overlap_ms, 0)

    def test_the_loser_may_be_killed_once(self) -> None:
        allowed = replace(STAY, may_be_killed=frozenset({"b"}))
        self.assertTrue(decide(allowed, death(200, "b", "bmc")).passed)
        twice = [*death(200, "b", "bmc"), *death(400, "b", "bmc")]
        self.unsafe(decide(allowed, twice), "b was killed 2 times")

    def test_a_kill_that_nobody_allowed_is_in_vain(self) -> None:
        self.unsafe(decide(STAY, death(200, "b", "bmc")), "b was killed in vain (by bmc)")
        self.unsafe(decide(STAY, death(200, "b", "itself")), "b was killed in vain (by itself)")

    def test_what_the_scene_kills_is_not_in_vain(self) -> None:
        self.assertTrue(decide(STAY, death(200, "b", "lab")).passed)

    def test_the_declared_winner_must_not_be_killed(self) -> None:
        allowed = replace(MOVE, may_be_killed=frozenset({"a", "b"}))
        self.unsafe(decide(allowed, death(200, "b", "bmc")), "b, the declared winner, was killed")

    def test_nobody_left_is_unsafe(self) -> None:
        allowed = replace(MOVE, may_be_killed=frozenset({"a"}))
        verdict = decide(allowed, [*death(200, "a", "bmc"), *death(210, "b", "lab")])
        self.unsafe(verdict, "every node was killed")

    def test_a_report_after_the_death_names_its_cause(self) -> None:
        report = Event(201 * MS, "power", "b", {"order": "reset", "by": "itself"})
        verdict = decide(STAY, [Event(200 * MS, "death", "b"), report])
        self.assertEqual(verdict.figures.kills[0].by, "itself")

    def test_an_address_at_the_wrong_node_is_not_as_expected(self) -> None:
        self.unmet(decide(MOVE, []), "at the end a had the address, not b")

    def test_an_address_nowhere_is_not_as_expected(self) -> None:
        verdict = decide(STAY, [down(200, "a")], answers("a", 0, 200) + silence(200, 1000))
        self.unmet(verdict, "at the end nobody had the address")

    def test_an_address_that_went_away_and_came_back_did_not_stay(self) -> None:
        self.unmet(decide(STAY, [down(200, "a"), up(210, "a")]), "should have stayed")

    def test_a_move_beyond_the_bound_is_late(self) -> None:
        bounded = replace(MOVE, bound_ms=200.0)
        events = [*death(50, "a", "lab"), up(300, "b")]
        self.unmet(decide(bounded, events, answers("b", 300, 1300)), "bound 200 ms")

    def test_an_address_that_fails_back_when_the_loser_returns_is_not_as_expected(self) -> None:
        longer = replace(MOVE, restored=2000 * MS)
        events = [*death(50, "a", "lab"), up(300, "b"), down(1500, "b"), up(1510, "a")]
        verdict = decide(longer, events, answers("b", 300, 1510) + answers("a", 1510, 2000))
        self.unmet(verdict, "after the restart a had the address, not b")

    def test_an_overlap_while_the_loser_returns_is_unsafe(self) -> None:
        longer = replace(STAY, restored=2000 * MS)
        verdict = decide(longer, [up(1200, "b"), down(1210, "b")], answers("a", 0, 2000))
        self.unsafe(verdict, "two living nodes had the address for 10.0 ms")

    def test_a_lost_echo_counts_where_none_may_be_lost(self) -> None:
        strict = replace(STAY, echoes_may_be_lost=False)
        echoes = answers("a", 0, 500) + silence(500, 510) + answers("a", 510, 1000)
        self.unmet(decide(strict, [], echoes), "1 of 100 echoes were lost")
        self.assertTrue(decide(STAY, [], echoes).passed)

    def test_the_longest_silence_is_between_two_answers(self) -> None:
        echoes = answers("a", 0, 500) + silence(500, 600) + answers("a", 600, 1000)
        self.assertEqual(decide(STAY, [], echoes).figures.silence_ms, 110.0)

    def test_an_answer_from_a_node_without_the_address_is_unsafe(self) -> None:
        verdict = decide(STAY, [], answers("a", 0, 990) + answers("b", 990, 1000))
        self.unsafe(verdict, "b answered echoes without having the address")

    def test_an_answer_from_a_stranger_is_unsafe(self) -> None:
        foreign = [Echo(990 * MS, 991 * MS, "", "02:ff:00:00:00:01")]
        self.unsafe(decide(STAY, [], answers("a", 0, 990) + foreign), "a stranger (02:ff")

    def test_a_blind_observer_cannot_vouch(self) -> None:
        self.unsafe(decide(STAY, [Event(5 * MS, "overrun", "a")]), "missed address events of a")
        self.unsafe(decide(STAY, [Event(5 * MS, "stall", "", {"ms": 400.0})]), "held up for 400 ms")
        self.unsafe(decide(STAY, [], answers("a", 0, 200)), "only 20 of 100 echoes")


class RecordTest(unittest.TestCase):
    def test_a_repeated_up_is_one_hold(self) -> None:
        record = Record([up(1, "a"), up(2, "a"), down(3, "a")])
        self.assertEqual(record.holds(VIP), [Hold("a", 1 * MS, 3 * MS)])

    def test_two_interfaces_hold_until_the_last_lets_go(self) -> None:
        record = Record([up(1, "a", 2), up(2, "a", 3), down(3, "a", 2), down(9, "a", 3)])
        self.assertEqual(record.holds(VIP), [Hold("a", 1 * MS, 9 * MS)])

    def test_a_new_life_starts_without_the_address(self) -> None:
        record = Record([up(1, "a"), Event(5 * MS, "death", "a"), Event(6 * MS, "boot", "a")])
        self.assertEqual(record.holders(VIP), [])
        self.assertEqual(record.holders(VIP, at=4 * MS), ["a"])


if __name__ == "__main__":
    unittest.main()
