#include "pingd/options.h"

#include <unistd.h>

#include <boost/program_options.hpp>
#include <sstream>

#include "base/config/ping.h"
#include "base/text.h"
#include "env/linux/read_file.h"

namespace fencepost::ping {
namespace {

namespace po = boost::program_options;

constexpr const char* kHelp = "pingd --help shows all options";

// "10.0.0.1, router.example 10.0.0.2": separated by blanks or commas.
std::vector<std::string> HostsOf(const std::vector<std::string>& given) {
  std::vector<std::string> out;
  for (std::string text : given) {
    for (char& c : text) c = c == ',' ? ' ' : c;
    std::istringstream words(text);
    for (std::string word; words >> word;) out.push_back(word);
  }
  return out;
}

Status SetTime(const std::string& text, const char* option, Duration& out) {
  if (text.empty()) return Ok{};
  const auto parsed = config::ParsePingTime(text);
  if (!parsed.ok()) {
    return Error{Cat(option, " ", parsed.error().what), parsed.error().cause,
                 "write seconds, or a number with its unit: 2, 1.5, 250ms"};
  }
  out = *parsed;
  return Ok{};
}

Status SetTargets(const Options& options, config::PingConfig& out) {
  if (options.hosts.empty()) return Ok{};
  out.targets.clear();
  out.groups.clear();
  for (const std::string& host : options.hosts) {
    auto target = config::ParsePingHost(host);
    if (!target.ok()) return target.error();
    if (target->device.empty()) target->device = out.device;
    const bool fits = !target->numeric || out.source.empty() ||
                      (out.source.find(':') == std::string::npos) ==
                          (target->host.find(':') == std::string::npos);
    if (fits) target->source = out.source;
    out.targets.push_back(std::move(*target));
  }
  return Ok{};
}

Status Override(const Options& options, config::PingConfig& out) {
  if (!options.attribute.empty()) out.attribute = options.attribute;
  if (!options.source.empty()) out.source = options.source;
  if (!options.device.empty()) out.device = options.device;
  if (options.attempts) out.attempts = *options.attempts;
  if (options.multiplier) out.multiplier = *options.multiplier;
  if (options.failure_score) out.failure_score = *options.failure_score;
  if (options.attrd) out.sink = config::PingSink::kPacemaker;
  if (options.no_updates) out.sink = config::PingSink::kNone;
  for (const Status& set : {SetTime(options.interval, "--ping-interval", out.interval),
                            SetTime(options.timeout, "--ping-timeout", out.timeout),
                            SetTime(options.dampen, "--attr-dampen", out.dampen)}) {
    if (!set.ok()) return set;
  }
  if (!options.dampen.empty()) out.hold = 3 * out.dampen;
  const Status hold = SetTime(options.hold, "--hold", out.hold);
  if (!hold.ok()) return hold;
  return SetTargets(options, out);
}

struct Classic {  // as program_options wants them
  std::vector<std::string> nodes, ping_hosts;
  std::string section, set;
  std::int64_t attempts = -1, multiplier = -1, alias = -1, failure_score = -1;
};

void Describe(Options& options, Classic& classic, po::options_description& all) {
  auto add = all.add_options();
  add("help,?", po::bool_switch(&options.help));
  add("version", po::bool_switch(&options.version));
  add("verbose,V", "");
  add("daemonize,D", po::bool_switch(&options.daemonize));
  add("foreground,f", po::bool_switch(&options.foreground));
  add("pid-file,p", po::value<std::string>(&options.pid_file));
  add("node,N", po::value<std::vector<std::string>>(&classic.nodes));
  add("ping-host,h", po::value<std::vector<std::string>>(&classic.ping_hosts));
  add("attr-name,a", po::value<std::string>(&options.attribute));
  add("attr-dampen,d", po::value<std::string>(&options.dampen));
  add("attr-section,S", po::value<std::string>(&classic.section));
  add("attr-set,s", po::value<std::string>(&classic.set));
  add("ping-interval,i", po::value<std::string>(&options.interval));
  add("ping-attempts,n", po::value<std::int64_t>(&classic.attempts));
  add("ping-timeout,t", po::value<std::string>(&options.timeout));
  add("ping-multiplier,m", po::value<std::int64_t>(&classic.multiplier));
  add("value-multiplier", po::value<std::int64_t>(&classic.alias));
  add("no-updates,U", po::bool_switch(&options.no_updates));
  add("attrd", po::bool_switch(&options.attrd));
  add("hold", po::value<std::string>(&options.hold));
  add("failure-score", po::value<std::int64_t>(&classic.failure_score));
  add("source", po::value<std::string>(&options.source));
  add("device", po::value<std::string>(&options.device));
  add("unprivileged", po::bool_switch(&options.unprivileged));
  add("once", po::bool_switch(&options.once));
  add("status", po::bool_switch(&options.status));
  add("json", po::bool_switch(&options.json));
  add("config", po::value<std::string>(&options.config_file));
  add("run-dir", po::value<std::string>(&options.run_dir));
}

Status Check(const Classic& classic, Options& options) {
  struct Number {
    const char* option;
    std::int64_t value, low, high;
  };
  for (const Number& n : {Number{"--ping-attempts", classic.attempts, 1, config::kMaxPingAttempts},
                          Number{"--ping-multiplier", classic.multiplier, 1, config::kMaxScore},
                          Number{"--value-multiplier", classic.alias, 1, config::kMaxScore},
                          Number{"--failure-score", classic.failure_score, 0, config::kMaxScore}}) {
    if (n.value != -1 && (n.value < n.low || n.value > n.high)) {
      return Error{Cat(n.option, " ", n.value), "is out of range",
                   Cat("write a number from ", n.low, " to ", n.high)};
    }
  }
  if (classic.attempts != -1) options.attempts = static_cast<std::uint32_t>(classic.attempts);
  const std::int64_t multiplier = classic.multiplier != -1 ? classic.multiplier : classic.alias;
  if (multiplier != -1) options.multiplier = static_cast<std::uint32_t>(multiplier);
  if (classic.failure_score != -1) options.failure_score = classic.failure_score;
  options.section_given = !classic.section.empty() || !classic.set.empty();
  if (options.once && (options.status || options.daemonize)) {
    return Error{"--once", "ends after one round; it is neither a daemon nor asks one",
                 "leave --status and --daemonize out"};
  }
  if (options.daemonize && options.foreground) {
    return Error{"--daemonize", "contradicts --foreground", "leave one out"};
  }
  if (options.json && !options.once && !options.status) {
    return Error{"--json", "is a form of --once and --status", "add one of them"};
  }
  return Ok{};
}

}  // namespace

std::string UsageText() {
  return "usage: pingd [options]             watches, and keeps a node attribute up to date\n"
         "       pingd --once [options]      one round; exit code 0: the score is not below\n"
         "                                   --failure-score, 1: it is\n"
         "       pingd --status [--json]     asks the running pingd\n"
         "  -N, --node HOST          a host to watch, instead of those of the configuration;\n"
         "  -h, --ping-host HOST     again for each, or separated by blanks or commas\n"
         "  -m, --ping-multiplier N  the score is N for each host that answers (1)\n"
         "  -i, --ping-interval T    a round begins this often (1)\n"
         "  -n, --ping-attempts N    probes of a round (2)\n"
         "  -t, --ping-timeout T     how long each probe is waited for (2)\n"
         "  -d, --attr-dampen T      a new score must stand this long (5)\n"
         "      --hold T             a restless score is held back at most this long (3 dampen)\n"
         "  -a, --attr-name NAME     the node attribute (pingd)\n"
         "      --attrd              tell Pacemaker's attribute daemon, not fencepostd\n"
         "  -U, --no-updates         tell nobody\n"
         "      --failure-score N    a lower score is a failure (1)\n"
         "      --source ADDRESS     send from this address\n"
         "      --device NAME        send from this device\n"
         "      --unprivileged       use ping sockets even as root\n"
         "  -D, --daemonize          go to the background\n"
         "  -f, --foreground         stay in the foreground (the default)\n"
         "  -p, --pid-file FILE      write the process id there\n"
         "      --config FILE        the configuration (/etc/fencepost/fencepost.toml)\n"
         "      --run-dir DIR        where the sockets are (paths.run_dir)\n"
         "      --json               for --once and --status\n"
         "  -V, --verbose  -S, --attr-section  -s, --attr-set   accepted, of no effect\n"
         "      --version  -?, --help\n";
}

std::string VersionText() { return Cat("pingd ", FENCEPOST_VERSION, "\n"); }

Result<Options> ParseOptions(const std::vector<std::string>& arguments) {
  Options options;
  Classic classic;
  po::options_description all;
  Describe(options, classic, all);
  constexpr auto kStyle =
      po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
  std::vector<std::string> kept;  // -V may be repeated, which program_options forbids
  for (const std::string& argument : arguments) {
    if (argument != "-V" && argument != "--verbose") kept.push_back(argument);
  }
  try {
    po::variables_map given;
    po::store(po::command_line_parser(kept)
                  .options(all)
                  .positional(po::positional_options_description())
                  .style(kStyle)
                  .run(),
              given);
    po::notify(given);
  } catch (const po::error& wrong) {
    return Error{"pingd", wrong.what(), kHelp};
  }
  const Status checked = Check(classic, options);
  if (!checked.ok()) return checked.error();
  options.hosts = HostsOf(classic.nodes);
  for (std::string& host : HostsOf(classic.ping_hosts)) options.hosts.push_back(std::move(host));
  return options;
}

Result<Settings, std::string> LoadSettings(const Options& options) {
  Settings out;
  const std::string file =
      options.config_file.empty() ? std::string(config::kConfigFile) : options.config_file;
  out.run_dir = config::PathsConfig{}.run_dir;
  const bool optional = options.config_file.empty() && (!options.hosts.empty() || options.status);
  if (!optional || access(file.c_str(), F_OK) == 0) {
    const auto text = ReadSmallFile(file, config::kMaxConfigBytes);
    if (!text.ok()) return text.error().Text();
    const auto parsed = config::ParseConfig(*text, file);
    if (!parsed.ok()) {
      std::string all;
      for (const config::ConfigError& error : parsed.error()) {
        all += Cat(all.empty() ? "" : "\n", error.Text());
      }
      return all;
    }
    out.run_dir = parsed->paths.run_dir;
    out.log = parsed->log;
    if (parsed->ping) out.ping = *parsed->ping;
    if (!parsed->ping && options.hosts.empty() && !options.status) {
      return Cat(file,
                 ": has no [ping], so there is nothing to watch; add [ping] and "
                 "[[ping.target]], or name hosts with -N");
    }
  }
  if (!options.run_dir.empty()) out.run_dir = options.run_dir;
  if (options.status) return out;
  const Status overridden = Override(options, out.ping);
  if (!overridden.ok()) return overridden.error().Text();
  if (const auto fault = config::CheckPing(out.ping)) return fault->Text();
  return out;
}

}  // namespace fencepost::ping
