// How an SNMP device is spoken to: the options of the whole family, and what they mean together.
//
// Promise: ParseSettings gives settings that make sense: no version without its secret, no version
// 3
//          without a user, no level above what its secrets allow, no default community.
// Errors:  phase options, cause bad-option.
// Source:  option names of the fence-agents project; RFC 3414 (a passphrase has at least 8 bytes),
//          RFC 7860 (SHA-2), RFC 3826 (AES).
#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "fence-agents/agent/failure.h"
#include "fence-agents/agent/spec.h"

namespace fencepost::snmp {

inline constexpr std::size_t kMinPassphrase = 8;

enum class Version { k1, k2c, k3 };
enum class Level { kNoAuth, kAuth, kPriv };

struct Settings {
  std::string host;
  std::uint16_t port = 161;
  Version version = Version::k2c;
  std::string community;
  std::string username, auth_passphrase, priv_passphrase;
  Level level = Level::kNoAuth;
  std::string auth_protocol = "SHA";  // MD5, SHA, SHA-256...
  std::string priv_protocol = "AES";  // DES, AES, AES-192, AES-256
  Duration answer_limit{};            // for one question
};

// ip, ipport, plug's companions and all snmp_*. default_version: "" leaves it to what is given.
std::vector<agent::Parameter> SnmpParameters(const std::string& default_version);
Result<Settings, agent::Failure> ParseSettings(const agent::Values& values);

}  // namespace fencepost::snmp
