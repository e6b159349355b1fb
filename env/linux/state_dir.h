// StateStore in a directory: one file a name, replaced as a whole.
//
// Promise: as env/state_store.h, also under kill -9 at any instant and power loss: the value goes
// to
//          a temporary file, that to stable storage, it is renamed over the old one, and the
//          directory goes to stable storage; only then done says success. Each file carries
//          version, length, its own name and a CRC32C: a short, rotten or misplaced file is an
//          error, never a value and never "none". The directory belongs to one daemon at a time.
//          A Store that failed may or may not be what the next Load gives.
// Time:    Store blocks the caller for the disk's flush; done comes from the loop.
// Errors:  name the file, the cause and the remedy. Open fails for a directory in use, one that
//          others may write to, or one that cannot be made.
// Source:  limits kMaxStateName, kMaxStateValue below. Format: "FPSTATE1", u32 length of the value,
//          u16 + name, value, u32 CRC32C over all before it; little-endian.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "env/linux/loop.h"
#include "env/state_store.h"

namespace fencepost {

inline constexpr std::size_t kMaxStateName = 64;  // of [a-z0-9-]
inline constexpr std::size_t kMaxStateValue = 1 << 20;

class StateDirectory final : public StateStore {
 public:
  // Makes the last component of the path (mode 0700) when it is missing.
  static Result<std::unique_ptr<StateDirectory>> Open(Loop& loop, const std::string& path);

  Result<std::optional<Bytes>> Load(std::string_view name) override;
  void Store(std::string_view name, Bytes value, std::function<void(Status)> done) override;

 private:
  StateDirectory(Loop& loop, std::string path, UniqueFd directory)
      : loop_(loop), path_(std::move(path)), directory_(std::move(directory)) {}
  [[nodiscard]] std::string PathOf(std::string_view name) const;
  [[nodiscard]] Status CheckName(std::string_view name) const;
  Status Replace(std::string_view name, ByteView value);

  Loop& loop_;
  std::string path_;
  UniqueFd directory_;  // holds the lock
};

}  // namespace fencepost
