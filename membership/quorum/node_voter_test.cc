// One test a sentence of the rules R1, R2, R3 and R8, as far as they bind a node's own vote. Each
// checks that the dangerous moment was reached before it checks what must not happen there.
#include "membership/quorum/node_voter.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace fencepost::quorum {
namespace {

constexpr NodeId kSelf{1}, kA{2}, kB{3};
constexpr LeaseTimes kTimes{Millis(100), Millis(100), 100'000, Millis(2)};
constexpr LeaseTimes kLongTimes{Millis(300), Millis(300), 100'000, Millis(2)};
constexpr MonoTime kStart{std::chrono::hours(7)};
constexpr MonoTime kReady = RestartDeadline(kStart, kTimes);
constexpr Duration kGranted = VoterDeadline(MonoTime(), kTimes) - MonoTime();
constexpr VoterState kInitialised{};  // what initialisation stores: no term, no lease

Term TermOf(NodeId node, std::uint64_t counter) { return {counter, node}; }

// A voter and its stable storage; nothing is stored before Finish is called.
struct Bench {
  explicit Bench(std::optional<VoterState> state, LeaseTimes times = kTimes, MonoTime at = kStart)
      : durable(state), voter(kSelf, times, state, at) {}

  NodeVoterEffects Step(MonoTime now, const NodeVoterEvent& event) {
    NodeVoterEffects effects = voter.Step(now, event);
    if (effects.store) storing = effects.store;
    return effects;
  }
  NodeVoterEffects Ask(MonoTime now, Term term) {
    return Step(now, voter::Ask{term.node(), term, ++ask_id});
  }
  NodeVoterEffects Finish(MonoTime now, bool ok = true) {
    EXPECT_TRUE(storing) << "nothing was being stored";
    if (ok) durable = storing;
    storing.reset();
    return Step(now, voter::Stored{ok});
  }
  // Asks, and lets a store complete at once; true when the answer is yes.
  bool Grants(MonoTime now, Term term) {
    NodeVoterEffects effects = Ask(now, term);
    if (effects.answers.empty() && storing) effects = Finish(now);
    EXPECT_EQ(effects.answers.size(), 1U);
    return effects.answers.size() == 1 && effects.answers[0].granted &&
           effects.answers[0].ask_id == ask_id && effects.answers[0].term == term;
  }

  std::optional<VoterState> durable, storing;
  NodeVoter voter;
  std::uint64_t ask_id = 0;
};

// A holds the vote since `since`.
Bench AHolds(MonoTime since = kReady) {
  Bench bench(kInitialised);
  EXPECT_TRUE(bench.Grants(since, TermOf(kA, 5)));
  EXPECT_TRUE(bench.voter.Grant(since));
  return bench;
}

// --- R1 --------------------------------------------------------------------------------------

TEST(NodeVoter, WhileAGrantIsLiveItAnswersBusyAndSaysHowLong) {
  Bench bench = AHolds();
  const MonoTime last = kReady + kGranted - Duration(1);
  for (const MonoTime now : {kReady, kReady + Millis(50), last}) {
    const NodeVoterEffects effects = bench.Ask(now, TermOf(kB, 9));
    ASSERT_EQ(effects.answers.size(), 1U);
    EXPECT_FALSE(effects.answers[0].granted);
    EXPECT_EQ(effects.answers[0].busy, kReady + kGranted - now);
    EXPECT_FALSE(effects.store);
  }
  EXPECT_TRUE(bench.Grants(last + Duration(1), TermOf(kB, 9))) << "and not longer than that";
}

TEST(NodeVoter, BusyLeavesNoTrace) {
  Bench bench = AHolds();
  const NodeVoterEffects refused = bench.Ask(kReady + Millis(10), TermOf(kB, 900));
  ASSERT_FALSE(refused.answers.at(0).granted);
  EXPECT_EQ(refused.answers[0].highest, TermOf(kA, 5)) << "only what was granted is told";
  EXPECT_TRUE(bench.Grants(kReady + Millis(20), TermOf(kA, 5))) << "the holder's renewal";
  EXPECT_EQ(bench.durable->highest_granted, TermOf(kA, 5));
  EXPECT_TRUE(bench.Grants(kReady + Millis(20) + kGranted, TermOf(kA, 6)))
      << "a lower term than the refused one";
}

TEST(NodeVoter, TheRestartWaitLeavesNoTraceEither) {
  Bench bench(kInitialised);
  ASSERT_FALSE(bench.Grants(kReady - Duration(1), TermOf(kB, 900)));
  EXPECT_TRUE(bench.Grants(kReady, TermOf(kA, 5)));
}

TEST(NodeVoter, WhatItGrantsIsDurableBeforeItAnswers) {
  Bench bench(kInitialised);
  const NodeVoterEffects asked = bench.Ask(kReady, TermOf(kA, 5));
  EXPECT_TRUE(asked.answers.empty()) << "answered before the store completed";
  ASSERT_TRUE(asked.store);
  EXPECT_EQ(asked.store->highest_granted, TermOf(kA, 5));
  EXPECT_FALSE(bench.voter.Grant(kReady)) << "nobody may act on a grant that is not durable";
  const NodeVoterEffects stored = bench.Finish(kReady + Millis(30));
  ASSERT_EQ(stored.answers.size(), 1U);
  EXPECT_TRUE(stored.answers[0].granted);
  EXPECT_EQ(bench.durable->highest_granted, TermOf(kA, 5));
}

TEST(NodeVoter, WhileAGrantIsBeingStoredOthersAreRefused) {
  Bench bench(kInitialised);
  ASSERT_TRUE(bench.Ask(kReady, TermOf(kA, 5)).store);
  const NodeVoterEffects other = bench.Ask(kReady, TermOf(kB, 9));
  ASSERT_EQ(other.answers.size(), 1U);
  EXPECT_FALSE(other.answers[0].granted);
  EXPECT_FALSE(other.store) << "one store at a time";
  EXPECT_EQ(bench.Finish(kReady).answers.at(0).to, kA);
}

TEST(NodeVoter, AskedAgainWhileStoringItAnswersTheNewestQuestionOnce) {
  Bench bench(kInitialised);
  ASSERT_TRUE(bench.Ask(kReady, TermOf(kA, 5)).store);
  const NodeVoterEffects again = bench.Ask(kReady + Millis(10), TermOf(kA, 5));
  EXPECT_TRUE(again.answers.empty());
  EXPECT_FALSE(again.store);
  const NodeVoterEffects stored = bench.Finish(kReady + Millis(20));
  ASSERT_EQ(stored.answers.size(), 1U);
  EXPECT_EQ(stored.answers[0].ask_id, bench.ask_id);
}

TEST(NodeVoter, ItNeverGrantsBelowTheHighestItGranted) {
  Bench bench = AHolds();
  const MonoTime free = kReady + kGranted;
  ASSERT_FALSE(bench.voter.Grant(free)) << "the vote is free, so only the term stands in the way";
  const NodeVoterEffects below = bench.Ask(free, TermOf(kB, 4));
  ASSERT_EQ(below.answers.size(), 1U);
  EXPECT_FALSE(below.answers[0].granted);
  EXPECT_EQ(below.answers[0].highest, TermOf(kA, 5)) << "so that B can go above it";
  EXPECT_EQ(below.answers[0].busy, Duration()) << "waiting would not help";
  EXPECT_TRUE(bench.Grants(free, TermOf(kB, 5))) << "same counter, higher node: a higher term";
}

TEST(NodeVoter, NorAfterARestart) {
  Bench before = AHolds();
  Bench bench(before.durable, kTimes, kStart + std::chrono::hours(1));
  const MonoTime ready = bench.voter.GrantsFrom();
  EXPECT_FALSE(bench.Grants(ready, TermOf(kB, 4)));
  EXPECT_TRUE(bench.Grants(ready, TermOf(kB, 6)));
}

TEST(NodeVoter, ATermIsOnlyForTheNodeItNames) {
  Bench bench(kInitialised);
  const NodeVoterEffects effects = bench.Step(kReady, voter::Ask{kB, TermOf(kA, 5), 1});
  ASSERT_EQ(effects.answers.size(), 1U);
  EXPECT_FALSE(effects.answers[0].granted);
  EXPECT_FALSE(effects.store);
}

TEST(NodeVoter, ReleaseFreesTheVoteAtOnce) {
  Bench bench = AHolds();
  ASSERT_FALSE(bench.Grants(kReady + Millis(10), TermOf(kB, 9)));
  bench.Step(kReady + Millis(20), voter::Release{TermOf(kA, 5)});
  EXPECT_TRUE(bench.Grants(kReady + Millis(20), TermOf(kB, 9)));
}

TEST(NodeVoter, AReleasedTermIsNotGrantedAgain) {  // a question may come after the release
  Bench bench = AHolds();
  bench.Step(kReady + Millis(20), voter::Release{TermOf(kA, 5)});
  EXPECT_FALSE(bench.Grants(kReady + Millis(30), TermOf(kA, 5)));
  EXPECT_FALSE(bench.Grants(kReady + kGranted + Millis(30), TermOf(kA, 5)));
  EXPECT_TRUE(bench.Grants(kReady + kGranted + Millis(30), TermOf(kA, 6)));
}

TEST(NodeVoter, ATermReleasedWhileItWasStoredIsNotGranted) {  // nobody would count it
  Bench bench(kInitialised);
  ASSERT_TRUE(bench.Ask(kReady, TermOf(kA, 5)).store);
  bench.Step(kReady, voter::Release{TermOf(kA, 5)});
  EXPECT_FALSE(bench.Ask(kReady, TermOf(kA, 5)).answers.at(0).granted) << "a late question";
  EXPECT_FALSE(bench.Ask(kReady, TermOf(kB, 9)).answers.at(0).granted) << "one store at a time";
  EXPECT_TRUE(bench.Finish(kReady + Millis(1)).answers.empty());
  EXPECT_FALSE(bench.voter.Grant(kReady + Millis(1)));
  EXPECT_EQ(bench.durable->highest_granted, TermOf(kA, 5));
  EXPECT_TRUE(bench.Grants(kReady + Millis(1), TermOf(kB, 9))) << "free at once";
}

TEST(NodeVoter, ReleasedWhileItWasStoredTheStopIsClean) {
  Bench bench(kInitialised);
  ASSERT_TRUE(bench.Ask(kReady, TermOf(kA, 5)).store);
  bench.Step(kReady, voter::Release{TermOf(kA, 5)});
  EXPECT_FALSE(bench.Step(kReady, voter::Stop{}).stopped);
  EXPECT_FALSE(bench.Finish(kReady).stopped);
  ASSERT_TRUE(bench.storing) << "the record, after the grant that nobody wanted";
  EXPECT_TRUE(bench.storing->clean_stop);
  EXPECT_TRUE(bench.Finish(kReady).stopped);
}

TEST(NodeVoter, AReleaseOfAnotherTermFreesNothing) {
  Bench bench = AHolds();
  for (const Term other : {TermOf(kA, 4), TermOf(kB, 5), TermOf(kA, 6), Term()}) {
    bench.Step(kReady + Millis(10), voter::Release{other});
    EXPECT_FALSE(bench.Grants(kReady + Millis(10), TermOf(kB, 9))) << ToText(other);
  }
  EXPECT_TRUE(bench.Grants(kReady + Millis(20), TermOf(kA, 5)));
}

// --- R2 --------------------------------------------------------------------------------------

TEST(NodeVoter, AfterAStartItGrantsNothingForALease) {
  Bench bench(kInitialised);
  const MonoTime last = kStart + Inflate(Millis(100), 100'000) + Millis(2) - Duration(1);
  for (const MonoTime now : {kStart, kStart + Millis(100), last}) {
    const NodeVoterEffects effects = bench.Ask(now, TermOf(kA, 5));
    ASSERT_EQ(effects.answers.size(), 1U);
    EXPECT_FALSE(effects.answers[0].granted);
    EXPECT_EQ(effects.answers[0].busy, last + Duration(1) - now);
    EXPECT_FALSE(effects.store);
  }
  EXPECT_TRUE(bench.Grants(last + Duration(1), TermOf(kA, 5)));
}

TEST(NodeVoter, TheRestartWaitIsThatOfTheLongestLeaseItEverGranted) {
  Bench before(kInitialised, kLongTimes);
  ASSERT_TRUE(before.Grants(RestartDeadline(kStart, kLongTimes), TermOf(kA, 5)));
  EXPECT_EQ(before.durable->lease_max, Duration(Millis(300)));
  // The configured lease shrank while this voter was down; the old one may live in a holder's hand.
  Bench bench(before.durable, kTimes);
  EXPECT_EQ(bench.voter.GrantsFrom(), RestartDeadline(kStart, kLongTimes));
  EXPECT_FALSE(bench.Grants(RestartDeadline(kStart, kTimes), TermOf(kB, 9)));
  EXPECT_FALSE(bench.Grants(RestartDeadline(kStart, kLongTimes) - Duration(1), TermOf(kB, 9)));
  EXPECT_TRUE(bench.Grants(RestartDeadline(kStart, kLongTimes), TermOf(kB, 9)));
  EXPECT_EQ(bench.durable->lease_max, Duration(Millis(300))) << "never forgotten";
}

TEST(NodeVoter, ARestartWaitOfTheConfiguredLeaseWhenThatGrew) {
  Bench bench(VoterState{TermOf(kA, 5), Millis(100), false}, kLongTimes);
  EXPECT_EQ(bench.voter.GrantsFrom(), RestartDeadline(kStart, kLongTimes));
}

TEST(NodeVoter, ALongerLeaseIsDurableBeforeARenewalIsAnswered) {
  Bench bench(VoterState{TermOf(kA, 5), Millis(100), false}, kLongTimes);
  const MonoTime ready = bench.voter.GrantsFrom();
  const NodeVoterEffects effects = bench.Ask(ready, TermOf(kA, 5));
  EXPECT_TRUE(effects.answers.empty());
  ASSERT_TRUE(effects.store) << "granted for longer than the durable state knows";
  EXPECT_EQ(effects.store->lease_max, Duration(Millis(300)));
  EXPECT_TRUE(bench.Finish(ready).answers.at(0).granted);
  EXPECT_FALSE(bench.Ask(ready, TermOf(kA, 5)).store) << "once is enough";
}

TEST(NodeVoter, ACleanStopIsRecordedAndSparesTheWait) {
  Bench before = AHolds();
  const MonoTime stop = kReady + kGranted;
  EXPECT_FALSE(before.Step(stop, voter::Stop{}).stopped) << "not before the record is durable";
  ASSERT_TRUE(before.storing);
  EXPECT_TRUE(before.Finish(stop).stopped);
  EXPECT_EQ(*before.durable, (VoterState{TermOf(kA, 5), Millis(100), true}));
  Bench bench(before.durable);
  EXPECT_EQ(bench.voter.GrantsFrom(), kStart);
  EXPECT_TRUE(bench.Grants(kStart, TermOf(kB, 6)));
}

TEST(NodeVoter, ReleasedIsNotLiveSoTheStopIsClean) {
  Bench bench = AHolds();
  bench.Step(kReady + Millis(10), voter::Release{TermOf(kA, 5)});
  bench.Step(kReady + Millis(11), voter::Stop{});
  ASSERT_TRUE(bench.storing);
  EXPECT_TRUE(bench.storing->clean_stop);
}

TEST(NodeVoter, TheRecordIsErasedWithTheNextGrant) {
  for (const std::uint64_t counter : {5U, 6U}) {  // also when it is the same term once more
    Bench bench(VoterState{TermOf(kA, 5), Millis(100), true});
    const NodeVoterEffects asked = bench.Ask(kStart, TermOf(kA, counter));
    EXPECT_TRUE(asked.answers.empty()) << "answered while the record still stands";
    ASSERT_TRUE(asked.store);
    EXPECT_FALSE(asked.store->clean_stop);
    EXPECT_TRUE(bench.Finish(kStart).answers.at(0).granted);
    Bench after(bench.durable);  // a crash now: the wait is due again
    EXPECT_EQ(after.voter.GrantsFrom(), kReady);
  }
}

TEST(NodeVoter, AStopWhileAGrantIsLiveRecordsNothing) {
  Bench bench = AHolds();
  const MonoTime last = kReady + kGranted - Duration(1);
  ASSERT_TRUE(bench.voter.Grant(last));
  EXPECT_TRUE(bench.Step(last, voter::Stop{}).stopped);
  EXPECT_FALSE(bench.storing);
  EXPECT_FALSE(bench.durable->clean_stop);
}

TEST(NodeVoter, AStopDuringTheRestartWaitRecordsNothing) {
  Bench before = AHolds();  // its grant lives on in A's hand
  const MonoTime again = kReady + Millis(5);
  Bench bench(before.durable, kTimes, again);
  ASSERT_GT(kReady + kTimes.lease, again) << "A no longer counts it: nothing is at stake";
  EXPECT_TRUE(bench.Step(again + Millis(1), voter::Stop{}).stopped);
  EXPECT_FALSE(bench.storing);
  Bench third(bench.durable, kTimes, again + Millis(2));
  EXPECT_FALSE(third.Grants(again + Millis(2), TermOf(kB, 9)));
}

TEST(NodeVoter, AStopWhileAGrantIsBeingStoredWaitsForItAndRecordsNothing) {
  Bench bench(kInitialised);
  ASSERT_TRUE(bench.Ask(kReady, TermOf(kA, 5)).store);
  const NodeVoterEffects stop = bench.Step(kReady, voter::Stop{});
  EXPECT_FALSE(stop.stopped);
  EXPECT_FALSE(stop.store) << "one store at a time";
  const NodeVoterEffects stored = bench.Finish(kReady + Millis(1));
  ASSERT_EQ(stored.answers.size(), 1U);
  EXPECT_TRUE(stored.answers[0].granted);
  EXPECT_TRUE(stored.stopped);
  EXPECT_FALSE(stored.store) << "the grant is live: no clean stop";
  EXPECT_FALSE(bench.durable->clean_stop);
}

TEST(NodeVoter, AfterStopItGrantsNothing) {
  Bench bench(VoterState{TermOf(kA, 5), Millis(100), true});
  bench.Step(kStart, voter::Stop{});
  ASSERT_TRUE(bench.storing);
  EXPECT_FALSE(bench.Ask(kStart, TermOf(kB, 9)).answers.at(0).granted);
  EXPECT_TRUE(bench.Finish(kStart).stopped);
  EXPECT_FALSE(bench.Ask(kStart, TermOf(kB, 9)).answers.at(0).granted);
  EXPECT_FALSE(bench.storing);
}

TEST(NodeVoter, WithoutStateItRefusesToVote) {
  Bench bench(std::nullopt);
  EXPECT_FALSE(bench.voter.HasState());
  for (const Duration after : {Duration(), Duration(std::chrono::hours(24))}) {
    const NodeVoterEffects effects = bench.Ask(kStart + after, TermOf(kA, 5));
    ASSERT_EQ(effects.answers.size(), 1U);
    EXPECT_FALSE(effects.answers[0].granted);
    EXPECT_FALSE(effects.store);
  }
  const NodeVoterEffects stop = bench.Step(kReady, voter::Stop{});
  EXPECT_TRUE(stop.stopped);
  EXPECT_FALSE(stop.store) << "a stop must not make up a state";
}

TEST(NodeVoter, AFailedStoreEndsItsVotingAndIsSaid) {
  Bench bench(kInitialised);
  ASSERT_TRUE(bench.Ask(kReady, TermOf(kA, 5)).store);
  const NodeVoterEffects failed = bench.Finish(kReady, false);
  EXPECT_TRUE(failed.answers.empty());
  ASSERT_EQ(failed.facts.size(), 1U);
  EXPECT_EQ(failed.facts[0].Text(), "voter-state-not-stored node=1");
  EXPECT_FALSE(bench.voter.Grant(kReady));
  EXPECT_FALSE(bench.Ask(kReady + kGranted, TermOf(kA, 5)).answers.at(0).granted);
  EXPECT_FALSE(bench.Ask(kReady + kGranted, TermOf(kB, 9)).answers.at(0).granted);
  EXPECT_TRUE(bench.Step(kReady + kGranted, voter::Stop{}).stopped);
  EXPECT_FALSE(bench.storing) << "what the disk holds is unknown: no record";
}

TEST(NodeVoter, AStopEndsAlsoWhenItsStoreFails) {
  Bench grant(kInitialised);
  ASSERT_TRUE(grant.Ask(kReady, TermOf(kA, 5)).store);
  grant.Step(kReady, voter::Stop{});
  EXPECT_TRUE(grant.Finish(kReady, false).stopped);
  Bench record(VoterState{TermOf(kA, 5), Millis(100), true});
  record.Step(kStart, voter::Stop{});
  EXPECT_TRUE(record.Finish(kStart, false).stopped);
}

TEST(NodeVoter, AStoredThatNobodyAskedForChangesNothing) {
  Bench bench = AHolds();
  const NodeVoterEffects effects = bench.Step(kReady + Millis(1), voter::Stored{false});
  EXPECT_TRUE(effects.answers.empty() && effects.facts.empty() && !effects.stopped);
  EXPECT_TRUE(bench.Grants(kReady + Millis(2), TermOf(kA, 5)));
}

// --- R3, R8 ----------------------------------------------------------------------------------

TEST(NodeVoter, AGrantCountsFromItsAnswerNotFromTheQuestion) {
  Bench bench(kInitialised);
  ASSERT_TRUE(bench.Ask(kReady, TermOf(kA, 5)).store);
  const MonoTime answered = kReady + Millis(80);  // a slow disk
  ASSERT_TRUE(bench.Finish(answered).answers.at(0).granted);
  const auto grant = bench.voter.Grant(answered);
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->deadline, answered + Inflate(Millis(100), 100'000) + Millis(2));
  EXPECT_FALSE(bench.Grants(grant->deadline - Duration(1), TermOf(kB, 9)));
  EXPECT_TRUE(bench.Grants(grant->deadline, TermOf(kB, 9)));
}

TEST(NodeVoter, EachRenewalCountsFromItsOwnAnswer) {
  Bench bench = AHolds();
  ASSERT_TRUE(bench.Grants(kReady + Millis(90), TermOf(kA, 5)));
  EXPECT_EQ(bench.voter.Grant(kReady + Millis(90))->deadline, kReady + Millis(90) + kGranted);
  EXPECT_FALSE(bench.Grants(kReady + kGranted, TermOf(kB, 9)));
}

TEST(NodeVoter, AMemberActsOnlyInsideItsOwnUnexpiredGrant) {  // R8
  Bench bench = AHolds();
  const MonoTime end = kReady + kGranted;
  EXPECT_EQ(bench.voter.Grant(end - Duration(1)), (Lease{TermOf(kA, 5), end}));
  EXPECT_FALSE(bench.voter.Grant(end));
  ASSERT_TRUE(bench.Grants(end, TermOf(kB, 9)));
  EXPECT_EQ(bench.voter.Grant(end)->term, TermOf(kB, 9));
  bench.Step(end, voter::Release{TermOf(kB, 9)});
  EXPECT_FALSE(bench.voter.Grant(end)) << "released: nobody's orders are valid";
}

// --- durable state ---------------------------------------------------------------------------

TEST(VoterStateFormat, EveryStateComesBackAsItWas) {
  const VoterState states[] = {
      {},
      {TermOf(kA, 5), Millis(100), false},
      {TermOf(kA, 5), Millis(100), true},
      {TermOf(NodeId(kMaxNodes), (std::uint64_t{1} << 56) - 1), std::chrono::hours(1), true}};
  for (const VoterState& state : states) {
    const auto decoded = DecodeVoterState(EncodeVoterState(state));
    ASSERT_TRUE(decoded.ok()) << ToText(state.highest_granted);
    EXPECT_EQ(*decoded, state);
  }
}

TEST(VoterStateFormat, WhatCannotHaveBeenStoredIsRefusedWithARemedy) {
  const Bytes good = EncodeVoterState({TermOf(kA, 5), Millis(100), true});
  const auto with = [&](std::size_t at, std::uint8_t value) {
    Bytes bytes = good;
    bytes.at(at) = value;
    return bytes;
  };
  Bytes longer = good;
  longer.push_back(0);
  const std::pair<const char*, Bytes> cases[] = {
      {"nothing at all", {}},
      {"one byte short", Bytes(good.begin(), good.end() - 1)},
      {"one byte long", longer},
      {"another magic", with(0, 0)},
      {"another version", with(4, 2)},
      {"a term of nobody", with(6, 0)},
      {"a term of a node that cannot be", with(6, kMaxNodes + 1)},
      {"a lease of more than an hour", with(14 + 6, 1)},
      {"a lease of negative length", with(14 + 7, 0x80)},
      {"a clean stop that is neither yes nor no", with(22, 2)},
  };
  for (const auto& [what, bytes] : cases) {
    const auto decoded = DecodeVoterState(bytes);
    ASSERT_FALSE(decoded.ok()) << what;
    EXPECT_EQ(decoded.error().what, "the voter's state") << what;
    EXPECT_FALSE(decoded.error().remedy.empty()) << what;
  }
}

TEST(VoterStateFormat, RandomBytesAreRefusedOrAreExactlyAState) {
  const Bytes good = EncodeVoterState({TermOf(kA, 5), Millis(100), true});
  Prng rng(1);
  int refused = 0, accepted = 0;
  for (int run = 0; run < 20'000; ++run) {
    Bytes bytes(rng.OneIn(2) ? good.size() : rng.Below(64));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.Below(256));
    if (rng.OneIn(2)) {  // damage of a real one
      bytes = good;
      for (std::uint64_t n = rng.Below(3); n > 0; --n) {
        bytes[rng.Below(bytes.size())] ^= static_cast<std::uint8_t>(1U << rng.Below(8));
      }
    }
    const auto decoded = DecodeVoterState(bytes);
    ++(decoded.ok() ? accepted : refused);
    if (!decoded.ok()) continue;
    ASSERT_EQ(EncodeVoterState(*decoded), bytes) << "run " << run << ": read as something else";
    ASSERT_LE(decoded->lease_max, std::chrono::hours(1)) << "run " << run;
  }
  EXPECT_GT(refused, 1000);
  EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace fencepost::quorum
