// A real iSCSI target (tgtd) for tests: own port on the loopback, own control socket, files in a
// directory of its own. Ends with the object, and with the test program however that ends.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fencepost::lab {

struct TgtUnit {
  std::uint64_t bytes = 64 << 20;
  std::uint32_t sector_bytes = 512;
  bool read_only = false;
};

class TgtTarget {
 public:
  // Why no target can be started on this machine; nullopt when one can.
  static std::optional<std::string> WhyNot();

  // preload: a library for LD_PRELOAD, or "". user: for CHAP, with secret, or "".
  TgtTarget(std::vector<TgtUnit> units, const std::string& preload = "",
            const std::string& user = "", const std::string& secret = "");
  ~TgtTarget();
  TgtTarget(const TgtTarget&) = delete;
  TgtTarget& operator=(const TgtTarget&) = delete;

  [[nodiscard]] std::string Url(int lun) const;  // of units[lun - 1]
  [[nodiscard]] std::string Image(int lun) const;
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }
  void Signal(int signal) const;  // to tgtd
  void Kill();                    // -9, and reaped
  void Start();                   // after Kill: the same units, without any reservation
  int KickSessions() const;       // how many

 private:
  std::string Admin(const std::string& arguments) const;
  std::vector<TgtUnit> units_;
  std::string preload_, user_, secret_;
  std::string directory_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace fencepost::lab
