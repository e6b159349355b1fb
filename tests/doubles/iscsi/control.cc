// The lines of the control socket.
#include "base/text.h"
#include "tests/doubles/iscsi/target.h"

namespace fencepost::doubles {
namespace {

constexpr std::uint64_t kMostShown = 65536;

std::optional<bool> YesNo(std::string_view text) {
  if (text == "yes" || text == "on") return true;
  if (text == "no" || text == "off") return false;
  return std::nullopt;
}

Error Wrong(std::string_view line) {
  return {Cat("'", line, "'"), "is not understood", "see tests/doubles/README.md"};
}

std::string Said(const Status& status) {
  return status.ok() ? "ok" : Cat("error: ", status.error().Text());
}

}  // namespace

Status IscsiTarget::Feature(std::string_view name, std::string_view value) {
  const auto yes = YesNo(value);
  ScsiUnit::Settings& unit = unit_.settings();
  if (name == "fua") {
    if (value == "honoured")
      unit.fua = ScsiUnit::Fua::kHonoured;
    else if (value == "ignored")
      unit.fua = ScsiUnit::Fua::kIgnored;
    else if (value == "refused")
      unit.fua = ScsiUnit::Fua::kRefused;
    else
      return Wrong(value);
    return Ok{};
  }
  bool* flag = nullptr;
  if (name == "reinstate") flag = &settings_.reinstates;
  if (name == "reset-waits") flag = &settings_.reset_waits;
  if (name == "compare-and-write") flag = &unit.compare_and_write;
  if (name == "reservations") flag = &unit.reservations;
  if (name == "preempt-and-abort") flag = &unit.preempt_and_abort;
  if (name == "write-cache") flag = &unit.write_cache;
  if (flag == nullptr || !yes) return Wrong(Cat(name, " ", value));
  *flag = *yes;
  return Ok{};
}

std::string IscsiTarget::Report() const {
  std::string out = Cat("sessions ", sessions(), ", parked ", parked_.size(), ", executed ",
                        executed_, ", struck ", struck_, ", reservation type ",
                        unit_.reservations().type(), ", keys ", unit_.reservations().keys().size());
  for (const auto& connection : connections_) {
    if (connection->full_feature()) out += Cat("; ", connection->nexus());
  }
  return out;
}

std::string IscsiTarget::Control(std::string_view line) {
  const auto words = Split(line, ' ');
  const std::string_view verb = words.front();
  const auto word = [&](std::size_t i) {
    return i < words.size() ? std::string_view(words[i]) : "";
  };
  const auto number = [&](std::size_t i, std::int64_t most) { return ParseInt(word(i), 0, most); };
  if (verb == "fault") {
    auto fault = ParseFault(line.substr(std::min(line.size(), verb.size() + 1)));
    if (!fault.ok()) return Said(fault.error());
    AddFault(std::move(*fault));
  } else if (verb == "clear") {
    faults_.clear();
  } else if (verb == "hang" || verb == "resume" || verb == "down" || verb == "up") {
    for (std::size_t portal = 0; portal < listeners_.size(); ++portal) {
      if (words.size() > 1 && number(1, 255) != static_cast<std::int64_t>(portal)) continue;
      if (verb == "hang" || verb == "resume")
        Hang(portal, verb == "hang");
      else
        Down(portal, verb == "down");
    }
  } else if (verb == "kick") {
    Kick();
  } else if (verb == "snapshot") {
    unit_.Snapshot();
  } else if (verb == "rollback") {
    unit_.Rollback();
  } else if (verb == "power-cut") {
    Kick();
    unit_.PowerCut();
  } else if (verb == "read-only") {
    const auto yes = YesNo(word(1));
    if (!yes) return Said(Wrong(line));
    unit_.SetReadOnly(*yes);
  } else if (verb == "feature") {
    const std::size_t sign = word(1).find('=');
    if (sign == std::string_view::npos) return Said(Wrong(line));
    return Said(Feature(word(1).substr(0, sign), word(1).substr(sign + 1)));
  } else if (verb == "zero") {
    std::fill(unit_.medium().begin(), unit_.medium().end(), 0);
  } else if (verb == "show") {
    const auto most = static_cast<std::int64_t>(unit_.medium().size());
    const auto at = number(1, most), length = number(2, static_cast<std::int64_t>(kMostShown));
    if (!at || !length || *at + *length > most) return Said(Wrong(line));
    return Hex(ByteView(unit_.medium())
                   .subspan(static_cast<std::size_t>(*at), static_cast<std::size_t>(*length)));
  } else if (verb == "report") {
    return Report();
  } else {
    return Said(Wrong(line));
  }
  return "ok";
}

}  // namespace fencepost::doubles
