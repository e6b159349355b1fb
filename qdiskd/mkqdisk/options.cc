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
  add("details,d", "");
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

Result<Options> Check(Options o, const po::variables_map& given, std::uint32_t cib_kib) {
  const bool create = given.count("create") > 0, list = given.count("list") > 0,
             find = given.count("find") > 0;
  if (given.count("help") > 0 || given.empty()) return o;
  if (given.count("version") > 0) {
    o.action = Action::kVersion;
    return o;
  }
  if (int{create} + int{list} + int{find} != 1) {
    return Wrong("mkqdisk", "exactly one of -c, -L and -f must be given");
  }
  o.action = create ? Action::kCreate : list ? Action::kList : Action::kFind;
  if (find) o.label = given["find"].as<std::string>();
  if (create && !o.devices.empty()) {
    return Wrong(Cat("'", o.devices.front(), "'"), "-c takes one device");
  }
  if (o.label.size() > qdiskd::kMaxLabelBytes) {
    return Wrong("-l", Cat("the label is longer than ", qdiskd::kMaxLabelBytes, " bytes"));
  }
  if (!list && o.label.empty()) return Wrong("-l", "a label is needed");
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
         "       mkqdisk -L [-d] [DEVICE...]            list quorum disks\n"
         "       mkqdisk -f LABEL [-d] [DEVICE...]      find the quorum disk with this label\n"
         "       mkqdisk -h | -V                        print this, or the version\n"
         "DEVICE is a block device, a file, or iscsi://[user@]address[:port]/target/lun.\n"
         "  -d, --details     also show the slot of every node\n"
         "  -y, --yes         do not ask before destroying data\n"
         "      --force       also where there is reason not to\n"
         "      --nodes N     make room for N nodes (default 64)\n"
         "      --cib-size K  room for a CIB of K KiB a node (default 256)\n"
         "      --config FILE the configuration (default /etc/fencepost/fencepost.toml)\n"
         "      --cluster NAME --key FILE  instead of a configuration\n"
         "      --secret FILE the CHAP secret of an iSCSI user\n";
}

Result<Options> ParseOptions(const std::vector<std::string>& arguments) {
  Options options;
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
  options.details = given.count("details") > 0;
  options.yes = given.count("yes") > 0;
  options.force = given.count("force") > 0;
  return Check(std::move(options), given, cib_kib);
}

}  // namespace fencepost::qdiskd::mkqdisk
