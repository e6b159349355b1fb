// fencepost attribute: transient attributes of nodes, shown and set. The switches of attrd_updater
// and crm_attribute that mean the same are understood.
#include <algorithm>

#include "base/text.h"
#include "membership/fencepost/ask_daemon.h"
#include "membership/fencepost/commands.h"
#include "membership/fencepost/load_config.h"

namespace fencepost::command {
namespace {

namespace po = boost::program_options;
using nlohmann::json;

struct Wish {
  std::string name, node;  // empty: all
  std::optional<std::string> value;
  bool remove = false, as_json = false;
  [[nodiscard]] bool Changes() const { return remove || value.has_value(); }
};

po::options_description Options() {
  auto options = ConfigOption();
  options.add_options()("attribute", po::value<std::string>(), "")(
      "name,n", po::value<std::string>(), "")("set,U", po::value<std::string>(), "")(
      "update,v", po::value<std::string>(), "")("delete,D", "")("query,Q", "")(
      "node,N", po::value<std::string>(), "")("json", "");
  return options;
}

Result<Wish> WishOf(const po::variables_map& values) {
  Wish wish;
  const auto text = [&](const char* option) -> std::optional<std::string> {
    if (values.count(option) == 0) return std::nullopt;
    return values[option].as<std::string>();
  };
  const auto operand = text("attribute"), named = text("name");
  if (operand && named) return Error{"the attribute", "is named twice", "name it once"};
  wish.name = operand ? *operand : named.value_or("");
  wish.value = text("set") ? text("set") : text("update");
  wish.remove = values.count("delete") != 0;
  wish.node = text("node").value_or("");
  wish.as_json = values.count("json") != 0;
  if (wish.value && wish.remove) {
    return Error{"attribute", "cannot be set and deleted at once", "choose one"};
  }
  if (wish.Changes() && wish.name.empty()) {
    return Error{"attribute", "no name is given", "fencepost attribute NAME --set VALUE"};
  }
  return wish;
}

std::string Report(const json& answer, const Wish& wish) {
  std::string out;
  for (const json& node : answer.value("nodes", json::array())) {
    const std::string name = node.value("name", "?");
    if (!wish.node.empty() && wish.node != name) continue;
    if (!node.value("heard", false)) {
      out += Cat(name, ": is not heard\n");
      continue;
    }
    const json attributes = node.value("attributes", json::object());
    for (const auto& [attribute, value] : attributes.items()) {
      out +=
          Cat(name, ": ", attribute, "=", value.is_string() ? value.get<std::string>() : "?", "\n");
    }
    if (attributes.empty()) {
      out += Cat(name, ": ", wish.name.empty() ? "no attribute" : wish.name + " is not set", "\n");
    }
  }
  if (answer.value("settling", false)) out += "a change is settling: it is not acted upon yet\n";
  return out;
}

const json* FindNode(const json& answer, const std::string& name) {
  for (const json& node : answer["nodes"]) {
    if (node.value("name", "") == name) return &node;
  }
  return nullptr;
}

}  // namespace

int Attribute(const Arguments& arguments, Io& io) {
  const auto values = ParseOptions(Options(), arguments, "attribute");
  if (!values) return UsageError(values.error(), io);
  const auto wish = WishOf(*values);
  if (!wish) return UsageError(wish.error(), io);
  const auto config = LoadConfig((*values)["config"].as<std::string>(), io);
  if (!config) return kFailed;
  json question = {{"command", "attribute"}};
  if (!wish->name.empty()) question["name"] = wish->name;
  const auto answer = AskDaemon(config->paths.run_dir, question);
  if (!answer) return Fail(answer.error().error, io);
  const json* node = wish->node.empty() ? nullptr : FindNode(*answer, wish->node);
  if (!wish->node.empty() && node == nullptr) {
    return Fail(Error{wish->node, "is no node of this cluster", "see 'fencepost status'"}, io);
  }
  if (!wish->Changes()) {
    io.out << (wish->as_json ? answer->dump(2) + "\n" : Report(*answer, *wish));
    return kDone;
  }
  if (node != nullptr && !node->value("self", false)) {
    return Fail(Error{Cat("attribute ", wish->name), "is kept by the node that it is of",
                      Cat("set it on ", wish->node)},
                io);
  }
  question["value"] = wish->value ? json(*wish->value) : json();
  const auto done = AskDaemon(config->paths.run_dir, question);
  if (!done) return Fail(done.error().error, io);
  io.out << wish->name << (wish->value ? "=" + *wish->value : " is not set any more") << "\n";
  return kDone;
}

}  // namespace fencepost::command
