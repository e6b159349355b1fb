// The canonical bytes of a Cib: every field in a fixed order, every list preceded by its length, so
// that no two configurations share their bytes. Only hashed and compared, never read back.
#include "membership/cib/cib.h"

namespace fencepost::cib {
namespace {

constexpr std::uint16_t kCanonicalFormat = 3;  // raised when a field is added

void PutCount(ByteWriter& out, std::size_t count) { out.Put(static_cast<std::uint32_t>(count)); }
void PutTime(ByteWriter& out, Duration time) { out.Put(static_cast<std::uint64_t>(time.count())); }
void PutScore(ByteWriter& out, Score score) { out.Put(static_cast<std::uint32_t>(score)); }
void PutBool(ByteWriter& out, bool value) { out.Put(static_cast<std::uint8_t>(value ? 1 : 0)); }

template <class Pairs>
void PutParameters(ByteWriter& out, const Pairs& parameters) {
  PutCount(out, parameters.size());
  for (const auto& [name, value] : parameters) {
    out.PutText(name);
    out.PutText(value);
  }
}

void PutPrimitive(ByteWriter& out, const Primitive& p) {
  out.PutText(p.id);
  out.PutText(p.provider);
  out.PutText(p.type);
  PutParameters(out, p.parameters);
  for (const Duration time :
       {p.start_timeout, p.stop_timeout, p.probe_timeout, p.monitor_timeout, p.monitor_interval}) {
    PutTime(out, time);
  }
  PutScore(out, p.stickiness);
  out.Put(p.migration_threshold);
  PutBool(out, p.enabled);
  for (const bool part : {p.needs.node, p.needs.storage, p.needs.network}) PutBool(out, part);
}

void PutDevice(ByteWriter& out, const FenceDevice& device) {
  out.PutText(device.id);
  out.PutText(device.agent);
  PutCount(out, device.targets.size());
  for (const auto& [node, plug] : device.targets) {
    out.Put(node.value());
    out.PutText(plug);
  }
  PutParameters(out, device.parameters);
  out.Put(static_cast<std::uint8_t>(device.scope));
  PutBool(out, device.unfencing);
  PutCount(out, static_cast<std::size_t>(device.action_limit));
  PutCount(out, static_cast<std::size_t>(device.off_attempts));
  for (const Duration time : {device.off_timeout, device.on_timeout, device.status_timeout,
                              device.monitor_timeout, device.monitor_interval}) {
    PutTime(out, time);
  }
}

void PutLevel(ByteWriter& out, const FenceLevel& level) {
  out.PutText(level.id);
  out.Put(level.target.value());
  PutCount(out, static_cast<std::size_t>(level.index));
  PutCount(out, level.devices.size());
  for (const std::string& id : level.devices) out.PutText(id);
}

void PutRule(ByteWriter& out, const Rule& rule) {
  out.PutText(rule.id);
  PutBool(out, rule.any);
  PutCount(out, rule.expressions.size());
  for (const Expression& expression : rule.expressions) {
    out.PutText(expression.attribute);
    out.Put(static_cast<std::uint8_t>(expression.operation));
    PutBool(out, expression.type.has_value());
    out.Put(static_cast<std::uint8_t>(expression.type.value_or(ValueType::kString)));
    out.PutText(expression.value);
  }
  PutCount(out, rule.rules.size());
  for (const Rule& inner : rule.rules) PutRule(out, inner);
}

void PutLocation(ByteWriter& out, const Location& location) {
  out.PutText(location.id);
  out.PutText(location.resource);
  out.Put(location.node.value());
  PutScore(out, location.score);
  PutCount(out, location.rules.size());
  for (const LocationRule& rule : location.rules) {
    PutScore(out, rule.score);
    out.PutText(rule.score_attribute);
    PutRule(out, rule.rule);
  }
}

}  // namespace

Bytes CanonicalBytes(const Cib& cib) {
  ByteWriter out;
  out.Put(kCanonicalFormat);
  out.Put(cib.version.admin_epoch);
  out.Put(cib.version.epoch);
  out.Put(cib.version.num_updates);
  PutBool(out, cib.stonith_enabled);
  out.Put(static_cast<std::uint8_t>(cib.stonith_action));
  PutTime(out, cib.stonith_timeout);
  PutBool(out, cib.start_failure_is_fatal);
  PutCount(out, cib.nodes.size());
  for (const CibNode& node : cib.nodes) {
    out.Put(node.id.value());
    out.PutText(node.name);
    PutBool(out, node.standby);
    PutParameters(out, node.attributes);
  }
  PutCount(out, cib.groups.size());
  for (const Group& group : cib.groups) {
    out.PutText(group.id);
    PutCount(out, group.members.size());
    for (const Primitive& member : group.members) PutPrimitive(out, member);
  }
  PutCount(out, cib.fence_devices.size());
  for (const FenceDevice& device : cib.fence_devices) PutDevice(out, device);
  PutCount(out, cib.fence_levels.size());
  for (const FenceLevel& level : cib.fence_levels) PutLevel(out, level);
  PutCount(out, cib.locations.size());
  for (const Location& location : cib.locations) PutLocation(out, location);
  return out.Take();
}

}  // namespace fencepost::cib
