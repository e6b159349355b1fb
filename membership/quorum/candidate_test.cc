// One test a sentence of the rules R1, R3, R4 and R8, as far as they bind who collects votes. Each
// checks that the dangerous moment was reached before it checks what must not happen there.
#include "membership/quorum/candidate.h"

#include <gtest/gtest.h>

#include "membership/quorum/node_voter.h"

namespace fencepost::quorum {
namespace {

constexpr NodeId kSelf{1}, kB{2}, kC{3};
constexpr LeaseTimes kTimes{Millis(100), Millis(100), 100'000, Millis(2)};
constexpr Duration kInterval = Millis(10);
constexpr MonoTime kStart{std::chrono::hours(7)};

CandidateSettings SettingsOf(std::map<NodeId, Votes> nodes, std::uint32_t disk_votes = 0) {
  return {kSelf, std::move(nodes), Votes(disk_votes), kTimes, kInterval};
}
CandidateSettings ThreeNodes() {
  return SettingsOf({{kSelf, Votes(1)}, {kB, Votes(1)}, {kC, Votes(1)}});
}
CandidateSettings TwoNodesAndDisk() { return SettingsOf({{kSelf, Votes(1)}, {kB, Votes(1)}}, 1); }

// A candidate whose questions are remembered, so that a test can answer them when it likes.
struct Bench {
  explicit Bench(CandidateSettings settings = ThreeNodes(), std::uint64_t stored = 7)
      : candidate(std::move(settings), stored) {}

  CandidateEffects Step(MonoTime now, const CandidateEvent& event) {
    CandidateEffects effects = candidate.Step(now, event);
    for (const Question& question : effects.questions) asked[question.to] = question;
    return effects;
  }
  // Stands; its term is durable at once, and the first questions are asked.
  CandidateEffects Stand(MonoTime now) {
    EXPECT_TRUE(Step(now, candidate::Stand{}).store_counter);
    return Step(now, candidate::CounterStored{true});
  }
  // The voter says yes to the newest question.
  CandidateEffects Yes(MonoTime now, NodeId from) { return Yes(now, asked.at(from)); }
  CandidateEffects Yes(MonoTime now, const Question& q) {
    return Step(now, candidate::Answered{q.to, q.term, q.ask_id, true, q.term});
  }
  CandidateEffects No(MonoTime now, NodeId from, Term highest) {
    const Question& q = asked.at(from);
    return Step(now, candidate::Answered{from, q.term, q.ask_id, false, highest});
  }

  Candidate candidate;
  std::map<NodeId, Question> asked;  // the newest question to each
};

// Quorate by its own vote and B's, asked for at kStart.
Bench Coordinator() {
  Bench bench;
  bench.Stand(kStart);
  bench.Yes(kStart + Millis(1), kSelf);
  bench.Yes(kStart + Millis(1), kB);
  EXPECT_TRUE(bench.candidate.QuorateUntil(kStart + Millis(1)));
  return bench;
}

// --- the term --------------------------------------------------------------------------------

TEST(Candidate, ItsTermIsDurableBeforeTheFirstQuestion) {
  Bench bench;
  const CandidateEffects stand = bench.Step(kStart, candidate::Stand{});
  EXPECT_EQ(stand.store_counter, 8U) << "above the stored one";
  EXPECT_TRUE(stand.questions.empty());
  EXPECT_TRUE(bench.Step(kStart + Millis(50), candidate::Tick{}).questions.empty())
      << "nor by the clock, while the store is slow";
  const CandidateEffects stored = bench.Step(kStart + Millis(60), candidate::CounterStored{true});
  ASSERT_EQ(stored.questions.size(), 3U) << "its own voter is asked like the others";
  for (const Question& question : stored.questions) EXPECT_EQ(question.term, Term(8, kSelf));
}

TEST(Candidate, ATermGivenUpWhileItWasStoredDoesNotStandForTheNext) {
  Bench bench;
  ASSERT_EQ(bench.Step(kStart, candidate::Stand{}).store_counter, 8U);
  bench.Step(kStart, candidate::StandDown{});
  const CandidateEffects again = bench.Step(kStart, candidate::Stand{});
  EXPECT_FALSE(again.store_counter) << "one store at a time";
  ASSERT_EQ(bench.candidate.term(), Term(9, kSelf));
  const CandidateEffects first = bench.Step(kStart, candidate::CounterStored{true});
  EXPECT_TRUE(first.questions.empty()) << "8 is durable, 9 is not: a crash now would use it twice";
  EXPECT_EQ(first.store_counter, 9U);
  EXPECT_EQ(bench.Step(kStart, candidate::CounterStored{true}).questions.size(), 3U);
}

TEST(Candidate, ATermThatCannotBeStoredIsNotUsed) {
  Bench bench;
  ASSERT_TRUE(bench.Step(kStart, candidate::Stand{}).store_counter);
  const CandidateEffects failed = bench.Step(kStart, candidate::CounterStored{false});
  EXPECT_TRUE(failed.questions.empty());
  ASSERT_EQ(failed.facts.size(), 1U);
  EXPECT_EQ(failed.facts[0].Text(), "term-not-stored node=1");
  EXPECT_TRUE(bench.candidate.term().IsNone());
  EXPECT_EQ(bench.Step(kStart, candidate::Stand{}).store_counter, 9U) << "8 may be durable";
}

TEST(Candidate, ANewTermIsAboveAllItSaw) {
  const auto counter_after = [](const CandidateEvent& event) {
    Bench bench;
    bench.Step(kStart, event);
    return bench.Step(kStart, candidate::Stand{}).store_counter;
  };
  EXPECT_EQ(counter_after(candidate::SawTerm{Term(40, kC)}), 41U);
  EXPECT_EQ(counter_after(candidate::DiskRefused{Term(3, kSelf), Term(50, kC)}), 51U);
  EXPECT_EQ(counter_after(candidate::SawTerm{Term(2, kC)}), 8U) << "and never below its own";
  Bench bench;
  bench.Stand(kStart);
  bench.No(kStart, kB, Term(60, kC));
  bench.Step(kStart, candidate::StandDown{});
  EXPECT_EQ(bench.Step(kStart, candidate::Stand{}).store_counter, 61U);
}

TEST(Candidate, ItIsOutbidByAHigherTermAndByNoOther) {
  Bench bench;
  bench.Stand(kStart);
  EXPECT_FALSE(bench.No(kStart, kB, Term(7, kC)).outbid) << "busy for a lower term: it will pass";
  bench.Step(kStart + kInterval, candidate::Tick{});
  EXPECT_TRUE(bench.No(kStart + kInterval, kB, Term(9, kC)).outbid);
  EXPECT_TRUE(bench.Step(kStart, candidate::DiskRefused{Term(8, kSelf), Term(9, kC)}).outbid);
  EXPECT_FALSE(bench.Step(kStart, candidate::DiskRefused{Term(8, kSelf), Term(5, kC)}).outbid);
  EXPECT_FALSE(bench.Step(kStart, candidate::DiskRefused{Term(6, kSelf), Term(9, kC)}).outbid)
      << "that was another term of ours";
}

// --- R3: what counts, and until when ---------------------------------------------------------

TEST(Candidate, AVoteCountsFromBeforeItWasAskedFor) {
  Bench bench;
  bench.Stand(kStart);
  const MonoTime answered = kStart + Millis(80);
  bench.Yes(answered, kSelf);
  bench.Yes(answered, kB);
  const MonoTime end = kStart + Millis(100);
  EXPECT_EQ(bench.candidate.QuorateUntil(answered), end) << "not answered + 100 ms";
  EXPECT_EQ(bench.candidate.QuorateUntil(end - Duration(1)), end);
  EXPECT_FALSE(bench.candidate.QuorateUntil(end)) << "the deadline itself is too late";
}

TEST(Candidate, AnAnswerAfterTheDeadlineCountsNothing) {
  Bench bench;
  bench.Stand(kStart);
  bench.Yes(kStart + Millis(100), kSelf);
  bench.Yes(kStart + Millis(100), kB);
  EXPECT_FALSE(bench.candidate.QuorateUntil(kStart + Millis(100)));
  EXPECT_EQ(bench.candidate.VotesHeld(kStart + Millis(100)), 0U);
}

TEST(Candidate, TheHolderGivesUpBeforeTheVoterGrantsToAnother) {  // with the worst clocks
  const VoterState clean{Term(), Duration(), true};
  NodeVoter voter(kB, kTimes, clean, kStart);
  Bench bench;
  bench.Stand(kStart);
  const Question& question = bench.asked.at(kB);
  // The voter's clock runs 10 % faster; it gets the question and answers at the same true instant.
  ASSERT_TRUE(voter.Step(kStart, voter::Ask{kSelf, question.term, question.ask_id}).store);
  ASSERT_TRUE(voter.Step(kStart, voter::Stored{true}).answers.at(0).granted);
  bench.Yes(kStart, kB);
  const MonoTime holder_end = bench.candidate.node_votes().at(kB).deadline;
  const MonoTime voters_clock = kStart + (holder_end - kStart) * 11 / 10;
  ASSERT_GT(voters_clock, kStart + kTimes.lease) << "a wait without drift would be over by now";
  const NodeVoterEffects other = voter.Step(voters_clock, voter::Ask{kC, Term(99, kC), 1});
  EXPECT_FALSE(other.answers.at(0).granted);
}

TEST(Candidate, AnAnswerOfAnotherTermIsIgnored) {
  // A daemon that crashed starts its question numbers anew: only the term tells the answers apart.
  Bench before;
  before.Stand(kStart);
  const Question old = before.asked.at(kB);
  Bench bench(ThreeNodes(), 8);
  bench.Stand(kStart + Millis(50));
  ASSERT_EQ(bench.asked.at(kB).ask_id, old.ask_id) << "the numbers do not collide";
  ASSERT_NE(bench.asked.at(kB).term, old.term);
  bench.Yes(kStart + Millis(51), kSelf);
  bench.Yes(kStart + Millis(51), old);
  EXPECT_EQ(bench.candidate.VotesHeld(kStart + Millis(51)), 1U);
  EXPECT_FALSE(bench.candidate.QuorateUntil(kStart + Millis(51)));
  bench.Yes(kStart + Millis(52), kB);
  EXPECT_TRUE(bench.candidate.QuorateUntil(kStart + Millis(52))) << "the right one still counts";
}

TEST(Candidate, AnAnswerToATermGivenUpIsIgnored) {  // R3: after releasing t
  Bench bench;
  bench.Stand(kStart);
  const Question old = bench.asked.at(kB);
  bench.Step(kStart, candidate::StandDown{});
  bench.Yes(kStart + Millis(1), old);
  EXPECT_EQ(bench.candidate.VotesHeld(kStart + Millis(1)), 0U);
  bench.Stand(kStart + Millis(2));
  bench.Yes(kStart + Millis(3), old);
  EXPECT_EQ(bench.candidate.VotesHeld(kStart + Millis(3)), 0U);
}

TEST(Candidate, AnAnswerToAnUnknownQuestionOrFromAnotherNodeIsIgnored) {
  Bench bench;
  bench.Stand(kStart);
  const Question to_b = bench.asked.at(kB);
  Question never_asked = to_b;
  never_asked.ask_id = 4711;
  Question from_c = to_b;
  from_c.to = kC;
  Question from_nobody = to_b;
  from_nobody.to = NodeId(9);
  for (const Question& wrong : {never_asked, from_c, from_nobody}) {
    bench.Yes(kStart, wrong);
    EXPECT_EQ(bench.candidate.VotesHeld(kStart), 0U) << wrong.ask_id << " of " << ToText(wrong.to);
  }
  bench.Yes(kStart, to_b);
  EXPECT_EQ(bench.candidate.VotesHeld(kStart), 1U) << "and the question is still open";
}

TEST(Candidate, AnAnswerCountsOnceAndALateOneNeverShortensALease) {
  Bench bench;
  bench.Stand(kStart);
  const Question first = bench.asked.at(kB);
  bench.Step(kStart + kInterval, candidate::Tick{});
  const Question second = bench.asked.at(kB);
  ASSERT_NE(first.ask_id, second.ask_id);
  bench.Yes(kStart + Millis(11), second);
  const MonoTime deadline = bench.candidate.node_votes().at(kB).deadline;
  EXPECT_EQ(deadline, kStart + kInterval + kTimes.lease);
  bench.Yes(kStart + Millis(12), first);
  bench.Yes(kStart + Millis(13), second);
  EXPECT_EQ(bench.candidate.node_votes().at(kB).deadline, deadline);
  EXPECT_EQ(bench.candidate.VotesHeld(kStart + Millis(13)), 1U) << "one vote, however often said";
}

TEST(Candidate, ItAsksEachVoterAgainEachInterval) {
  Bench bench;
  EXPECT_EQ(bench.Stand(kStart).wake_at, kStart + kInterval);
  EXPECT_TRUE(bench.Step(kStart + kInterval - Duration(1), candidate::Tick{}).questions.empty());
  const CandidateEffects tick = bench.Step(kStart + kInterval, candidate::Tick{});
  EXPECT_EQ(tick.questions.size(), 3U);
  EXPECT_EQ(tick.wake_at, kStart + 2 * kInterval);
}

TEST(Candidate, QuorateUntilTheVoteWithoutWhichItIsNoMajority) {
  struct Case {
    const char* name;
    std::map<NodeId, Votes> nodes;
    std::vector<NodeId> yes;  // asked and answered one interval apart, in this order
    int until;                // index in `yes` of the vote that decides; -1: not quorate
  };
  const NodeId d{4};
  const std::map<NodeId, Votes> four{
      {kSelf, Votes(1)}, {kB, Votes(1)}, {kC, Votes(1)}, {d, Votes(2)}};
  const Case cases[] = {
      {"two of three", ThreeNodes().nodes, {kSelf, kB}, 0},
      {"all three: the oldest may go", ThreeNodes().nodes, {kSelf, kB, kC}, 1},
      {"one of three", ThreeNodes().nodes, {kB}, -1},
      {"half is no majority", {{kSelf, Votes(1)}, {kB, Votes(1)}}, {kSelf}, -1},
      {"two votes of five", four, {d}, -1},
      {"1+1 of five", four, {kSelf, kB}, -1},
      {"1+2 of five", four, {kSelf, d}, 0},
      {"1+1+1 of five", four, {kSelf, kB, kC}, 0},
      {"2+1+1: the heavy one is the oldest", four, {d, kB, kC}, 0},
      {"1+1+2: two newest suffice", four, {kB, kC, d}, 1},
  };
  for (const Case& c : cases) {
    Bench bench(SettingsOf(c.nodes));
    bench.Stand(kStart);
    MonoTime now = kStart;
    std::vector<MonoTime> deadlines;
    for (const NodeId node : c.yes) {
      deadlines.push_back(now + kTimes.lease);
      bench.Yes(now, node);
      now += kInterval;
      bench.Step(now, candidate::Tick{});
    }
    const auto until = bench.candidate.QuorateUntil(now);
    const auto wanted =
        c.until < 0 ? std::optional<MonoTime>() : deadlines.at(static_cast<std::size_t>(c.until));
    EXPECT_EQ(until, wanted) << c.name;
  }
}

TEST(Candidate, AnActCountsOnlyVotesAskedForAfterItWasDecided) {  // R8
  Bench bench = Coordinator();
  const MonoTime decided = kStart + Millis(5);
  ASSERT_TRUE(bench.candidate.QuorateUntil(decided)) << "quorate when it decides";
  EXPECT_FALSE(bench.candidate.QuorateUntil(decided, decided)) << "but by votes of before";
  const MonoTime renewed = kStart + kInterval;
  bench.Step(renewed, candidate::Tick{});
  bench.Yes(renewed, kSelf);
  EXPECT_FALSE(bench.candidate.QuorateUntil(renewed, decided)) << "one new vote of three";
  bench.Yes(renewed, kB);
  EXPECT_EQ(bench.candidate.QuorateUntil(renewed, decided), renewed + kTimes.lease);
  EXPECT_TRUE(bench.candidate.QuorateUntil(renewed, renewed)) << "asked for at that very instant";
  EXPECT_FALSE(bench.candidate.QuorateUntil(renewed, renewed + Duration(1)));
}

TEST(Candidate, StandDownForgetsEverything) {
  Bench bench(TwoNodesAndDisk());
  bench.Stand(kStart);
  bench.Yes(kStart, kSelf);
  bench.Step(kStart, candidate::DiskHeld{{Term(8, kSelf), kStart + Millis(100)}});
  ASSERT_TRUE(bench.candidate.QuorateUntil(kStart));
  const CandidateEffects down = bench.Step(kStart, candidate::StandDown{});
  EXPECT_EQ(down.released, Term(8, kSelf)) << "so that voters and disk learn it";
  EXPECT_EQ(down.wake_at, kNever);
  EXPECT_FALSE(bench.candidate.QuorateUntil(kStart));
  EXPECT_EQ(bench.candidate.VotesHeld(kStart), 0U);
  EXPECT_TRUE(bench.candidate.node_votes().empty());
  EXPECT_FALSE(bench.candidate.disk_vote());
  EXPECT_TRUE(bench.Step(kStart + kInterval, candidate::Tick{}).questions.empty());
  EXPECT_TRUE(bench.Step(kStart, candidate::StandDown{}).released.IsNone()) << "said once";
  bench.Stand(kStart);
  EXPECT_EQ(bench.candidate.VotesHeld(kStart), 0U) << "nothing is taken into the next term";
}

// --- the disk's vote -------------------------------------------------------------------------

TEST(Candidate, TheDiskCountsUntilItsOwnDeadline) {
  Bench bench(TwoNodesAndDisk());
  bench.Stand(kStart);
  bench.Yes(kStart, kSelf);
  ASSERT_FALSE(bench.candidate.QuorateUntil(kStart));
  const MonoTime cycle = kStart - Millis(40);  // its renewal began before the nodes were asked
  bench.Step(kStart, candidate::DiskHeld{{Term(8, kSelf), cycle + Millis(100)}});
  EXPECT_EQ(bench.candidate.QuorateUntil(kStart), cycle + Millis(100));
  EXPECT_FALSE(bench.candidate.QuorateUntil(kStart, kStart)) << "R8: begun before the decision";
  EXPECT_TRUE(bench.candidate.QuorateUntil(kStart, cycle));
  EXPECT_EQ(bench.candidate.VotesHeld(cycle + Millis(100)), 1U);
}

TEST(Candidate, TheDiskHeldForAnotherTermIsIgnored) {
  Bench bench(TwoNodesAndDisk());
  bench.Step(kStart, candidate::DiskHeld{{Term(), kStart + Millis(100)}});
  EXPECT_FALSE(bench.candidate.disk_vote());
  bench.Stand(kStart);
  bench.Yes(kStart, kSelf);
  for (const Term other : {Term(7, kSelf), Term(9, kSelf), Term(8, kB), Term()}) {
    bench.Step(kStart, candidate::DiskHeld{{other, kStart + Millis(100)}});
    EXPECT_FALSE(bench.candidate.QuorateUntil(kStart)) << ToText(other);
  }
  bench.Step(kStart, candidate::DiskHeld{{Term(8, kSelf), kStart + Millis(100)}});
  EXPECT_TRUE(bench.candidate.QuorateUntil(kStart));
}

TEST(Candidate, ALostDiskCountsNoMore) {
  Bench bench(TwoNodesAndDisk());
  bench.Stand(kStart);
  bench.Yes(kStart, kSelf);
  bench.Step(kStart, candidate::DiskHeld{{Term(8, kSelf), kStart + Millis(100)}});
  bench.Step(kStart, candidate::DiskLost{Term(7, kSelf)});
  EXPECT_TRUE(bench.candidate.QuorateUntil(kStart)) << "that was another term";
  bench.Step(kStart, candidate::DiskLost{Term(8, kSelf)});
  EXPECT_FALSE(bench.candidate.QuorateUntil(kStart));
}

TEST(Candidate, TheDiskIsWantedOnlyWithVotesThatMakeAMajorityWithIt) {  // R4
  Bench bench(TwoNodesAndDisk());
  const CandidateEffects first = bench.Stand(kStart);
  ASSERT_TRUE(first.want_disk);
  EXPECT_EQ(first.want_disk->term, Term(8, kSelf));
  EXPECT_FALSE(first.want_disk->enough_votes) << "no node vote yet: 0+1 of 3";
  const CandidateEffects own = bench.Yes(kStart, kSelf);
  ASSERT_TRUE(own.want_disk) << "said at once, not at the next interval";
  EXPECT_TRUE(own.want_disk->enough_votes) << "1+1 of 3";
  const MonoTime later = kStart + kTimes.lease;
  EXPECT_FALSE(bench.Step(later, candidate::Tick{}).want_disk->enough_votes) << "expired again";
}

TEST(Candidate, WithoutADiskNoneIsAskedFor) {
  Bench bench;
  EXPECT_FALSE(bench.Stand(kStart).want_disk);
  EXPECT_FALSE(bench.Yes(kStart, kSelf).want_disk);
}

}  // namespace
}  // namespace fencepost::quorum
