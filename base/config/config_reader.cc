#include "base/config/config_reader.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/config/numeric_host.h"
#include "base/config/quote.h"
#include "base/text.h"

namespace fencepost::config {
namespace {

// Insertions, deletions, replacements, counted with a swap of neighbours as one.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      const std::size_t change = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

std::string Nearest(std::string_view key, const std::vector<std::string_view>& known) {
  constexpr std::size_t kMaxDistance = 2, kMaxCompared = 64;
  std::string_view best;
  std::size_t best_distance = kMaxDistance + 1;
  for (const std::string_view candidate : known) {
    if (key.size() > kMaxCompared) break;
    const std::size_t distance = Distance(key, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return std::string(best);
}

std::string_view KindOf(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return node.is_array_of_tables() ? "a list of tables" : "a list";
    case toml::node_type::string:
      return "text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a point";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxName && IsAlnum(text[0]) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return IsAlnum(c) || c == '.' || c == '_' || c == '-'; });
}

// Not the address of one machine: unspecified, multicast, broadcast.
bool IsOneMachine(std::string_view host) {
  if (host.find(':') != std::string_view::npos) return host != "::" && !host.starts_with("ff");
  const auto first = ParseInt(host.substr(0, host.find('.')), 0, 255);
  return first && *first >= 1 && *first < 224;
}

}  // namespace

Result<Duration> ParseDuration(std::string_view text) {
  const Error wrong{Quoted(text), "is no duration", "write \"250ms\", \"1.5s\" or \"2m\""};
  std::int64_t unit_ms = 0;
  std::string_view number = text;
  for (const auto& [suffix, ms] :
       {std::pair<std::string_view, std::int64_t>{"ms", 1}, {"s", 1000}, {"m", 60'000}}) {
    if (!text.ends_with(suffix)) continue;
    unit_ms = ms;
    number.remove_suffix(suffix.size());
    break;
  }
  const std::size_t point = number.find('.');
  const auto whole = ParseInt(number.substr(0, point), 0, 3'600'000);
  if (unit_ms == 0 || !whole || text[0] == '-') return wrong;
  std::int64_t ms = *whole * unit_ms;
  if (point != std::string_view::npos) {
    const std::string_view digits = number.substr(point + 1);
    const auto fraction = ParseInt(digits, 0, 999);
    if (unit_ms != 1000 || digits.size() > 3 || !fraction || digits[0] == '-') return wrong;
    ms += *fraction * (digits.size() == 1 ? 100 : digits.size() == 2 ? 10 : 1);
  }
  const Duration out = Millis(ms);
  if (out < kMinDuration || out > kMaxDuration) {
    return Error{Quoted(text), Cat("is not in ", kMinDuration, "..", kMaxDuration),
                 "choose a value in this range"};
  }
  return out;
}

Result<NetAddress> ParseNetAddress(std::string_view text) {
  const auto wrong = [text](std::string cause) {
    return Error{Quoted(text), std::move(cause),
                 "write a numeric address: \"10.0.0.1\", \"10.0.0.1:5405\", \"fd00::1\" or "
                 "\"[fd00::1]:5405\""};
  };
  NetAddress out;
  std::string_view host = text, port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return wrong("has an open bracket");
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (!port.empty() && port[0] != ':') return wrong("has text after the bracket");
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    host = text.substr(0, text.find(':'));
    port = text.substr(text.find(':'));
  }
  if (!port.empty()) {
    const auto number = ParseInt(port.substr(1), 1, 65535);
    if (!number) return wrong("has a port that is not 1..65535");
    out.port = static_cast<std::uint16_t>(*number);
  }
  const auto canonical = NumericHost(host);
  if (!canonical) return wrong("is no numeric IPv4 or IPv6 address");
  if (!IsOneMachine(*canonical)) return wrong("is not the address of one machine");
  out.host = *canonical;
  return out;
}

void Errors::Add(const toml::source_position& at, std::string key, std::string problem,
                 std::string remedy) {
  constexpr std::size_t kMaxErrors = 50;
  if (errors_.size() >= kMaxErrors) return;
  errors_.push_back(
      {file_, at.line, at.column, std::move(key), std::move(problem), std::move(remedy)});
}

std::vector<ConfigError> Errors::TakeSorted() {
  std::sort(errors_.begin(), errors_.end(), [](const ConfigError& a, const ConfigError& b) {
    return std::tie(a.line, a.column, a.key, a.problem) <
           std::tie(b.line, b.column, b.key, b.problem);
  });
  return std::move(errors_);
}

std::string Section::KeyText(std::string_view key) const {
  const bool plain = IsName(key) && key.find('.') == std::string_view::npos;
  const std::string text = plain ? std::string(key) : Quoted(key);
  if (key.empty()) return name_;
  return name_.empty() ? text : Cat(name_, ".", text);
}

toml::source_position Section::At(std::string_view key) const {
  if (table_ == nullptr) return {};
  const toml::node* node = key.empty() ? nullptr : table_->get(key);
  return node != nullptr ? node->source().begin : table_->source().begin;
}

bool Section::Has(std::string_view key) const { return table_ != nullptr && table_->contains(key); }

void Section::Fail(std::string_view key, std::string problem, std::string remedy) {
  errors_.Add(At(key), KeyText(key), std::move(problem), std::move(remedy));
}

const toml::node* Section::Find(std::string_view key, Need need) {
  known_.push_back(key);
  const toml::node* node = table_ == nullptr ? nullptr : table_->get(key);
  if (node == nullptr && need == Need::kRequired) {
    Fail(key, "is missing", Cat("add ", key, " = … here"));
  }
  return node;
}

bool Section::Text(std::string_view key, std::string& out, Need need) {
  const toml::node* node = Find(key, need);
  if (node == nullptr) return false;
  const auto* text = node->as_string();
  if (text == nullptr) {
    Fail(key, Cat("is ", KindOf(*node), ", not text"), "write it in double quotes");
    return false;
  }
  const std::string& value = text->get();
  if (value.empty() || value.size() > kMaxPathText || value.find('\0') != std::string::npos) {
    Fail(key, value.empty() ? "is empty" : "is too long or holds a zero byte",
         "write a value or leave the key out");
    return false;
  }
  out = value;
  return true;
}

bool Section::Texts(std::string_view key, std::size_t limit, std::vector<std::string>& out) {
  const toml::node* node = Find(key, Need::kOptional);
  if (node == nullptr) return false;
  const toml::array* list = node->as_array();
  bool good = list != nullptr && list->size() <= limit;
  std::vector<std::string> texts;
  for (std::size_t i = 0; good && i < list->size(); ++i) {
    const auto* text = list->get(i)->as_string();
    good = text != nullptr && !text->get().empty() && text->get().size() <= kMaxPathText &&
           text->get().find('\0') == std::string::npos;
    if (good) texts.push_back(text->get());
  }
  if (!good) {
    Fail(key, Cat("is no list of at most ", limit, " texts"), "write [\"…\", \"…\"]");
    return false;
  }
  out = std::move(texts);
  return true;
}

bool Section::Name(std::string_view key, std::string& out, Need need) {
  std::string text;
  if (!Text(key, text, need)) return false;
  if (!IsName(text)) {
    Fail(key, Cat(Quoted(text), " is no name"),
         Cat("use 1 to ", kMaxName,
             " letters, digits, '.', '_' or '-', with a letter or digit first"));
    return false;
  }
  out = text;
  return true;
}

bool Section::Path(std::string_view key, std::string& out, std::size_t limit) {
  std::string text;
  if (!Text(key, text)) return false;
  if (text[0] != '/' || text.size() > limit) {
    Fail(key,
         text[0] != '/' ? Cat(Quoted(text), " is not absolute")
                        : Cat("is longer than ", limit, " bytes"),
         "write a path that begins with /");
    return false;
  }
  out = text;
  return true;
}

bool Section::Int(std::string_view key, std::int64_t low, std::int64_t high, std::int64_t& out,
                  Need need) {
  const toml::node* node = Find(key, need);
  if (node == nullptr) return false;
  const auto* number = node->as_integer();
  if (number == nullptr || number->get() < low || number->get() > high) {
    Fail(key,
         number == nullptr ? Cat("is ", KindOf(*node), ", not a whole number")
                           : Cat(number->get(), " is out of range"),
         Cat("write a number from ", low, " to ", high, ", without quotes"));
    return false;
  }
  out = number->get();
  return true;
}

bool Section::Bool(std::string_view key, bool& out) {
  const toml::node* node = Find(key, Need::kOptional);
  if (node == nullptr) return false;
  const auto* value = node->as_boolean();
  if (value == nullptr) {
    Fail(key, Cat("is ", KindOf(*node), ", not true or false"), "write true or false, no quotes");
    return false;
  }
  out = value->get();
  return true;
}

bool Section::Time(std::string_view key, Duration& out) {
  const toml::node* node = Find(key, Need::kOptional);
  if (node == nullptr) return false;
  const auto* text = node->as_string();
  if (text == nullptr) {
    Fail(key, Cat("is ", KindOf(*node), ", not a duration with its unit"),
         "write \"250ms\", \"1.5s\" or \"2m\"");
    return false;
  }
  const Result<Duration> duration = ParseDuration(text->get());
  if (!duration) {
    Fail(key, Cat(duration.error().what, " ", duration.error().cause), duration.error().remedy);
    return false;
  }
  out = *duration;
  return true;
}

const toml::table* Section::Table(std::string_view key) {
  const toml::node* node = Find(key, Need::kOptional);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) {
    Fail(key, Cat("is ", KindOf(*node), ", not a table"), Cat("write [", key, "] once"));
  }
  return node->as_table();
}

std::vector<const toml::table*> Section::Tables(std::string_view key) {
  std::vector<const toml::table*> out;
  const toml::node* node = Find(key, Need::kOptional);
  if (node == nullptr) return out;
  if (!node->is_array_of_tables()) {
    Fail(key, Cat("is ", KindOf(*node), ", not a list of tables"),
         Cat("write [[", KeyText(key), "]] with two brackets, once for each ", key));
    return out;
  }
  for (const toml::node& item : *node->as_array()) out.push_back(item.as_table());
  return out;
}

void Section::Finish() {
  if (table_ == nullptr) return;
  for (const auto& [key, node] : *table_) {
    if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
    const std::string nearest = Nearest(key.str(), known_);
    errors_.Add(key.source().begin, KeyText(key.str()), "unknown key",
                nearest.empty() ? "remove it; fencepost.toml(5) lists the keys"
                                : Cat("did you mean ", Quoted(nearest), "?"));
  }
}

}  // namespace fencepost::config
