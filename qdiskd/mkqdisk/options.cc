#include "qdiskd/mkqdisk/options.h"

#include <boost/program_options.hpp>

#include "base/text.h"

namespace fencepost::qdiskd::mkqdisk {
namespace {

namespace po = boost::program_options;

constexpr const char* kSee = "mkqdisk -h shows all options";

Error Wrong(std::string what, std::string cause) {
  return {std::move(what), std::move(cause), kSee};
}

po::options_description Description(Options& o, std::uint32_t& cib_kib) {
  po::options_description all;
  const auto text = [](std::string& to) { return po::value<std::string>(&to); };
  auto add = all.add_options();
  add("help,h", "");
  add("version,V", "");
  add("create,c", text(o.device));
  add("label,l", text(o.label));
  add("list,L", "");
  add("find,f", po::value<std::string>());
  add("why", text(o.node));
  add("probe", "");
  add("details", "");
  add("watch", po::value<int>()->implicit_value(0));
  add("json", "");
  add("yes,y", "");
  add("force", "");
  add("config", text(o.config_file));
  add("cluster", text(o.cluster));
  add("key", text(o.key_file));
  add("secret", text(o.chap_secret_file));
  add("nodes", po::value<int>(&o.nodes));
  add("cib-size", po::value<std::uint32_t>(&cib_kib));
  add("device", po::value<std::vector<std::string>>(&o.devices));
  return all;
}

constexpr std::pair<const char*, Action> kActions[] = {{"create", Action::kCreate},
                                                       {"list", Action::kList},
                                                       {"find", Action::kFind},
                                                       {"why", Action::kWhy},
                                                       {"probe", Action::kProbe}};

// What goes with which action.
std::optional<Error> CheckModifiers(const Options& o) {
  const bool lists = o.action == Action::kList || o.action == Action::kFind;
  if ((o.details || o.rounds) && !lists) {
    return Wrong(o.rounds ? "--watch" : "-d", "goes with -L and -f");
  }
  if (o.rounds && *o.rounds < 0) return Wrong("--watch", "the number of rounds is below 0");
  if (o.rounds && o.json && *o.rounds == 0) {
    return Wrong("--json", "with --watch needs a number of rounds: --watch=N");
  }
  if (o.action == Action::kCreate && o.json && !o.yes) {
    return Wrong("--json", "with -c nobody can be asked: add --yes");
  }
  if (o.action == Action::kCreate && !o.devices.empty()) {
    return Wrong(Cat("'", o.devices.front(), "'"), "one device is given already");
  }
  return std::nullopt;
}

Result<Options> Check(Options o, const po::variables_map& given, std::uint32_t cib_kib) {
  if (given.count("help") > 0 || (given.empty() && !o.details)) return o;
  if (given.count("version") > 0) {
    o.action = Action::kVersion;
    return o;
  }
  int actions = 0;
  for (const auto& [name, action] : kActions) {
    if (given.count(name) == 0) continue;
    o.action = action;
    ++actions;
  }
  if (actions != 1) {
    return Wrong("mkqdisk", "exactly one of -c, -L, -f, --why and --probe must be given");
  }
  if (o.action == Action::kFind) o.label = given["find"].as<std::string>();
  if (o.action == Action::kProbe) {
    if (o.devices.size() != 1) return Wrong("--probe", "takes one device");
    o.device = o.devices.front();
  }
  if (const auto wrong = CheckModifiers(o)) return *wrong;
  if (o.label.size() > qdiskd::kMaxLabelBytes) {
    return Wrong("-l", Cat("the label is longer than ", qdiskd::kMaxLabelBytes, " bytes"));
  }
  const bool labelled = o.action == Action::kCreate || o.action == Action::kFind;
  if (labelled && o.label.empty()) return Wrong("-l", "a label is needed");
  for (const char c : o.label) {
    if (c < ' ' || c > '~') return Wrong("-l", "the label has a character that is not printable");
  }
  if (o.cluster.size() > qdiskd::kMaxNameBytes) return Wrong("--cluster", "the name is too long");
  if (!o.cluster.empty() && o.key_file.empty()) {
    return Wrong("--cluster", "needs the cluster's key file: --key FILE");
  }
  constexpr std::uint32_t kKibPerUnit = qdiskd::kUnitBytes / 1024;
  if (cib_kib % kKibPerUnit != 0) return Wrong("--cib-size", "is not a multiple of 4 KiB");
  o.cib_units = cib_kib / kKibPerUnit;
  const auto geometry = qdiskd::Geometry::Make(o.nodes, o.cib_units);
  if (!geometry.ok()) return geometry.error();
  return o;
}

}  // namespace

std::string UsageText() {
  return "usage: mkqdisk -c DEVICE -l LABEL [options]   make DEVICE a quorum disk\n"
         "       mkqdisk -L [-d] [DEVICE...]            list quorum disks; without a DEVICE the\n"
         "                                              configured one and all in /dev\n"
         "       mkqdisk -f LABEL [-d] [DEVICE...]      find the quorum disk with this label\n"
         "       mkqdisk --why NODE [DEVICE...]         tell from the disk what became of NODE\n"
         "       mkqdisk --probe DEVICE                 find out what DEVICE can do\n"
         "       mkqdisk -h | -V                        print this, or the version\n"
         "DEVICE is a block device, a file, or iscsi://[user@]address[:port]/target/lun.\n"
         "  -d, --details     also show the slot of every node\n"
         "      --watch[=N]   show the slots again and again, N times\n"
         "      --json        for programs\n"
         "  -y, --yes         do not ask before destroying data\n"
         "      --force       also where there is reason not to\n"
         "      --nodes N     make room for N nodes (default 64)\n"
         "      --cib-size K  room for a CIB of K KiB a node (default 256)\n"
         "      --config FILE the configuration (default /etc/fencepost/fencepost.toml)\n"
         "      --cluster NAME --key FILE  instead of a configuration\n"
         "      --secret FILE the CHAP secret of an iSCSI user\n";
}

Result<Options> ParseOptions(const std::vector<std::string>& given_arguments) {
  Options options;
  std::vector<std::string> arguments;
  for (const std::string& each : given_arguments) {  // -d may be repeated: -d -d, -ddd
    const bool debug = each.size() > 1 && each.find_first_not_of('d', 1) == std::string::npos;
    if (debug && each[0] == '-') {
      options.details = true;
    } else {
      arguments.push_back(each);
    }
  }
  std::uint32_t cib_kib = qdiskd::kDefaultCibUnits * (qdiskd::kUnitBytes / 1024);
  po::variables_map given;
  try {  // Boost reports errors so; they end here.
    po::positional_options_description operands;
    operands.add("device", -1);
    const auto style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(arguments)
                  .options(Description(options, cib_kib))
                  .positional(operands)
                  .style(style)
                  .run(),
              given);
    po::notify(given);
  } catch (const po::error& error) {
    return Wrong("mkqdisk", error.what());
  }
  options.details = options.details || given.count("details") > 0;
  options.json = given.count("json") > 0;
  if (given.count("watch") > 0) options.rounds = given["watch"].as<int>();
  options.yes = given.count("yes") > 0;
  options.force = given.count("force") > 0;
  return Check(std::move(options), given, cib_kib);
}

}  // namespace fencepost::qdiskd::mkqdisk
