#include "fence-agents/scsi/scsi_device.h"

#include <algorithm>

#include "base/crc32c.h"
#include "base/text.h"

namespace fencepost::scsi {
namespace {

using agent::Cause;
using agent::Failed;
using agent::Failure;
using agent::Phase;
using agent::PowerState;

struct Disk {
  std::unique_ptr<Unit> unit;
  std::string designator;
};

class ScsiDevice : public agent::SingleDevice {
 public:
  ScsiDevice(std::vector<std::unique_ptr<Unit>> units, ScsiSettings settings)
      : s_(std::move(settings)) {
    for (auto& unit : units) disks_.push_back({std::move(unit), ""});
  }

  agent::PowerResult Status(const std::string&, MonoTime deadline) override {
    bool can_write = false;
    for (const Disk& disk : disks_) {
      const auto standing = Reservations(*disk.unit).Look(deadline);
      if (!standing) return standing.error();
      can_write = can_write || standing->Has(s_.target) || !standing->Excludes();
    }
    return can_write ? PowerState::kOn : PowerState::kOff;
  }

  agent::SwitchResult Switch(const std::string&, PowerState wanted, MonoTime deadline,
                             const agent::SwitchPermit& permit) override {
    const bool on = wanted == PowerState::kOn;
    if (on != (s_.own == s_.target)) {
      return Refuse(on ? Cat("only ", agent::OneLine(s_.target_node), " can let itself in")
                       : "a node cannot shut itself out",
                    on ? "run `on` on that node" : "run `off` on another node");
    }
    const auto ordered = PutInOrder(deadline);
    if (!ordered) return ordered;
    for (const Disk& disk : disks_) {
      const auto done = on ? LetIn(disk, deadline, permit) : ShutOut(disk, deadline, permit);
      if (!done) return done;
    }
    return Ok{};
  }

 private:
  [[nodiscard]] Failure Refuse(std::string why, std::string remedy) const {
    return Failed(Phase::kPrivilege, Cause::kNotPermitted,
                  Cat("node ", agent::OneLine(s_.this_node)), std::move(why), std::move(remedy));
  }
  [[nodiscard]] Failure WeWereFenced(const Disk& disk) const {
    return Refuse(Cat("has no key ", KeyText(s_.own), " on ", disk.unit->Name(),
                      ": it was fenced itself, or never let in"),
                  "restart this node, then let it in with action=on");
  }

  // Registering it now could let writes through in the moment in which another node shut us out.
  [[nodiscard]] Failure NotRegisteredHere(const Disk& disk) const {
    return Refuse(Cat("has its key ", KeyText(s_.own), " on ", disk.unit->Name(),
                      ", but registered by another session than this machine's present one"),
                  "let this node in with action=on, when it is known that nobody shut it out");
  }

  agent::SwitchResult PutInOrder(MonoTime deadline) {
    for (Disk& disk : disks_) {
      if (!disk.designator.empty()) continue;
      const auto designator = Reservations(*disk.unit).Designator(deadline);
      if (!designator) return designator.error();
      disk.designator = *designator;
    }
    std::sort(disks_.begin(), disks_.end(),
              [](const Disk& a, const Disk& b) { return a.designator < b.designator; });
    const auto twice = std::adjacent_find(
        disks_.begin(), disks_.end(),
        [](const Disk& a, const Disk& b) { return a.designator == b.designator; });
    if (twice == disks_.end()) return Ok{};
    return Failed(Phase::kSelect, Cause::kBadOption, "option devices",
                  Cat("names one disk twice: ", twice->unit->Name()), "name each disk once");
  }

  agent::SwitchResult LetIn(const Disk& disk, MonoTime deadline,
                            const agent::SwitchPermit& permit) const {
    Reservations r(*disk.unit, s_.aptpl);
    const auto may = permit.Check();
    if (!may) return may.error();
    const auto registered = r.Register(s_.own, deadline);
    if (!registered) return registered.error();
    if (*registered != Order::kDone) return Refuse("may not register", "see who has the disk");
    const auto standing = r.Look(deadline);
    if (!standing) return standing.error();
    if (!standing->type) {
      // Conflict: a peer was quicker, and its reservation serves as well as ours.
      const auto reserved = r.Reserve(s_.own, deadline);
      if (!reserved) return reserved.error();
    } else if (!standing->Excludes()) {
      return Failed(Phase::kAct, Cause::kWrongState, disk.unit->Name(),
                    Cat("has a reservation of type ", static_cast<int>(*standing->type),
                        ", which keeps nobody out that is not registered"),
                    "see who made it, and release it");
    }
    return Ok{};
  }

  // Attempt 0 acts as the session that is: conflict means that our key, if it still stands there,
  // was registered by another session of ours. Then, and only then, this one joins and tries once
  // more.
  agent::SwitchResult ShutOut(const Disk& disk, MonoTime deadline,
                              const agent::SwitchPermit& permit) const {
    Reservations r(*disk.unit);
    for (int attempt = 0; attempt < 2; ++attempt) {
      const auto now = r.Look(deadline);
      if (!now) return now.error();
      if (!now->Has(s_.own)) return WeWereFenced(disk);
      if (!now->Has(s_.target) && now->Excludes()) return Ok{};
      const auto may = permit.Check();
      if (!may) return may.error();
      if (attempt > 0) {
        if (disk.unit->CarriesData()) return NotRegisteredHere(disk);
        const auto in = JoinAgain(disk, now->generation, deadline);
        if (!in) return in;
      }
      const auto done = Exclude(disk, *now, deadline, permit);
      if (!done) return done.error();
      if (*done == Order::kDone) return Ok{};
    }
    return WeWereFenced(disk);
  }

  // Reserves what nobody has reserved, then preempts the target's key.
  Result<Order, Failure> Exclude(const Disk& disk, const Standing& now, MonoTime deadline,
                                 const agent::SwitchPermit& permit) const {
    Reservations r(*disk.unit);
    if (!now.type) {
      auto reserved = r.Reserve(s_.own, deadline);
      if (!reserved || *reserved != Order::kDone) return reserved;
    }
    if (!now.Has(s_.target)) return Order::kDone;
    const auto may = permit.Check();
    if (!may) return may.error();
    return Preempt(disk, deadline);
  }

  // Our key stands there, but perhaps for an older session of ours. Registering it for this one is
  // right only as long as nobody else acts: whoever preempted us meanwhile has won.
  agent::SwitchResult JoinAgain(const Disk& disk, std::uint32_t generation,
                                MonoTime deadline) const {
    Reservations r(*disk.unit, s_.aptpl);
    const auto registered = r.Register(s_.own, deadline);
    if (!registered) return registered.error();
    const auto after = r.Look(deadline);
    if (!after) return after.error();
    if (*registered == Order::kDone && after->generation == generation + 1 && after->Has(s_.own)) {
      return Ok{};
    }
    static_cast<void>(r.Register(0, deadline));
    return Refuse(Cat("does not fence: the registrations on ", disk.unit->Name(),
                      " were changed by another node in the same moment"),
                  "another node may have won; see who is registered there");
  }

  Result<Order, Failure> Preempt(const Disk& disk, MonoTime deadline) const {
    Reservations r(*disk.unit);
    auto done = r.Preempt(s_.own, s_.target, true, deadline);
    if (done && *done == Order::kUnsupported && !s_.need_abort) {
      done = r.Preempt(s_.own, s_.target, false, deadline);
    }
    if (!done) {
      Failure failure = done.error();
      failure.effect_unknown = true;
      return failure;
    }
    if (*done != Order::kUnsupported) return done;
    return Failed(
        Phase::kAct, Cause::kDeviceError, disk.unit->Name(), "does not know PREEMPT AND ABORT",
        "preempt_abort=auto accepts PREEMPT; what is in flight then may still be written");
  }

  ScsiSettings s_;
  std::vector<Disk> disks_;
};

}  // namespace

std::unique_ptr<agent::Device> MakeScsiDevice(std::vector<std::unique_ptr<Unit>> units,
                                              ScsiSettings settings) {
  return std::make_unique<ScsiDevice>(std::move(units), std::move(settings));
}

Key KeyOf(std::string_view node) {
  constexpr Key kPrefix = 0x4650'0000'0000'0000;
  const Bytes bytes(node.begin(), node.end());
  return kPrefix | Crc32c(bytes);
}

std::optional<Key> ParseKey(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  constexpr std::size_t kMaxDigits = 16;
  if (text.empty() || text.size() > kMaxDigits) return std::nullopt;
  std::string padded(kMaxDigits - text.size(), '0');
  padded += text;
  const auto bytes = FromHex(padded);
  if (!bytes) return std::nullopt;
  Key key = 0;
  for (const std::uint8_t b : *bytes) key = key << 8 | b;
  if (key == 0) return std::nullopt;
  return key;
}

}  // namespace fencepost::scsi
