#include "membership/cib/xml.h"

#include <algorithm>

#include "base/cib.h"
#include "base/text.h"
#include "membership/cib/values.h"

namespace fencepost::cib {
namespace {

// Elements of the accepted subset are at most cib/configuration/resources/group/primitive/
// operations/op deep; deeper ones are refused before anything walks them.
constexpr int kMaxDepth = 16;

template <class Names>
bool Contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string Listed(std::initializer_list<std::string_view> names) {
  std::string out;
  for (const std::string_view name : names) out += Cat(out.empty() ? "" : ", ", name);
  return out.empty() ? "none" : out;
}

bool IsTooDeep(pugi::xml_node at) {  // iterative: the text chose the depth
  pugi::xml_node node = at;
  int depth = 0;
  while (node) {
    if (node.first_child()) {
      node = node.first_child();
      if (++depth > kMaxDepth) return true;
      continue;
    }
    while (node && node != at && !node.next_sibling()) {
      node = node.parent();
      --depth;
    }
    if (!node || node == at) return false;
    node = node.next_sibling();
  }
  return false;
}

}  // namespace

std::string Xml::Place(std::ptrdiff_t offset) const {
  const auto end = static_cast<std::size_t>(
      std::clamp<std::ptrdiff_t>(offset, 0, static_cast<std::ptrdiff_t>(text_.size())));
  const auto line =
      1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(end), '\n');
  return Cat(name_, " line ", line);
}

void Xml::Fail(pugi::xml_node at, std::string cause, std::string remedy) {
  if (!error_) error_ = Error{Place(at.offset_debug()), std::move(cause), std::move(remedy)};
}

void Xml::FailPair(const NvPair& pair, std::string_view is, std::string remedy) {
  Fail(pair.at, Cat(pair.name, "=\"", pair.value, "\" is ", is), std::move(remedy));
}

bool Xml::Preflight() {
  if (text_.size() > kMaxCibBytes) {
    error_ = Error{name_, Cat("has ", text_.size(), " bytes; the limit is ", kMaxCibBytes),
                   "remove comments and what this cluster does not use"};
    return false;
  }
  for (std::size_t i = 0; i < text_.size(); ++i) {
    const auto c = static_cast<unsigned char>(text_[i]);
    const bool control = (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
    // "&#0;" would end a value early: nothing may be written that is not read.
    if (!control && text_.substr(i, 2) != "&#") continue;
    error_ = Error{Place(static_cast<std::ptrdiff_t>(i)),
                   control ? "has a control character" : "has a numeric character reference",
                   "write plain UTF-8 text"};
    return false;
  }
  return true;
}

pugi::xml_node Xml::Load() {
  if (!Preflight()) return {};
  const auto parsed = document_.load_buffer(
      text_.data(), text_.size(), pugi::parse_default | pugi::parse_doctype, pugi::encoding_utf8);
  if (!parsed) {
    error_ = Error{Place(parsed.offset), Cat("is not XML: ", parsed.description()),
                   "check it with xmllint --noout"};
    return {};
  }
  const pugi::xml_node root = document_.document_element();
  for (const pugi::xml_node node : document_.children()) {
    if (node.type() == pugi::node_doctype) Fail(node, "has a DOCTYPE", "remove it");
    if (node.type() == pugi::node_element && node != root) {
      Fail(node, Cat("<", node.name(), "> is a second root element"), "keep one <cib>");
    }
  }
  if (!Failed() && IsTooDeep(document_)) {
    Fail(root, Cat("is nested deeper than ", kMaxDepth), "docs/cib.md lists what is understood");
  }
  return Failed() ? pugi::xml_node() : root;
}

void Xml::AllowAttributes(pugi::xml_node at, std::initializer_list<std::string_view> names) {
  std::set<std::string_view> seen;
  for (const pugi::xml_attribute attribute : at.attributes()) {
    const std::string_view name = attribute.name();
    if (!Contains(names, name)) {
      Fail(at, Cat("attribute ", name, " of <", at.name(), "> is not supported"),
           Cat("remove it; understood are: ", Listed(names)));
    }
    if (!seen.insert(name).second) {
      Fail(at, Cat("<", at.name(), "> has attribute ", name, " twice"), "keep one");
    }
    if (std::string_view(attribute.value()).size() > kMaxValueBytes) {
      Fail(at, Cat("attribute ", name, " is longer than ", kMaxValueBytes, " bytes"), "shorten it");
    }
  }
}

void Xml::AllowChildren(pugi::xml_node at, std::initializer_list<std::string_view> names) {
  for (const pugi::xml_node child : at.children()) {
    if (child.type() != pugi::node_element) {
      Fail(at, Cat("<", at.name(), "> has text between its elements"), "remove the text");
    } else if (!Contains(names, child.name())) {
      Fail(child, Cat("<", child.name(), "> in <", at.name(), "> is not supported"),
           Cat("remove it; understood are: ", Listed(names)));
    }
  }
}

pugi::xml_node Xml::OnlyChild(pugi::xml_node at, const char* name) {
  const pugi::xml_node first = at.child(name);
  const pugi::xml_node second = first.next_sibling(name);
  if (second) {
    Fail(second, Cat("<", at.name(), "> has a second <", name, ">"), "merge the two");
  }
  return first;
}

std::string Xml::Required(pugi::xml_node at, const char* attribute) {
  const std::string value = at.attribute(attribute).value();
  if (value.empty()) {
    Fail(at, Cat("<", at.name(), "> has no ", attribute), Cat("add ", attribute, "=\"...\""));
  }
  return value;
}

std::string Xml::UniqueId(pugi::xml_node at) {
  std::string id = Required(at, "id");
  if (Failed()) return id;
  if (!IsName(id)) {
    Fail(at, Cat("id \"", id, "\" is not a name"),
         Cat("use at most ", kMaxNameBytes, " letters, digits, '_', '-' and '.'"));
  } else if (!ids_.insert(id).second) {
    Fail(at, Cat("id \"", id, "\" is used twice"), "give each element its own id");
  }
  return id;
}

std::vector<NvPair> Xml::Pairs(pugi::xml_node at, const char* set) {
  std::vector<NvPair> pairs;
  const pugi::xml_node list = OnlyChild(at, set);
  if (!list) return pairs;
  AllowAttributes(list, {"id"});
  AllowChildren(list, {"nvpair"});
  UniqueId(list);
  std::set<std::string> names;
  for (const pugi::xml_node node : list.children("nvpair")) {
    AllowAttributes(node, {"id", "name", "value"});
    AllowChildren(node, {});
    UniqueId(node);
    NvPair pair{node, Required(node, "name"), node.attribute("value").value()};
    if (!node.attribute("value")) {
      Fail(node, Cat("<nvpair> ", pair.name, " has no value"), "add value=\"...\"");
    }
    if (!names.insert(pair.name).second) {
      Fail(node, Cat(pair.name, " is given twice in one <", set, ">"), "keep one");
    }
    if (pairs.size() == kMaxParameters) {
      Fail(node, Cat("<", set, "> has more than ", kMaxParameters, " entries"), "remove some");
    }
    if (Failed()) return {};
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

}  // namespace fencepost::cib
