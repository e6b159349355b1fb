#include "qdiskd/election.h"

#include <algorithm>
#include <bit>

#include "base/text.h"

namespace fencepost::qdiskd {
namespace {

struct Side {
  std::uint64_t members = 0;
  std::uint64_t votes = 0;
  std::int64_t score = 0;
  bool holds = false;
};

bool HearEachOther(const Slot& a, const Slot& b) {
  return (a.report.view & NodeBit(b.node)) != 0 && (b.report.view & NodeBit(a.node)) != 0;
}

Side SideOf(const std::vector<Slot>& fresh, std::size_t first, NodeId holder) {
  Side side;
  std::vector<std::size_t> reached{first};
  side.members = NodeBit(fresh[first].node);
  for (std::size_t i = 0; i < reached.size(); ++i) {
    const Slot& here = fresh[reached[i]];
    side.votes += here.report.votes.value();
    side.score += here.report.score;
    side.holds = side.holds || here.node == holder;
    for (std::size_t j = 0; j < fresh.size(); ++j) {
      if ((side.members & NodeBit(fresh[j].node)) != 0 || !HearEachOther(here, fresh[j])) continue;
      side.members |= NodeBit(fresh[j].node);
      reached.push_back(j);
    }
  }
  return side;
}

// Negative: a wins. The first criterion in which they differ decides, and gives the reason.
int Compare(const Side& a, const Side& b, std::string* why) {
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
  *why = "it has the lowest node id";
  return std::countr_zero(a.members) < std::countr_zero(b.members) ? -1 : 1;
}

}  // namespace

Election Elect(const std::vector<Slot>& fresh, NodeId holder) {
  Election out;
  Side best;
  std::uint64_t placed = 0;
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    if ((placed & NodeBit(fresh[i].node)) != 0) continue;
    const Side side = SideOf(fresh, i, holder);
    placed |= side.members;
    std::string why;
    if (++out.sides == 1) {
      best = side;
      out.why = "it is the only side";
    } else if (Compare(side, best, &why) < 0) {
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
