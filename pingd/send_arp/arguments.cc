#include "pingd/send_arp/arguments.h"

#include "base/config/numeric_host.h"
#include "base/config/quote.h"
#include "base/text.h"

namespace fencepost::announce {
namespace {

using config::Quoted;

constexpr const char* kRemedy = "send_arp -h shows the forms";

bool IsV6(const std::string& address) { return address.find(':') != std::string::npos; }

struct Words {  // options and their values, then the rest
  std::string interval, rounds, count, pid_file, arping_device, deadline;
  bool update = false, answer = false;
  std::vector<std::string> rest;
};

std::string* ValueOf(char option, Words& words) {
  switch (option) {
    case 'i':
      return &words.interval;
    case 'r':
      return &words.rounds;
    case 'c':
      return &words.count;
    case 'p':
      return &words.pid_file;
    case 'I':
      return &words.arping_device;
    case 'w':
      return &words.deadline;
    default:
      return nullptr;
  }
}

// As getopt does it: values attached or apart, flags together, "--" ends.
Result<Words> Sort(const std::vector<std::string>& arguments, Arguments& out) {
  Words words;
  bool options = true;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (!options || word.size() < 2 || word[0] != '-') {
      words.rest.push_back(word);
      continue;
    }
    if (word == "--") {
      options = false;
      continue;
    }
    if (word == "--help") out.help = true;
    if (word == "--version") out.version = true;
    if (word == "--help" || word == "--version") continue;
    for (std::size_t at = 1; at < word.size(); ++at) {
      if (std::string* value = ValueOf(word[at], words)) {
        const bool attached = at + 1 < word.size();
        if (!attached && i + 1 >= arguments.size()) {
          return Error{Cat("option ", Quoted(word)), "wants a value", kRemedy};
        }
        *value = attached ? word.substr(at + 1) : arguments[++i];
        break;
      }
      const char c = word[at];
      if (c == 'U') words.update = true;
      if (c == 'A') words.answer = true;
      if (c == 'h') out.help = true;
      // arping's quiet, broadcast and first-reply have no meaning for an announcement.
      if (std::string_view("UAhqbf").find(c) == std::string_view::npos) {
        return Error{Cat("option ", Quoted(word)), "is not known", kRemedy};
      }
    }
  }
  return words;
}

Result<std::int64_t> Number(const std::string& text, const char* option, std::int64_t low,
                            std::int64_t high) {
  const auto number = ParseInt(text, low, high);
  if (number) return *number;
  return Error{Cat(option, " ", Quoted(text)), "is no number that fits",
               Cat("write ", low, " to ", high)};
}

// What the three forms have in common, after their words found their place.
Result<Arguments> Complete(Arguments out, const std::string& address, const std::string& hardware) {
  const auto numeric = config::NumericHost(address);
  if (!numeric) {
    return Error{Cat("address ", Quoted(address)), "is no numeric IPv4 or IPv6 address", kRemedy};
  }
  out.address = *numeric;
  if (hardware != "auto") out.hardware = hardware;
  if (IsV6(out.address)) out.packets = {Announcer::Kind::kAdvertisement};
  if (out.device.empty()) return Error{"the device", "is missing", kRemedy};
  return out;
}

Result<Arguments> Heartbeat(Arguments out, const Words& words) {
  if (words.rest.size() < 3 || words.rest.size() > 5) {
    return Error{"send_arp", "wants DEVICE ADDRESS HARDWARE-ADDRESS|auto", kRemedy};
  }
  out.device = words.rest[0];
  out.packets = {Announcer::Kind::kArpRequest, Announcer::Kind::kArpReply};
  out.gap /= 2;  // the interval is that of a pair
  return Complete(std::move(out), words.rest[1], words.rest[2]);
}

Result<Arguments> Arping(Arguments out, const Words& words) {
  if (words.rest.size() != 1) return Error{"send_arp -I", "wants one ADDRESS", kRemedy};
  out.device = words.arping_device;
  out.packets = {words.answer ? Announcer::Kind::kArpReply : Announcer::Kind::kArpRequest};
  if (words.interval.empty()) out.gap = std::chrono::seconds(1);
  return Complete(std::move(out), words.rest[0], "auto");
}

Result<Arguments> Advertise(Arguments out, const Words& words) {
  if (words.rest.size() != 3) return Error{"send_ua", "wants ADDRESS PREFIX DEVICE", kRemedy};
  out.device = words.rest[2];
  auto complete = Complete(std::move(out), words.rest[0], "auto");
  if (complete.ok() && !IsV6(complete->address)) {
    return Error{Cat("address ", Quoted(words.rest[0])), "is no IPv6 address",
                 "use send_arp for IPv4"};
  }
  return complete;
}

}  // namespace

std::string UsageText() {
  return "usage: send_arp [-i MS] [-r COUNT] [-p PIDFILE] DEVICE ADDRESS HARDWARE|auto [X] [X]\n"
         "       send_arp -U|-A [-c COUNT] [-i MS] -I DEVICE ADDRESS      as arping\n"
         "       send_ua  [-i MS] [-c COUNT] ADDRESS PREFIX DEVICE        when called so\n"
         "tells the neighbours on DEVICE that ADDRESS is here; IPv6 addresses in every form\n";
}

Result<Arguments> ParseArguments(const std::string& program,
                                 const std::vector<std::string>& arguments) {
  Arguments out;
  const auto words = Sort(arguments, out);
  if (!words.ok()) return words.error();
  if (out.help || out.version) return out;
  const bool counted = !words->count.empty();
  const std::string& rounds = counted ? words->count : words->rounds;
  if (!rounds.empty()) {
    const auto number = Number(rounds, counted ? "-c" : "-r", 1, kMaxRounds);
    if (!number.ok()) return number.error();
    out.rounds = *number;
  }
  if (!words->interval.empty()) {
    const auto number = Number(words->interval, "-i", 0, kMaxGapMs);
    if (!number.ok()) return number.error();
    out.gap = Millis(*number);
  }
  out.pid_file = words->pid_file;
  if (program == "send_ua") return Advertise(std::move(out), *words);
  if (!words->arping_device.empty()) return Arping(std::move(out), *words);
  if (words->update || words->answer) return Error{"-U and -A", "want -I DEVICE", kRemedy};
  return Heartbeat(std::move(out), *words);
}

}  // namespace fencepost::announce
