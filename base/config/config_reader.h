// Reads the values of one TOML table into typed fields and keeps account of its keys.
//
// Promise: every key of the table is either read by one of the calls or reported as unknown by
//          Finish(). A field whose value is wrong keeps what it held, and the error is recorded.
// Errors:  collected in Errors, with the place in the file.
#pragma once
#include <toml++/toml.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/config/config.h"
#include "base/result.h"
#include "base/time.h"

namespace fencepost::config {

inline constexpr Duration kMinDuration = Millis(10);
inline constexpr Duration kMaxDuration = std::chrono::minutes(10);
inline constexpr std::size_t kMaxPathText = 4095;

// A name is 1..63 letters, digits, '.', '_' or '-', and begins with a letter or digit.
inline constexpr std::size_t kMaxName = 63;

[[nodiscard]] Result<Duration> ParseDuration(std::string_view text);  // "250ms" "1s" "1.5s" "2m"
[[nodiscard]] Result<NetAddress> ParseNetAddress(std::string_view text);  // canonical host

class Errors {
 public:
  explicit Errors(std::string_view file) : file_(file) {}
  void Add(const toml::source_position& at, std::string key, std::string problem,
           std::string remedy);
  [[nodiscard]] bool IsEmpty() const { return errors_.empty(); }
  [[nodiscard]] std::vector<ConfigError> TakeSorted();  // in the order of the file

 private:
  std::string file_;
  std::vector<ConfigError> errors_;
};

class Section {
 public:
  enum class Need { kOptional, kRequired };
  // `table` may be nullptr: nothing is read. Both must outlive the Section.
  Section(const toml::table* table, std::string name, Errors& errors)
      : table_(table), name_(std::move(name)), errors_(errors) {}

  bool Text(std::string_view key, std::string& out, Need need = Need::kOptional);  // not empty
  // A list of up to `limit` texts, none of them empty.
  bool Texts(std::string_view key, std::size_t limit, std::vector<std::string>& out);
  bool Name(std::string_view key, std::string& out, Need need);
  bool Path(std::string_view key, std::string& out, std::size_t limit = kMaxPathText);
  bool Int(std::string_view key, std::int64_t low, std::int64_t high, std::int64_t& out,
           Need need = Need::kOptional);
  bool Bool(std::string_view key, bool& out);
  bool Time(std::string_view key, Duration& out);
  // Tables below this one: nullptr, an empty list, when absent or wrong (which is recorded).
  const toml::table* Table(std::string_view key);
  std::vector<const toml::table*> Tables(std::string_view key);

  void Fail(std::string_view key, std::string problem, std::string remedy);  // at the key's value
  void Finish();  // reports what was not asked for
  [[nodiscard]] bool Has(std::string_view key) const;
  [[nodiscard]] toml::source_position At(std::string_view key = {}) const;

 private:
  const toml::node* Find(std::string_view key, Need need);
  std::string KeyText(std::string_view key) const;

  const toml::table* table_;
  std::string name_;
  Errors& errors_;
  std::vector<std::string_view> known_;
};

}  // namespace fencepost::config
