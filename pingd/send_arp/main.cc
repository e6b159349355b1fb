// send_arp: tells the neighbours on a link that an address is here now. See fencepost_send_arp(8).
#include <signal.h>
#include <unistd.h>

#include <iostream>

#include "env/linux/link_packets.h"
#include "env/linux/read_file.h"
#include "pingd/send_arp/campaign.h"

namespace fencepost::announce {
namespace {

int Fail(const Error& error, int code) {
  std::cerr << "send_arp: " << error.Text() << "\n";
  return code;
}

Status Run(const Arguments& arguments) {
  std::optional<HardwareAddress> hardware;
  if (!arguments.hardware.empty()) {
    hardware = ParseHardwareAddress(arguments.hardware);
    if (!hardware) {
      return Error{Cat("hardware address '", arguments.hardware, "'"), "is not one of a station",
                   "write 02:00:00:00:00:01, 020000000001 or auto"};
    }
  }
  auto loop = Loop::Create();
  if (!loop.ok()) return loop.error();
  auto announcer = LinuxAnnouncer::Open(arguments.device, arguments.address, hardware);
  if (!announcer.ok()) return announcer.error();
  // Before anybody can learn our number.
  for (const int signal : {SIGTERM, SIGINT}) (*loop)->OnSignal(signal, [&] { (*loop)->Stop(); });
  if (!arguments.pid_file.empty()) {
    const Status written = ReplaceFile(arguments.pid_file, Cat(getpid(), "\n"));
    if (!written.ok()) return written;
  }
  Status outcome = Ok{};
  Campaign campaign(arguments, **loop, **announcer);
  campaign.Start([&](Status status) {
    outcome = std::move(status);
    (*loop)->Stop();
  });
  (*loop)->Run();
  if (!arguments.pid_file.empty()) unlink(arguments.pid_file.c_str());
  return outcome;
}

int Main(const std::string& path, const std::vector<std::string>& words) {
  const auto arguments = ParseArguments(path.substr(path.rfind('/') + 1), words);
  if (!arguments.ok()) return Fail(arguments.error(), 2);
  if (arguments->help || arguments->version) {
    std::cout << (arguments->help ? UsageText() : Cat("send_arp ", FENCEPOST_VERSION, "\n"));
    return 0;
  }
  const Status status = Run(*arguments);
  return status.ok() ? 0 : Fail(status.error(), 1);
}

}  // namespace
}  // namespace fencepost::announce

int main(int argc, char** argv) {
  return fencepost::announce::Main(argc > 0 ? argv[0] : "send_arp",
                                   {argv + (argc > 0 ? 1 : 0), argv + argc});
}
