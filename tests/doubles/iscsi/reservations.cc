#include "tests/doubles/iscsi/reservations.h"

#include "base/big_endian.h"

namespace fencepost::doubles {
namespace {

constexpr int kReadKeys = 0, kReadReservation = 1, kReportCapabilities = 2;
constexpr int kRegister = 0, kReserve = 1, kRelease = 2, kClear = 3, kPreempt = 4, kAbort = 5,
              kRegisterIgnore = 6;

bool IsType(int type) {
  return type == 1 || type == 3 || type == 5 || type == 6 || type == 7 || type == 8;
}

Reservations::Outcome Conflict() { return {{kConflictStatus, 0, 0, {}}, {}, {}}; }

}  // namespace

bool Reservations::Holds(const Nexus& nexus) const {
  return type_ != 0 && (AllHold() ? IsRegistered(nexus) : holder_ == nexus);
}

bool Reservations::MayWrite(const Nexus& nexus) const {
  if (type_ == 0 || Holds(nexus)) return true;
  return (type_ == 5 || type_ == 6) && IsRegistered(nexus);
}

bool Reservations::MayRead(const Nexus& nexus) const {
  const bool exclusive = type_ == 3 || type_ == 6 || type_ == 8;
  return !exclusive || MayWrite(nexus);
}

void Reservations::Forget() {
  keys_.clear();
  holder_.clear();
  type_ = 0;
  generation_ = 0;
}

ScsiAnswer Reservations::In(int action) const {
  Bytes out(8, 0);
  PutBigEndian(out, 0, 4, generation_);
  if (action == kReadKeys) {
    for (const auto& [nexus, key] : keys_) {
      out.resize(out.size() + 8);
      PutBigEndian(out, out.size() - 8, 8, key);
    }
  } else if (action == kReadReservation) {
    if (type_ != 0) {
      out.resize(24);
      PutBigEndian(out, 8, 8, AllHold() ? 0 : keys_.at(holder_));
      out[21] = static_cast<std::uint8_t>(type_);
    }
  } else if (action == kReportCapabilities) {
    out = {0, 8, 0, 0x80, 0xEA, 0x01, 0, 0};  // TMV; types 1, 3, 5, 6, 7 and 8
    return {kGood, 0, 0, out};
  } else {
    return Check(kIllegal, kInvalidField);
  }
  PutBigEndian(out, 4, 4, out.size() - 8);
  return {kGood, 0, 0, out};
}

Reservations::Outcome Reservations::Register(const Nexus& nexus, bool ignore, std::uint64_t key,
                                             std::uint64_t new_key) {
  const auto known = keys_.find(nexus);
  const std::uint64_t present = known == keys_.end() ? 0 : known->second;
  if (!ignore && key != present) return Conflict();
  ++generation_;
  if (new_key != 0) {
    keys_[nexus] = new_key;
    return {};
  }
  Outcome out;
  keys_.erase(nexus);
  const bool over = type_ != 0 && (AllHold() ? keys_.empty() : holder_ == nexus);
  if (over) {
    type_ = 0;
    holder_.clear();
  }
  return out;
}

Reservations::Outcome Reservations::Reserve(const Nexus& nexus, int type) {
  if (!IsType(type)) return {Check(kIllegal, kInvalidField), {}, {}};
  if (type_ != 0 && !(Holds(nexus) && type_ == type)) return Conflict();
  type_ = type;
  if (holder_.empty() || !AllHold()) holder_ = nexus;
  return {};
}

Reservations::Outcome Reservations::Release(const Nexus& nexus, int type) {
  if (type_ == 0 || !Holds(nexus)) return {};
  if (type != type_) return {Check(kIllegal, 0x2604), {}, {}};
  type_ = 0;
  holder_.clear();
  return {};
}

// SPC-4 5.13.11.2: a victim that holds the reservation loses it to the preempting nexus.
Reservations::Outcome Reservations::Preempt(const Nexus& nexus, bool abort, int type,
                                            std::uint64_t victim) {
  Outcome out;
  const bool takes =
      type_ != 0 && ((AllHold() && victim == 0) ||
                     (!AllHold() && keys_.count(holder_) > 0 && keys_.at(holder_) == victim));
  if (takes && !IsType(type)) return {Check(kIllegal, kInvalidField), {}, {}};
  bool found = false;
  for (auto it = keys_.begin(); it != keys_.end();) {
    const bool match = AllHold() && victim == 0 ? it->first != nexus : it->second == victim;
    found |= match;
    if (match && abort) out.aborted.push_back(it->first);
    if (match && it->first != nexus) {
      out.preempted.push_back(it->first);
      it = keys_.erase(it);
    } else {
      ++it;
    }
  }
  if (!found) return Conflict();
  ++generation_;
  if (takes) {
    type_ = type;
    holder_ = nexus;
  }
  return out;
}

Reservations::Outcome Reservations::Out(const Nexus& nexus, int action, int type, ByteView data) {
  if (data.size() != 24) return {Check(kIllegal, 0x1A00), {}, {}};
  const std::uint64_t key = BigEndian(data.first(8)), other = BigEndian(data.subspan(8, 8));
  if ((data[20] & 0x01) != 0) return {Check(kIllegal, 0x2600), {}, {}};  // APTPL
  if (action == kRegister || action == kRegisterIgnore) {
    return Register(nexus, action == kRegisterIgnore, key, other);
  }
  const auto registered = keys_.find(nexus);
  if (registered == keys_.end() || registered->second != key) return Conflict();
  switch (action) {
    case kReserve:
      return Reserve(nexus, type);
    case kRelease:
      return Release(nexus, type);
    case kPreempt:
    case kAbort:
      return Preempt(nexus, action == kAbort, type, other);
    case kClear: {
      Outcome out;
      for (const auto& [each, ignored] : keys_) {
        if (each != nexus) out.preempted.push_back(each);
      }
      const std::uint32_t generation = generation_ + 1;
      Forget();
      generation_ = generation;
      return out;
    }
    default:
      return {Check(kIllegal, kInvalidField), {}, {}};
  }
}

}  // namespace fencepost::doubles
