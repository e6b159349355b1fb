#include "qdiskd/flight_recorder.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace fencepost::qdiskd {
namespace {

std::size_t BytesOf(const std::vector<Record>& records) {
  std::size_t sum = 0;
  for (const Record& record : records) sum += RecordBytes(record);
  return sum;
}

}  // namespace

void FlightRecorder::Add(Decision decision, std::uint64_t wall_ms) {
  if (decision.about.value() > kMaxNodes) decision.about = NodeId();
  pending_.push_back({std::move(decision), wall_ms});
  if (pending_.size() <= kMaxPendingRecords || under_way_) return;
  // The first tells how many went; those behind it go.
  if (dropped_ == 0) {
    pending_.front().decision = {DecisionKind::kDropped, NodeId(), Term(), ""};
    dropped_ = 1;
  }
  uncertain_.reset();  // it may be there twice then
  while (pending_.size() > kMaxPendingRecords) {
    pending_.erase(pending_.begin() + 1);
    ++dropped_;
  }
  pending_.front().decision.text = Cat(dropped_, " records, while the disk could not be written");
}

void FlightRecorder::Load(const std::vector<DecodedPage>& ring) {
  FENCEPOST_CHECK(ring.size() == std::size_t{kRecorderUnits} && !under_way_);
  ring_.assign(ring.size(), std::nullopt);
  const RecorderPage* newest = nullptr;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const RecorderPage& page = ring[i].page;
    if (ring[i].condition != Condition::kOk || page.records.empty()) continue;
    ring_[i] = Unit{page.records.front().number, page.records.back().number};
    if (newest == nullptr || page.records.back().number > newest->records.back().number) {
      newest = &page;
    }
  }
  const auto uncertain = std::exchange(uncertain_, std::nullopt);
  if (newest == nullptr) return open_.clear();
  open_ = newest->records;
  next_number_ = open_.back().number + 1;
  if (newest->incarnation != incarnation_) return;
  sequence_ = std::max(sequence_, newest->sequence);
  if (!uncertain || uncertain->sequence != newest->sequence) return;
  pending_.erase(pending_.begin(),
                 pending_.begin() + static_cast<std::ptrdiff_t>(uncertain->taken));
  dropped_ = 0;
}

void FlightRecorder::Unload() {
  ring_.clear();
  if (!under_way_) return;
  uncertain_ = Uncertain{under_way_->write.page.sequence, under_way_->taken};
  under_way_.reset();
}

// Another unit holds the same page with more in it.
bool FlightRecorder::IsSuperseded(std::size_t unit) const {
  const auto& mine = ring_[unit];
  return mine && std::any_of(ring_.begin(), ring_.end(), [&](const std::optional<Unit>& other) {
           return other && other->first == mine->first && other->last > mine->last;
         });
}

int FlightRecorder::Target() const {
  int oldest = 0;
  for (std::size_t i = 0; i < ring_.size(); ++i) {
    if (!ring_[i] || IsSuperseded(i)) return static_cast<int>(i);
    if (ring_[i]->last < ring_[static_cast<std::size_t>(oldest)]->last) {
      oldest = static_cast<int>(i);
    }
  }
  return oldest;
}

std::optional<FlightRecorder::Write> FlightRecorder::Next(std::uint64_t wall_ms) {
  FENCEPOST_CHECK(loaded() && !under_way_);
  if (pending_.empty()) return std::nullopt;
  UnderWay way;
  RecorderPage& page = way.write.page;
  page = {boot_, incarnation_, ++sequence_, wall_ms, open_};
  std::uint64_t number = next_number_;
  for (const Pending& pending : pending_) {
    const Record record{number, pending.wall_ms, pending.decision};
    if (BytesOf(page.records) + RecordBytes(record) > kPageRoom) {
      if (way.taken > 0) break;
      page.records.clear();  // the open page is full, and stays as it is
    }
    page.records.push_back(record);
    ++number;
    ++way.taken;
  }
  way.write.copy = Target();
  under_way_ = way;
  return way.write;
}

void FlightRecorder::Written() {
  FENCEPOST_CHECK(under_way_.has_value());
  open_ = std::move(under_way_->write.page.records);
  ring_[static_cast<std::size_t>(under_way_->write.copy)] =
      Unit{open_.front().number, open_.back().number};
  next_number_ = open_.back().number + 1;
  pending_.erase(pending_.begin(),
                 pending_.begin() + static_cast<std::ptrdiff_t>(under_way_->taken));
  if (under_way_->taken > 0) dropped_ = 0;
  under_way_.reset();
}

}  // namespace fencepost::qdiskd
