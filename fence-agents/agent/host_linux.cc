#include "fence-agents/agent/host_linux.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "fence-agents/agent/run_program.h"

namespace fencepost::agent {
namespace {

Failure Local(Phase phase, std::string what, std::string cause, std::string remedy = {}) {
  return {phase, Cause::kLocalProblem, {std::move(what), std::move(cause), std::move(remedy)}};
}

void WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto n = write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nobody listens; the exit code still tells
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

bool ReadAll(int fd, std::size_t limit, std::string* out) {
  std::array<char, 4096> buffer{};
  while (out->size() < limit) {
    const auto n = read(fd, buffer.data(), std::min(buffer.size(), limit - out->size()));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) break;
    out->append(buffer.data(), static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

MonoTime LinuxHost::Now() const { return BoottimeNow(); }

void LinuxHost::SleepUntil(MonoTime when) { agent::SleepUntil(when); }

Result<std::string, Failure> LinuxHost::ReadStdin(std::size_t limit) {
  if (isatty(0) == 1) {
    return Failure{
        Phase::kOptions, Cause::kBadOption, {"the command line", "has no options", "see --help"}};
  }
  std::string text;
  if (!ReadAll(0, limit, &text)) return Local(Phase::kOptions, "stdin", std::strerror(errno));
  return text;
}

Result<std::string, Failure> LinuxHost::ReadSecretFile(const std::string& path) {
  // O_NONBLOCK: a FIFO at that path must not hold us.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Local(Phase::kAuth, path, std::strerror(errno), "check the path");
  struct stat about {};
  std::string text;
  const bool known = fstat(fd, &about) == 0;
  const bool plain = known && S_ISREG(about.st_mode);
  const bool read = plain && ReadAll(fd, kMaxSecretFile, &text);
  close(fd);
  if (!plain) return Local(Phase::kAuth, path, "is not a regular file", "check the path");
  if ((about.st_mode & 077) != 0) {
    return Local(Phase::kAuth, path, "is open to group or others", Cat("chmod 600 ", path));
  }
  if (about.st_uid != 0 && about.st_uid != geteuid()) {
    return Local(Phase::kAuth, path, "belongs to another user", Cat("chown root ", path));
  }
  if (!read) return Local(Phase::kAuth, path, "cannot be read", "check the path");
  return text;
}

Result<std::string, Failure> LinuxHost::ReadCredential(const std::string& name) {
  const char* dir = std::getenv("CREDENTIALS_DIRECTORY");
  if (dir == nullptr || *dir == 0) {
    return Local(Phase::kAuth, Cat("credential ", OneLine(name)),
                 "cannot be found: the environment has no CREDENTIALS_DIRECTORY",
                 "add LoadCredential= to the service that calls this agent, or use a file");
  }
  if (name.empty() || name[0] == '.' || name.find('/') != std::string::npos) {
    return Local(Phase::kAuth, Cat("credential ", OneLine(name)), "is not the name of a credential",
                 "give the name that LoadCredential= gives it");
  }
  return ReadSecretFile(Cat(dir, "/", name));
}

Result<std::string, Failure> LinuxHost::RunSecretScript(const std::string& path,
                                                        MonoTime deadline) {
  const auto end = RunProgram(
      {path, {path}, {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"LC_ALL", "C"}}, ""}, deadline);
  const std::string what = Cat("secret script ", path);
  if (!end.started) return Local(Phase::kAuth, what, OneLine(end.errors), "check the path");
  if (end.killed) return Local(Phase::kAuth, what, Cat("did not end within ", end.took));
  if (end.exit_code != 0) {
    return Local(Phase::kAuth, what,
                 end.signal != 0 ? Cat("was ended by signal ", end.signal)
                                 : Cat("ended with exit code ", end.exit_code),
                 "run it by hand as the same user");
  }
  return end.output;
}

void LinuxHost::WipeArgument(std::size_t word, std::size_t offset) {
  if (word + 1 >= static_cast<std::size_t>(argc_)) return;
  volatile char* at = argv_[word + 1] + offset;
  for (; *at != 0; ++at) *at = '*';
}

void LinuxHost::Out(std::string_view text) { WriteAll(1, text); }
void LinuxHost::Err(std::string_view text) { WriteAll(2, text); }

std::vector<std::string> Words(int argc, char** argv) {
  return argc > 1 ? std::vector<std::string>(argv + 1, argv + argc) : std::vector<std::string>{};
}

}  // namespace fencepost::agent
