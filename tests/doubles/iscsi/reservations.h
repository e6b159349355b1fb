// Persistent reservations of one unit: SPC-4 5.13 (rules), 6.15 and 6.16 (PR IN and OUT), for the
// types 1, 3, 5, 6, 7 and 8. Registrations belong to the I_T nexus (initiator name and ISID), and
// survive its sessions.
//
// Left out: APTPL, REGISTER AND MOVE, SPEC_I_PT, several target ports.
#pragma once
#include <cstdint>
#include <map>
#include <vector>

#include "tests/doubles/iscsi/scsi.h"

namespace fencepost::doubles {

class Reservations {
 public:
  struct Outcome {
    ScsiAnswer answer;
    std::vector<Nexus> preempted;  // lost their registration by another's order
    std::vector<Nexus> aborted;    // whose commands must be over before the answer
  };
  [[nodiscard]] ScsiAnswer In(int action) const;
  // data: the parameter list, 24 bytes.
  Outcome Out(const Nexus& nexus, int action, int type, ByteView data);
  [[nodiscard]] bool MayWrite(const Nexus& nexus) const;
  [[nodiscard]] bool MayRead(const Nexus& nexus) const;
  void Forget();  // as a unit without APTPL does when it loses power
  [[nodiscard]] const std::map<Nexus, std::uint64_t>& keys() const { return keys_; }
  [[nodiscard]] int type() const { return type_; }

 private:
  [[nodiscard]] bool IsRegistered(const Nexus& nexus) const { return keys_.count(nexus) > 0; }
  [[nodiscard]] bool AllHold() const { return type_ == 7 || type_ == 8; }
  [[nodiscard]] bool Holds(const Nexus& nexus) const;
  Outcome Register(const Nexus& nexus, bool ignore, std::uint64_t key, std::uint64_t new_key);
  Outcome Reserve(const Nexus& nexus, int type);
  Outcome Release(const Nexus& nexus, int type);
  Outcome Preempt(const Nexus& nexus, bool abort, int type, std::uint64_t victim);

  std::map<Nexus, std::uint64_t> keys_;
  Nexus holder_;
  int type_ = 0;  // 0: not reserved
  std::uint32_t generation_ = 0;
};

}  // namespace fencepost::doubles
