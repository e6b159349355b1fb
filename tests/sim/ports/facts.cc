#include "tests/sim/ports/facts.h"

#include <algorithm>

namespace fencepost::sim {

int Journal::Count(std::string_view name) const {
  return static_cast<int>(std::count_if(lines_.begin(), lines_.end(),
                                        [&](const JournalLine& l) { return l.name == name; }));
}

std::string Journal::Last(std::string_view name) const {
  for (auto line = lines_.rbegin(); line != lines_.rend(); ++line) {
    if (line->name == name) return line->text;
  }
  return "";
}

std::string Journal::Text() const {
  std::string out;
  for (const JournalLine& line : lines_) {
    const auto us =
        std::chrono::duration_cast<std::chrono::microseconds>(line.at.time_since_epoch()).count();
    std::string time = std::to_string(us % 1000);
    time = Cat(us / 1000, ".", std::string(3 - time.size(), '0'), time, "ms");
    out += Cat(std::string(time.size() < 14 ? 14 - time.size() : 0, ' '), time, " node ", line.node,
               " ", line.who, "  ", line.text, "\n");
  }
  return out;
}

void SimFacts::Record(const Fact& fact) {
  journal_.Add({machine_.world().Now(), machine_.node(), machine_.Now(), who_, fact.severity,
                std::string(fact.name), fact.Text()});
}

}  // namespace fencepost::sim
