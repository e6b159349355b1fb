// Persistent reservations of one unit: what stands there, and the orders that change it.
//
// Promise: a list of keys is whole or an error, never shortened. A unit attention, which takes the
//          place of the command it is reported on, is answered by sending the command again.
// Time, Errors: those of unit.h; a RESERVATION CONFLICT is an answer (kConflict), not a failure.
// Source:  SPC-4: PERSISTENT RESERVE IN and OUT, INQUIRY VPD page 83h.
#pragma once
#include <optional>
#include <vector>

#include "fence-agents/scsi/unit.h"

namespace fencepost::scsi {

using Key = std::uint64_t;
inline constexpr int kMaxAttentions = 4;
inline constexpr std::uint32_t kMaxKeys = 1024;
inline constexpr std::uint8_t kWriteExclusiveRegistrantsOnly = 5;

std::string KeyText(Key key);  // "0x0123456789abcdef"

struct Standing {
  std::uint32_t generation = 0;  // PRGENERATION: counts every change of registrations
  std::vector<Key> keys{};
  std::optional<std::uint8_t> type{};  // of the reservation, when there is one
  [[nodiscard]] bool Has(Key key) const;
  // Does the reservation keep out who is not registered?
  [[nodiscard]] bool Excludes() const;
};
enum class Order { kDone, kConflict, kUnsupported };

class Reservations {
 public:
  explicit Reservations(Unit& unit, bool aptpl = false) : unit_(unit), aptpl_(aptpl) {}
  Result<Standing, agent::Failure> Look(MonoTime deadline);
  // The unit's name in the world, to put units into the same order everywhere.
  Result<std::string, agent::Failure> Designator(MonoTime deadline);
  Result<Order, agent::Failure> Register(Key key,
                                         MonoTime deadline);  // whatever was there; 0 ends it
  Result<Order, agent::Failure> Reserve(Key own, MonoTime deadline);
  Result<Order, agent::Failure> Preempt(Key own, Key other, bool abort, MonoTime deadline);

 private:
  Result<Reply, agent::Failure> Ask(const Bytes& cdb, const Bytes& out, std::uint32_t in,
                                    MonoTime deadline);
  Result<Reply, agent::Failure> In(std::uint8_t action, MonoTime deadline);
  Result<Order, agent::Failure> Out(std::uint8_t action, Key key, Key action_key,
                                    MonoTime deadline);
  [[nodiscard]] agent::Failure Refused(const std::string& what, const Reply& reply) const;
  Unit& unit_;
  bool aptpl_;
};

}  // namespace fencepost::scsi
