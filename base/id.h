// Names of things as types: two ids with different tags neither convert, compare nor add.
//
// Promise: conversions are explicit both ways. Errors: none.
#pragma once
#include <array>
#include <compare>
#include <cstdint>

namespace fencepost {

template <class Tag, class Rep>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(Rep value) : value_(value) {}
  [[nodiscard]] constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(Id, Id) = default;

 private:
  Rep value_{};
};

// 128 random bits that name a cluster, a disk or a boot. All zero means "none".
template <class Tag>
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  [[nodiscard]] constexpr bool IsNone() const { return *this == Uuid{}; }
  friend constexpr auto operator<=>(const Uuid&, const Uuid&) = default;
};

// A cluster node, 1..kMaxNodes; 0 is nobody. Also the index of its slot on the disk.
using NodeId = Id<struct NodeIdTag, std::uint8_t>;
inline constexpr int kMaxNodes = 64;

// Counts the starts of one daemon on one node; later starts have larger numbers.
using Incarnation = Id<struct IncarnationTag, std::uint64_t>;

// Votes towards E (DESIGN: a partition acts while its coordinator holds leases on more than E/2).
using Votes = Id<struct VotesTag, std::uint32_t>;

using ClusterId = Uuid<struct ClusterIdTag>;
using DiskId = Uuid<struct DiskIdTag>;
// Changes when, and only when, the node's operating system was started anew: rule R6.
using BootId = Uuid<struct BootIdTag>;

}  // namespace fencepost
