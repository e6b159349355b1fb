// What a member hands to the flight recorder on the quorum disk.
#include "membership/node/member.h"

namespace fencepost::node {
namespace {

constexpr std::size_t kMaxUntold = 32;  // decisions kept while there is no qdiskd

}  // namespace

void Member::Decide(qdiskd::DecisionKind kind, NodeId about, const std::string& text) {
  if (settings_.disk_votes.value() == 0) return;
  const Term term = candidate_.term().IsNone() ? authority_term_ : candidate_.term();
  const qdiskd::Decision decision{kind, about, term, text};
  if (decision == last_decided_) return;  // said again and again while it lasts
  last_decided_ = decision;
  if (untold_.size() >= kMaxUntold) untold_.erase(untold_.begin());
  untold_.push_back(decision);
}

// Why a lost node's resources may be recovered: the grade, when it came or changed.
void Member::KeepEvidence() {
  for (const auto& [id, peer] : peers_) {
    const std::string evidence = EvidenceText(peer);
    const auto kept = evidence_kept_.find(id);
    if (evidence.empty()) {
      if (kept != evidence_kept_.end()) evidence_kept_.erase(kept);
      continue;
    }
    if (kept != evidence_kept_.end() && kept->second == evidence) continue;
    evidence_kept_[id] = evidence;
    Decide(qdiskd::DecisionKind::kEvidence, id, evidence);
  }
}

// After Hello: qdiskd drops a peer that gives it anything before that.
void Member::TellRecorder() {
  if (!disk_connected_ || hello_due_) return;
  for (const qdiskd::Decision& decision : untold_) out_.to_disk.push_back(decision);
  untold_.clear();
}

}  // namespace fencepost::node
