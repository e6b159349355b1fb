// The one door for bytes: little-endian, by field, bounded. Formats on disk, wire and local socket
// are written and read with these and with nothing else.
//
// Promise: a reader never reads past its end; after the first short read every further read gives
//          zeros and Ok() stays false. A writer into a fixed size never writes past it.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fencepost {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

class ByteWriter {
 public:
  template <class T>
  requires std::is_unsigned_v<T>
  void Put(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      bytes_.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * i)));
    }
  }
  void PutBytes(ByteView bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  // Length (u16) and text. REQUIRES: text.size() <= 65535.
  void PutText(std::string_view text) {
    Put(static_cast<std::uint16_t>(text.size()));
    PutBytes({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  // A field of fixed width, zero-filled; longer text is cut.
  void PutFixedText(std::string_view text, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) {
      bytes_.push_back(i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0});
    }
  }
  void PadTo(std::size_t size) {
    if (bytes_.size() < size) bytes_.resize(size);
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] Bytes& bytes() { return bytes_; }
  [[nodiscard]] Bytes Take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : bytes_(bytes) {}
  template <class T>
  requires std::is_unsigned_v<T> T Get() {
    const ByteView raw = Take(sizeof(T));
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < raw.size(); ++i) value |= std::uint64_t{raw[i]} << (8 * i);
    return static_cast<T>(value);
  }
  template <std::size_t N>
  std::array<std::uint8_t, N> GetArray() {
    std::array<std::uint8_t, N> out{};
    const ByteView raw = Take(N);
    std::copy(raw.begin(), raw.end(), out.begin());
    return out;
  }
  Bytes GetBytes(std::size_t count) {
    const ByteView raw = Take(count);
    return {raw.begin(), raw.end()};
  }
  std::string GetText() {
    const ByteView raw = Take(Get<std::uint16_t>());
    return {raw.begin(), raw.end()};
  }
  // Text of a zero-filled field of fixed width.
  std::string GetFixedText(std::size_t width) {
    const ByteView raw = Take(width);
    return {raw.begin(), std::find(raw.begin(), raw.end(), std::uint8_t{0})};
  }
  void Skip(std::size_t count) { Take(count); }
  [[nodiscard]] bool Ok() const { return ok_; }
  [[nodiscard]] std::size_t Left() const { return bytes_.size(); }
  // True when every byte was read and none was missing: the only proper end of a message.
  [[nodiscard]] bool Done() const { return ok_ && bytes_.empty(); }

 private:
  ByteView Take(std::size_t count) {
    if (!ok_ || count > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const ByteView head = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return head;
  }

  ByteView bytes_;
  bool ok_ = true;
};

}  // namespace fencepost
