#include "tests/lab/disk/tgt_target.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <regex>

#include "base/check.h"
#include "base/text.h"

namespace fencepost::lab {
namespace {

constexpr const char* kName = "iqn.2026-01.org.example:quorum";
constexpr int kStartTries = 200;            // of 20 ms
constexpr useconds_t kStartPause = 20'000;  // microseconds

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  FENCEPOST_CHECK(bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0);
  FENCEPOST_CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  close(fd);
  return ntohs(address.sin_port);
}

}  // namespace

std::optional<std::string> TgtTarget::WhyNot() {
  if (geteuid() != 0) return "tgtd needs root";
  if (access("/usr/sbin/tgtd", X_OK) != 0) return "/usr/sbin/tgtd is missing (package tgt)";
  return std::nullopt;
}

TgtTarget::TgtTarget(std::vector<TgtUnit> units, const std::string& preload,
                     const std::string& user, const std::string& secret)
    : units_(std::move(units)), preload_(preload), user_(user), secret_(secret) {
  std::string name = "/tmp/fencepost-tgt-XXXXXX";
  FENCEPOST_CHECK(mkdtemp(name.data()) != nullptr);
  directory_ = name;
  for (std::size_t i = 0; i < units_.size(); ++i) {
    const int fd = open(Image(static_cast<int>(i) + 1).c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    FENCEPOST_CHECK(fd >= 0 && ftruncate(fd, static_cast<off_t>(units_[i].bytes)) == 0);
    close(fd);
  }
  port_ = FreePort();
  Start();
}

TgtTarget::~TgtTarget() {
  Kill();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void TgtTarget::Start() {
  FENCEPOST_CHECK(pid_ < 0);
  std::filesystem::remove(Cat(directory_, "/sock.0"));
  std::filesystem::remove(Cat(directory_, "/sock.0.lock"));
  const std::string portal = Cat("portal=127.0.0.1:", port_), log = Cat(directory_, "/tgtd.log");
  const std::string socket = Cat("TGT_IPC_SOCKET=", directory_, "/sock"),
                    load = Cat("LD_PRELOAD=", preload_);
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int fd = open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    dup2(fd, 1);
    dup2(fd, 2);
    const char* argv[] = {"tgtd", "-f", "-C", "0", "--iscsi", portal.c_str(), "-t", "4", nullptr};
    const char* environment[] = {socket.c_str(), preload_.empty() ? nullptr : load.c_str(),
                                 nullptr};
    execve("/usr/sbin/tgtd", const_cast<char**>(argv), const_cast<char**>(environment));
    _exit(127);
  }
  for (int i = 0; Admin("--op show --mode sys").find("State: ready") == std::string::npos; ++i) {
    FENCEPOST_CHECK(i < kStartTries);
    usleep(kStartPause);
  }
  Admin(Cat("--op new --mode target --tid 1 -T ", kName));
  for (std::size_t i = 0; i < units_.size(); ++i) {
    Admin(Cat("--op new --mode logicalunit --tid 1 --lun ", i + 1, " --bstype rdwr --blocksize ",
              units_[i].sector_bytes, " -b ", Image(static_cast<int>(i) + 1)));
    if (units_[i].read_only) {
      Admin(Cat("--op update --mode logicalunit --tid 1 --lun ", i + 1, " --params readonly=1"));
    }
  }
  if (!user_.empty()) {
    Admin(Cat("--op new --mode account --user ", user_, " --password ", secret_));
    Admin(Cat("--op bind --mode account --tid 1 --user ", user_));
  }
  Admin("--op bind --mode target --tid 1 -I ALL");
}

std::string TgtTarget::Admin(const std::string& arguments) const {
  const std::string line = Cat("TGT_IPC_SOCKET=", directory_,
                               "/sock /usr/sbin/tgtadm -C 0 --lld iscsi ", arguments, " 2>&1");
  std::string output;
  FILE* pipe = popen(line.c_str(), "re");
  FENCEPOST_CHECK(pipe != nullptr);
  char buffer[4096];
  while (const std::size_t n = fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, n);
  pclose(pipe);
  return output;
}

std::string TgtTarget::Url(int lun) const {
  return Cat("iscsi://", user_, user_.empty() ? "" : "@", "127.0.0.1:", port_, "/", kName, "/",
             lun);
}
std::string TgtTarget::Image(int lun) const { return Cat(directory_, "/unit", lun); }

void TgtTarget::Signal(int signal) const {
  FENCEPOST_CHECK(pid_ > 0);
  kill(pid_, signal);
}

void TgtTarget::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

int TgtTarget::KickSessions() const {
  const std::string shown = Admin("--op show --mode conn --tid 1");
  const std::regex session("Session: ([0-9]+)");
  int kicked = 0;
  for (std::sregex_iterator i(shown.begin(), shown.end(), session), end; i != end; ++i) {
    Admin(Cat("--op delete --mode conn --tid 1 --cid 0 --sid ", (*i)[1].str()));
    ++kicked;
  }
  return kicked;
}

}  // namespace fencepost::lab
