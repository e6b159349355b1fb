// What the operator wants: the cluster's configuration as a value. membership/cib reads it from
// Pacemaker's XML; the scheduler, the executor and the fencer work from it.
//
// Promise: a Cib that came from the parser is consistent: ids are unique, references are resolved,
//          every number is in its range. Two Cibs are equal when they ask for the same.
// Time:    time-outs and intervals are Durations; an interval of zero means "never".
// Errors:  none here.
// Source:  names and defaults are Pacemaker's (Pacemaker Explained 2.1); docs/cib.md is the subset.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/attributes.h"
#include "base/id.h"
#include "base/time.h"

namespace fencepost {

inline constexpr std::size_t kMaxCibBytes = 64 * 1024;  // of XML text
inline constexpr std::size_t kMaxPrimitives = 64;
inline constexpr std::size_t kMaxFenceDevices = 64;
inline constexpr std::size_t kMaxFenceLevels = 256;
inline constexpr int kMaxFenceLevel = 9;  // the largest index
inline constexpr std::size_t kMaxLocations = 256;
inline constexpr std::size_t kMaxRules = 256;         // with nested ones, of one CIB
inline constexpr std::size_t kMaxExpressions = 1024;  // of one CIB
inline constexpr std::size_t kMaxParameters = 64;     // of one primitive or device

// A preference. Sums are cut at +-kInfinity, and minus infinity beats everything.
using Score = std::int32_t;
inline constexpr Score kInfinity = 1'000'000;

// Sorted, so that equal configurations have equal bytes.
using Parameters = std::map<std::string, std::string>;

struct CibVersion {  // of the text; a later change has a larger one
  std::uint32_t admin_epoch = 0, epoch = 0, num_updates = 0;
  friend auto operator<=>(const CibVersion&, const CibVersion&) = default;
};

struct CibNode {
  NodeId id;
  std::string name;            // uname
  bool standby = false;        // runs no resources
  Attributes attributes = {};  // the permanent ones, standby not among them
  friend bool operator==(const CibNode&, const CibNode&) = default;
};

// What a node has lost, or must have lost: all of it, its storage, or its network.
struct Coverage {
  bool node = false, storage = false, network = false;
  [[nodiscard]] bool Any() const { return node || storage || network; }
  // Of a node that lost this, nothing that needs `needed` can do harm any more.
  [[nodiscard]] bool Covers(const Coverage& needed) const {
    return node || (!needed.node && (storage || !needed.storage) && (network || !needed.network));
  }
  void Add(const Coverage& other) {
    node = node || other.node;
    storage = storage || other.storage;
    network = network || other.network;
  }
  friend bool operator==(const Coverage&, const Coverage&) = default;
};
std::string ToText(const Coverage& coverage);  // "node", "storage and network", "nothing"

// One resource of class ocf.
struct Primitive {
  std::string id, provider, type;
  Parameters parameters;  // instance attributes, handed to the agent
  Duration start_timeout{}, stop_timeout{}, probe_timeout{}, monitor_timeout{};
  Duration monitor_interval{};  // zero: not monitored
  Score stickiness = 0;
  std::uint32_t migration_threshold = 0;  // failures on a node before it moves; 0: never moves
  bool enabled = true;                    // target-role is not Stopped
  // What a lost node must have lost before this is started elsewhere; nothing: no proof is needed.
  Coverage needs = {true, false, false};
  friend bool operator==(const Primitive&, const Primitive&) = default;
};

// Primitives that run on one node, started in this order and stopped in reverse. A primitive
// outside any <group> is a group of one, and both have the same id.
struct Group {
  std::string id;
  std::vector<Primitive> members;  // at least one
  friend bool operator==(const Group&, const Group&) = default;
};

// What a node has lost when a device proved it off: everything, its storage, or its network.
enum class FenceScope : std::uint8_t { kNode, kStorage, kNetwork };

// A primitive of class stonith.
struct FenceDevice {
  std::string id;
  std::string agent;                      // its type: "fence_ipmilan"
  std::map<NodeId, std::string> targets;  // the nodes it can fence, each with its plugs: "2,3"
  Parameters parameters;                  // the agent's own; no pcmk_*, no secret
  FenceScope scope = FenceScope::kNode;
  bool unfencing = false;  // it must be switched on before its node runs anything
  int action_limit = 1;    // runs at once; 0: no limit
  int off_attempts = 2;    // of one outlet, within the time that there is
  Duration off_timeout = std::chrono::seconds(60);
  Duration on_timeout = std::chrono::seconds(60);
  Duration status_timeout = std::chrono::seconds(20);
  Duration monitor_timeout = std::chrono::seconds(20);
  Duration monitor_interval{};  // zero: it is not looked after
  friend bool operator==(const FenceDevice&, const FenceDevice&) = default;
};

// One way to be sure that a node is off: all of the devices. Levels are tried in order of index.
struct FenceLevel {
  std::string id;
  NodeId target;
  int index = 1;                     // 1 to kMaxFenceLevel
  std::vector<std::string> devices;  // ids of fence devices that have the target; at least one
  friend bool operator==(const FenceLevel&, const FenceLevel&) = default;
};

// Compares an attribute of a node with a value; both operands of kDefined and kNotDefined are the
// name alone.
enum class Comparison : std::uint8_t { kLt, kLte, kEq, kNe, kGt, kGte, kDefined, kNotDefined };
enum class ValueType : std::uint8_t { kString, kInteger, kNumber, kVersion };
struct Expression {
  std::string attribute;
  Comparison operation = Comparison::kDefined;
  std::optional<ValueType> type;  // none: as the operation and the values suggest
  std::string value;
  friend bool operator==(const Expression&, const Expression&) = default;
};

// Holds for a node if all of its parts hold, or with `any`, one of them.
struct Rule {
  std::string id;
  bool any = false;
  std::vector<Expression> expressions;  // together with `rules` at least one
  std::vector<Rule> rules;
  friend bool operator==(const Rule&, const Rule&) = default;
};

// A score for each node for which the rule holds.
struct LocationRule {
  Rule rule;
  Score score = 0;
  std::string score_attribute;  // not empty: the value of this attribute of the node is the score
  friend bool operator==(const LocationRule&, const LocationRule&) = default;
};

// Of one node, or by rules.
struct Location {
  std::string id;
  std::string resource;  // of a group or a primitive
  NodeId node;           // 0: by rules
  Score score = 0;
  std::vector<LocationRule> rules = {};
  friend bool operator==(const Location&, const Location&) = default;
};

enum class FenceAction : std::uint8_t { kReboot, kOff };

struct Cib {
  CibVersion version;
  bool stonith_enabled = true;
  FenceAction stonith_action = FenceAction::kReboot;
  Duration stonith_timeout = std::chrono::seconds(60);
  bool start_failure_is_fatal = true;
  std::vector<CibNode> nodes;  // in order of id
  std::vector<Group> groups;   // in order of the text
  std::vector<FenceDevice> fence_devices;
  std::vector<FenceLevel> fence_levels;  // in order of target and index
  std::vector<Location> locations;
  friend bool operator==(const Cib&, const Cib&) = default;
};

}  // namespace fencepost
