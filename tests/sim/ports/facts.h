// Facts of a simulated world, in the order of true time: the timeline that a person reads when a
// seed fails.
//
// Promise: each fact with its true time, who said it, and that node's own clock.
// Errors:  none. A Journal keeps everything; a world that runs for long clears it.
#pragma once
#include <string>
#include <vector>

#include "env/fact_sink.h"
#include "tests/sim/ports/machine.h"

namespace fencepost::sim {

struct JournalLine {
  TrueTime at;
  NodeId node;
  MonoTime local;
  std::string who;  // "qdiskd"
  Severity severity = Severity::kInfo;
  std::string name, text;  // text has the name in it
};

class Journal {
 public:
  void Add(JournalLine line) { lines_.push_back(std::move(line)); }
  void Clear() { lines_.clear(); }
  [[nodiscard]] const std::vector<JournalLine>& lines() const { return lines_; }
  [[nodiscard]] int Count(std::string_view name) const;
  // The text of the last fact of that name; empty: there was none.
  [[nodiscard]] std::string Last(std::string_view name) const;
  [[nodiscard]] std::string Text() const;  // "  1234.567ms node 2 qdiskd   disk-ready node=2"

 private:
  std::vector<JournalLine> lines_;
};

class SimFacts final : public FactSink {
 public:
  SimFacts(Journal& journal, Machine& machine, std::string who)
      : journal_(journal), machine_(machine), who_(std::move(who)) {}
  void Record(const Fact& fact) override;

 private:
  Journal& journal_;
  Machine& machine_;
  std::string who_;
};

}  // namespace fencepost::sim
