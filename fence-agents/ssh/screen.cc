#include "fence-agents/ssh/screen.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/text.h"

namespace fencepost::ssh {
namespace {

constexpr std::size_t kMaxName = 255;

std::vector<std::string> WordsOf(std::string_view line) {
  std::vector<std::string> out;
  for (const std::string& word : Split(Trim(line), ' ')) {
    for (const std::string& part : Split(word, '\t')) {
      if (!part.empty()) out.push_back(part);
    }
  }
  return out;
}

bool IsNumber(std::string_view text) { return ParseInt(text, 0, 100'000).has_value(); }

std::string Lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

constexpr std::array<std::string_view, 8> kOnStates{
    "running", "blocked", "idle", "paused", "no state", "in shutdown", "crashed", "pmsuspended"};
constexpr std::string_view kOffState = "shut off";

}  // namespace

std::optional<std::vector<FabricPort>> ReadSwitchShow(std::string_view screen) {
  std::map<std::string, std::size_t> columns;
  std::vector<FabricPort> out;
  bool table = false;
  std::vector<std::string> before;
  for (const std::string& line : Split(screen, '\n')) {
    const std::vector<std::string> words = WordsOf(line);
    if (!table) {
      if (Trim(line).starts_with("=====")) {
        for (std::size_t i = 0; i < before.size(); ++i) columns[Lower(before[i])] = i;
        table = columns.count("index") == 1 && columns.count("port") == 1 &&
                columns.count("state") == 1 && columns.count("proto") == 1;
      }
      before = words;
      continue;
    }
    const std::size_t proto = columns["proto"];
    const std::size_t last = std::max({columns["index"], columns["port"], columns["state"],
                                       columns.count("slot") == 1 ? columns["slot"] : 0});
    if (words.size() <= last || !IsNumber(words[columns["index"]])) continue;
    FabricPort row;
    row.index = words[columns["index"]];
    row.port = words[columns["port"]];
    if (columns.count("slot") == 1) row.slot = words[columns["slot"]];
    if (!IsNumber(row.port) || (!row.slot.empty() && !IsNumber(row.slot))) continue;
    for (std::size_t i = proto + 1; i < words.size(); ++i) {
      row.comment += (row.comment.empty() ? "" : " ") + words[i];
    }
    row.disabled = words.size() > proto + 1 && words[proto + 1] == "Disabled";
    out.push_back(std::move(row));
  }
  if (!table) return std::nullopt;
  return out;
}

std::optional<DomainState> ReadDomainState(std::string_view text) {
  const std::string_view state = Trim(text);
  if (state == kOffState) return DomainState::kOff;
  if (std::find(kOnStates.begin(), kOnStates.end(), state) != kOnStates.end()) {
    return DomainState::kOn;
  }
  return std::nullopt;
}

std::vector<DomainRow> ReadDomainList(std::string_view screen) {
  std::vector<DomainRow> out;
  bool table = false;
  for (const std::string& line : Split(screen, '\n')) {
    const std::vector<std::string> words = WordsOf(line);
    if (words.size() >= 3 && Lower(words[0]) == "id" && Lower(words[1]) == "name") {
      table = true;
      continue;
    }
    if (!table || words.size() < 3 || !(words[0] == "-" || IsNumber(words[0]))) continue;
    std::string state = words[2];
    for (std::size_t i = 3; i < words.size(); ++i) state += " " + words[i];
    out.push_back({words[1], ReadDomainState(state)});
  }
  return out;
}

bool IsPortName(std::string_view text) {
  const auto slash = text.find('/');
  const auto digits = [](std::string_view t) {
    return !t.empty() && t.size() <= 4 && t.find_first_not_of("0123456789") == t.npos;
  };
  if (slash == std::string_view::npos) return digits(text);
  return digits(text.substr(0, slash)) && digits(text.substr(slash + 1));
}

bool IsDomainName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxName && text[0] != '-' &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "._:+@-") == std::string_view::npos;
}

}  // namespace fencepost::ssh
