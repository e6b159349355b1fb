// A BlockDevice with calls that wait for their answer, for a command that does one thing at a time.
//
// Promise: each call runs the loop until its answer has come, and returns it.
// Time:    every call has `patience` from its start. Errors: as BlockDevice.
// Ownership: device, clock and what run and stop use outlive it.
#pragma once
#include <functional>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "env/block_device.h"
#include "env/clock.h"

namespace fencepost::qdiskd::mkqdisk {

// The loop, as far as it is needed: run returns after stop was called from a callback.
struct LoopControl {
  std::function<void()> run, stop;
};

class WaitingDisk {
 public:
  WaitingDisk(BlockDevice& device, Clock& clock, LoopControl loop, Duration patience)
      : device_(device), clock_(clock), loop_(std::move(loop)), patience_(patience) {}

  Result<DeviceInfo, IoError> Open(const Writer* writer) {
    return Wait<DeviceInfo>([&](auto done) { device_.Open(writer, Deadline(), std::move(done)); });
  }
  Result<Bytes, IoError> Read(std::uint64_t offset, std::uint32_t length) {
    return Wait<Bytes>(
        [&](auto done) { device_.Read(offset, length, Deadline(), std::move(done)); });
  }
  Result<Ok, IoError> Write(std::uint64_t offset, Bytes data) {
    return Wait<Ok>(
        [&](auto done) { device_.Write(offset, std::move(data), Deadline(), std::move(done)); });
  }
  // This write and that read, both under way at once; what was read.
  Result<Bytes, IoError> WriteWhile(std::uint64_t offset, Bytes data, WaitingDisk& other,
                                    std::uint64_t read_offset) {
    std::optional<Result<Ok, IoError>> written;
    const auto length = static_cast<std::uint32_t>(data.size());
    device_.Write(offset, std::move(data), Deadline(), [&](Result<Ok, IoError> result) {
      written.emplace(std::move(result));
      loop_.stop();
    });
    auto read = other.Read(read_offset, length);
    while (!written) loop_.run();
    if (!written->ok()) return written->error();
    return read;
  }
  void Close() { device_.Close(); }
  [[nodiscard]] MonoTime Now() const { return clock_.Now(); }
  void Pause(Duration duration) {
    clock_.CallAt(clock_.Now() + duration, [this] { loop_.stop(); });
    loop_.run();
  }

 private:
  [[nodiscard]] MonoTime Deadline() const { return clock_.Now() + patience_; }
  template <class Value, class Start>
  Result<Value, IoError> Wait(Start start) {
    std::optional<Result<Value, IoError>> answer;
    start([&](Result<Value, IoError> result) {
      answer.emplace(std::move(result));
      loop_.stop();
    });
    while (!answer) loop_.run();
    return std::move(*answer);
  }

  BlockDevice& device_;
  Clock& clock_;
  LoopControl loop_;
  Duration patience_;
};

}  // namespace fencepost::qdiskd::mkqdisk
