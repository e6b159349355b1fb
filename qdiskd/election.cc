#include "qdiskd/election.h"

#include <algorithm>
#include <bit>

#include "base/text.h"

namespace fencepost::qdiskd {
namespace {

struct Side {
  std::uint64_t members = 0;
  std::uint64_t votes = 0, fit_votes = 0;
  std::int64_t score = 0;
  bool holds = false;
  bool eligible = false;  // its votes and the disk's are a majority
  bool required = false;  // it has the required node, and that is fit
};

bool HearEachOther(const Slot& a, const Slot& b) {
  return (a.report.view & NodeBit(b.node)) != 0 && (b.report.view & NodeBit(a.node)) != 0;
}

Side SideOf(const std::vector<Slot>& fresh, std::size_t first, NodeId holder,
            const ElectionRules& rules) {
  Side side;
  std::vector<std::size_t> reached{first};
  side.members = NodeBit(fresh[first].node);
  for (std::size_t i = 0; i < reached.size(); ++i) {
    const Slot& here = fresh[reached[i]];
    side.votes += here.report.votes.value();
    if (!here.report.unfit) {
      side.fit_votes += here.report.votes.value();
      side.required = side.required || (here.node == rules.required && here.node != NodeId());
    }
    side.score += here.report.score;
    side.holds = side.holds || here.node == holder;
    for (std::size_t j = 0; j < fresh.size(); ++j) {
      if ((side.members & NodeBit(fresh[j].node)) != 0 || !HearEachOther(here, fresh[j])) continue;
      side.members |= NodeBit(fresh[j].node);
      reached.push_back(j);
    }
  }
  side.eligible = 2 * (side.votes + rules.disk.value()) > rules.expected.value();
  return side;
}

// Negative: a wins. The first criterion in which they differ decides, and gives the reason.
int Compare(const Side& a, const Side& b, const ElectionRules& rules, std::string* why) {
  if (a.eligible != b.eligible) {
    *why = "the other side has too few votes, also with the disk";
    return a.eligible ? -1 : 1;
  }
  if (a.required != b.required) {
    *why = Cat("it has the required node ", rules.required);
    return a.required ? -1 : 1;
  }
  if (rules.master_wins && a.holds != b.holds) {
    *why = "it holds the disk already, and the master wins";
    return a.holds ? -1 : 1;
  }
  if (a.fit_votes != b.fit_votes) {
    *why = Cat("votes of fit nodes ", std::max(a.fit_votes, b.fit_votes), " beat ",
               std::min(a.fit_votes, b.fit_votes));
    return a.fit_votes > b.fit_votes ? -1 : 1;
  }
  if (a.votes != b.votes) {
    *why = Cat("votes ", std::max(a.votes, b.votes), " beat ", std::min(a.votes, b.votes));
    return a.votes > b.votes ? -1 : 1;
  }
  if (a.score != b.score) {
    *why = Cat("score ", std::max(a.score, b.score), " beats ", std::min(a.score, b.score));
    return a.score > b.score ? -1 : 1;
  }
  if (a.holds != b.holds) {
    *why = "it holds the disk already";
    return a.holds ? -1 : 1;
  }
  *why = Cat("it has the ", rules.highest_wins ? "highest" : "lowest", " node id");
  if (rules.highest_wins) return a.members > b.members ? -1 : 1;
  return std::countr_zero(a.members) < std::countr_zero(b.members) ? -1 : 1;
}

}  // namespace

Election Elect(const std::vector<Slot>& fresh, NodeId holder, const ElectionRules& rules) {
  Election out;
  Side best;
  std::uint64_t placed = 0;
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    if ((placed & NodeBit(fresh[i].node)) != 0) continue;
    const Side side = SideOf(fresh, i, holder, rules);
    placed |= side.members;
    std::string why;
    if (++out.sides == 1) {
      best = side;
      out.why = "it is the only side";
    } else if (Compare(side, best, rules, &why) < 0) {
      best = side;
      out.why = why;
    } else {
      out.why = why;
    }
  }
  out.winners = best.members;
  return out;
}

}  // namespace fencepost::qdiskd
