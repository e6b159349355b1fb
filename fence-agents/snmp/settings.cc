#include "fence-agents/snmp/settings.h"

#include "base/text.h"

namespace fencepost::snmp {

using agent::Failure;
using agent::Type;

namespace {

Failure Bad(std::string what, std::string why, std::string remedy = {}) {
  return agent::Failed(agent::Phase::kOptions, agent::Cause::kBadOption, std::move(what),
                       std::move(why), std::move(remedy));
}

std::vector<agent::Parameter> Where() {
  return {
      {.name = "ip",
       .help = "Address or name of the device. An address needs no name server.",
       .short_option = 'a',
       .obsoletes = "ipaddr",
       .required = true},
      {.name = "ipport",
       .type = Type::kInteger,
       .help = "UDP port of the device.",
       .short_option = 'u',
       .default_value = "161",
       .low = 1,
       .high = 65535},
      {.name = "snmp_version",
       .type = Type::kSelect,
       .help = "Version of the protocol. Only 3 with a privacy passphrase hides anything.",
       .short_option = 'd',
       .choices = {"1", "2c", "3"}},
      {.name = "community",
       .help = "Community that may write, for versions 1 and 2c. There is no default.",
       .short_option = 'c',
       .secret = true,
       .sourced = true},
  };
}

std::vector<agent::Parameter> VersionThree() {
  return {
      {.name = "snmp_sec_level",
       .type = Type::kSelect,
       .help = "What version 3 proves and hides. Unless said, as much as the passphrases allow.",
       .short_option = 'E',
       .choices = {"noAuthNoPriv", "authNoPriv", "authPriv"}},
      {.name = "snmp_auth_prot",
       .type = Type::kSelect,
       .help = "How version 3 proves packets, by password. Unless said, SHA.",
       .short_option = 'b',
       .choices = {"MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"}},
      {.name = "snmp_priv_prot",
       .type = Type::kSelect,
       .help = "How version 3 hides packets, by snmp_priv_passwd. Unless said, AES.",
       .short_option = 'B',
       .choices = {"DES", "AES", "AES-192", "AES-256"}},
      {.name = "snmp_priv_passwd",
       .help = "Passphrase of privacy.",
       .short_option = 'P',
       .secret = true,
       .sourced = true,
       .script_option = 'R'},
  };
}

Result<Level, Failure> FindLevel(const agent::Values& values) {
  const std::string said = values.Text("snmp_sec_level");
  const bool auth = values.HasSecret("password"), priv = values.HasSecret("snmp_priv_passwd");
  Level level = priv ? Level::kPriv : auth ? Level::kAuth : Level::kNoAuth;
  if (said == "noAuthNoPriv") level = Level::kNoAuth;
  if (said == "authNoPriv") level = Level::kAuth;
  if (said == "authPriv") level = Level::kPriv;
  if (level != Level::kNoAuth && !auth) {
    return Bad("option password", "is missing, and this snmp_sec_level needs it",
               "it is the authentication passphrase of version 3");
  }
  if (level == Level::kPriv && !priv) {
    return Bad("option snmp_priv_passwd", "is missing, and this snmp_sec_level needs it");
  }
  for (const auto& [name, used] : {std::pair{"password", level != Level::kNoAuth},
                                   {"snmp_priv_passwd", level == Level::kPriv}}) {
    const std::string secret = values.Text(name);
    if (used && !secret.empty() && secret.size() < kMinPassphrase) {
      return Bad(Cat("option ", name),
                 Cat("is shorter than the ", kMinPassphrase, " bytes that version 3 asks for"));
    }
  }
  return level;
}

}  // namespace

std::vector<agent::Parameter> SnmpParameters(const std::string& default_version) {
  std::vector<agent::Parameter> out = Where();
  for (agent::Parameter& p : out) {
    if (p.name == "snmp_version") p.default_value = default_version;
  }
  for (agent::Parameter& p : VersionThree()) out.push_back(std::move(p));
  for (const char* path : {"snmpget_path", "snmpset_path", "snmpwalk_path"}) {
    out.push_back(agent::Ignored(path));
  }
  return out;
}

Result<Settings, Failure> ParseSettings(const agent::Values& values) {
  Settings s;
  s.host = values.Text("ip");
  s.port = static_cast<std::uint16_t>(values.Number("ipport"));
  s.answer_limit = values.Time("shell_timeout");
  s.community = values.Text("community");
  s.username = values.Text("username");
  s.auth_passphrase = values.Text("password");
  s.priv_passphrase = values.Text("snmp_priv_passwd");
  if (values.Has("snmp_auth_prot")) s.auth_protocol = values.Text("snmp_auth_prot");
  if (values.Has("snmp_priv_prot")) s.priv_protocol = values.Text("snmp_priv_prot");
  const std::string said = values.Text("snmp_version");
  const bool has_community = values.HasSecret("community");
  if (said == "3" || (said.empty() && !has_community)) {
    s.version = Version::k3;
    if (s.username.empty()) {
      return said == "3" ? Bad("option username", "is missing, and version 3 needs it")
                         : Bad("option community", "is missing, and there is no default",
                               "give community, or username and password for version 3");
    }
    const auto level = FindLevel(values);
    if (!level) return level.error();
    s.level = *level;
    return s;
  }
  s.version = said == "1" ? Version::k1 : Version::k2c;
  if (!has_community) {
    return Bad("option community", "is missing, and there is no default",
               "give the community that may write, or use version 3");
  }
  return s;
}

}  // namespace fencepost::snmp
