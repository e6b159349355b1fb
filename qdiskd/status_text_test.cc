// The status file, line for line.
#include "qdiskd/status_text.h"

#include <gtest/gtest.h>

namespace fencepost::qdiskd {
namespace {

local::View View() {
  local::View view;
  view.view.readable = true;
  view.view.highest_held = Term(3, NodeId(2));
  for (std::uint8_t id = 1; id <= 4; ++id) {
    NodeOnDisk node;
    node.node = node.slot.node = NodeId(id);
    node.fresh = id != 4;
    node.slot.report.votes = Votes(id == 3 ? 0U : 1U);
    node.slot.report.quorate = id == 2;
    view.view.nodes.push_back(node);
  }
  view.fitness = {1,
                  3,
                  2,
                  false,
                  {{"routers", HeuristicState::kUp, 1, "ok", {}},
                   {"power", HeuristicState::kUnknown, 2, "", {}}}};
  return view;
}

TEST(StatusFile, HasTheLinesOfRhcs) {
  EXPECT_EQ(StatusFileText(View(), NodeId(1), "Thu Jan  1 00:00:00 2026"),
            "Time Stamp: Thu Jan  1 00:00:00 2026\n"
            "Node ID: 1\n"
            "Score: 1/3 (Minimum required = 2)\n"
            "Current state: Running\n"
            "Initializing Set: { 3 }\n"
            "Visible Set: { 1 2 }\n"
            "Master Node ID: 2\n"
            "Quorate Set: { 2 }\n"
            "\n"
            "Heuristic: routers up, score 1, ok\n"
            "Heuristic: power unknown, score 2, no result yet\n");
}

TEST(StatusFile, NamesEachStateOfTheNode) {
  const auto state = [](const local::View& view, std::uint8_t self) {
    const std::string text = StatusFileText(view, NodeId(self), "");
    const std::size_t at = text.find("Current state: ") + 15;
    return text.substr(at, text.find('\n', at) - at);
  };
  local::View view = View();
  EXPECT_EQ(state(view, 2), "Master");
  EXPECT_EQ(state(view, 3), "Initializing");
  view.view.nodes[1].slot.conceded = view.view.highest_held;
  EXPECT_EQ(state(view, 2), "Running");
  EXPECT_NE(StatusFileText(view, NodeId(1), "").find("Master Node ID: (none)\n\n"),
            std::string::npos);
  view.view.readable = false;
  EXPECT_EQ(state(view, 2), "None");
}

}  // namespace
}  // namespace fencepost::qdiskd
