// XML elements read strictly: each attribute and child is either asked for or refused by name, and
// every refusal carries the line.
//
// Promise: the first refusal is kept, later ones are dropped; after it the readers return empty
//          values, so that a caller may go on and look at Failed() once, at the end.
#pragma once
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <pugixml.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace fencepost::cib {

struct NvPair {
  pugi::xml_node at;
  std::string name, value;
};

class Xml {
 public:
  Xml(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  // The root element; nothing after a failure.
  pugi::xml_node Load();
  void Fail(pugi::xml_node at, std::string cause, std::string remedy);
  [[nodiscard]] bool Failed() const { return error_.has_value(); }
  [[nodiscard]] const Error& error() const { return *error_; }

  // Refuses attributes other than these, the same one twice, and values that are too long.
  void AllowAttributes(pugi::xml_node at, std::initializer_list<std::string_view> names);
  // Refuses child elements other than these, and text between them.
  void AllowChildren(pugi::xml_node at, std::initializer_list<std::string_view> names);
  // The only child of this name, or none. Refuses a second one.
  pugi::xml_node OnlyChild(pugi::xml_node at, const char* name);
  // An attribute that must be there.
  std::string Required(pugi::xml_node at, const char* attribute);
  // The `id` of an element: required, a name, used once in the document.
  std::string UniqueId(pugi::xml_node at);
  // The <nvpair>s of the only child `set` of `at`, each name once.
  std::vector<NvPair> Pairs(pugi::xml_node at, const char* set);
  // For a failure of `pair`: "migration-threshold=\"x\" is ..." with the line of the pair.
  void FailPair(const NvPair& pair, std::string_view is, std::string remedy);

 private:
  [[nodiscard]] std::string Place(std::ptrdiff_t offset) const;
  [[nodiscard]] bool Preflight();

  std::string_view text_;
  std::string name_;
  pugi::xml_document document_;
  std::optional<Error> error_;
  std::set<std::string, std::less<>> ids_;
};

}  // namespace fencepost::cib
