// Which side of a split should win, and why.
#include "qdiskd/election.h"

#include <gtest/gtest.h>

#include "base/prng.h"
#include "base/text.h"

namespace fencepost::qdiskd {
namespace {

struct Node {
  std::uint64_t view;  // bit i: hears node i+1
  bool unfit = false;
  std::int32_t score = 0;
  std::uint32_t votes = 1;
};

std::vector<Slot> Slots(const std::vector<Node>& nodes) {
  std::vector<Slot> out;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    Slot slot;
    slot.node = NodeId(static_cast<std::uint8_t>(i + 1));
    slot.report.view = nodes[i].view;
    slot.report.unfit = nodes[i].unfit;
    slot.report.score = nodes[i].score;
    slot.report.votes = Votes(nodes[i].votes);
    out.push_back(slot);
  }
  return out;
}

constexpr bool kUnfit = true;

TEST(Election, IsDecidedByTheFirstThatDiffers) {
  const ElectionRules two{Votes(3), Votes(1), NodeId(), false, false};
  ElectionRules highest = two, required = two, master = two;
  highest.highest_wins = true;
  required.required = NodeId(2);
  master.master_wins = true;
  const ElectionRules tiebreak{Votes(5), Votes(1), NodeId(), false, false};  // four nodes
  const ElectionRules gate{Votes(7), Votes(3), NodeId(), false, false};
  ElectionRules declared = gate;
  declared.required = NodeId(4);
  struct Case {
    std::vector<Node> nodes;
    ElectionRules rules;
    int holder;
    std::uint64_t winners;
    std::string why;
  };
  const Case cases[] = {
      {{{1}, {2}}, two, 0, 1, "it has the lowest node id"},
      {{{1}, {2}}, highest, 0, 2, "it has the highest node id"},
      {{{1}, {2}}, two, 2, 2, "it holds the disk already"},
      {{{1}, {2}}, highest, 1, 1, "it holds the disk already"},
      {{{1, false, 1}, {2}}, two, 2, 1, "score 1 beats 0"},
      {{{1, kUnfit, 9}, {2}}, two, 1, 2, "votes of fit nodes 1 beat 0"},
      {{{1, kUnfit, 9}, {2, kUnfit}}, two, 2, 1, "score 9 beats 0"},
      {{{1, false, 9}, {2}}, required, 1, 2, "it has the required node 2"},
      {{{1}, {2, kUnfit, 9}}, required, 2, 1, "votes of fit nodes 1 beat 0"},
      {{{1}}, required, 0, 1, "it is the only side"},  // where it is not there, nothing is required
      {{{1, false, 9}, {2}}, master, 2, 2, "it holds the disk already, and the master wins"},
      {{{1, false, 9}, {2}}, master, 0, 1, "score 9 beats 0"},
      // Three unfit nodes are quorate without the disk: the fit one cannot be, and does not win.
      {{{7, kUnfit}, {7, kUnfit}, {7, kUnfit}, {8}},
       tiebreak,
       4,
       7,
       "the other side has too few votes, also with the disk"},
      // Where the disk is what decides, one fit node beats three unfit ones.
      {{{7, kUnfit}, {7, kUnfit}, {7, kUnfit}, {8}}, gate, 1, 8, "votes of fit nodes 1 beat 0"},
      {{{7, kUnfit}, {7}, {7}, {8}}, gate, 4, 7, "votes of fit nodes 2 beat 1"},
      {{{7, kUnfit}, {7, kUnfit}, {7}, {8}}, gate, 4, 7, "votes 3 beat 1"},
      {{{7}, {7}, {7}, {8}}, declared, 1, 8, "it has the required node 4"},
      {{{3}, {3}, {12}, {12}}, tiebreak, 3, 12, "it holds the disk already"},
  };
  for (const Case& c : cases) {
    const Election election =
        Elect(Slots(c.nodes), NodeId(static_cast<std::uint8_t>(c.holder)), c.rules);
    EXPECT_EQ(election.winners, c.winners) << c.why;
    EXPECT_EQ(election.why, c.why);
  }
}

// S6, L2: who has a majority without the disk goes on anyway; that the others should win would only
// make it give up for nobody.
TEST(Election, ASideThatIsQuorateWithoutTheDiskWinsWhateverItsHeuristicsSay) {
  int reached = 0;
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    Prng rng(seed);
    const std::size_t count = 2 + rng.Below(5);
    std::uint32_t sum = 0;
    std::vector<Node> nodes(count);
    std::vector<std::uint64_t> sides(3);
    std::vector<std::uint32_t> votes(3);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t side = rng.Below(3);
      nodes[i] = {side, rng.OneIn(2), static_cast<std::int32_t>(rng.Below(3)),
                  1 + static_cast<std::uint32_t>(rng.Below(2))};
      sides[side] |= std::uint64_t{1} << i;
      votes[side] += nodes[i].votes;
      sum += nodes[i].votes;
    }
    for (Node& node : nodes) node.view = sides[node.view];
    ElectionRules rules;
    rules.disk = Votes(static_cast<std::uint32_t>(1 + rng.Below(sum - 1)));
    rules.expected = Votes(sum + rules.disk.value());
    if (rng.OneIn(2)) rules.required = NodeId(static_cast<std::uint8_t>(1 + rng.Below(count)));
    rules.master_wins = rng.OneIn(3);
    const NodeId holder(static_cast<std::uint8_t>(rng.Below(count + 1)));
    const Election election = Elect(Slots(nodes), holder, rules);
    for (std::size_t s = 0; s < sides.size(); ++s) {
      if (2 * votes[s] <= rules.expected.value()) continue;
      reached += election.sides > 1 ? 1 : 0;
      EXPECT_EQ(election.winners, sides[s]) << "seed " << seed << ": " << election.why;
    }
  }
  EXPECT_GT(reached, 1000);
}

}  // namespace
}  // namespace fencepost::qdiskd
