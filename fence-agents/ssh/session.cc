#include "fence-agents/ssh/session.h"

#include <fcntl.h>
#include <libssh/libssh.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.h"
#include "fence-agents/agent/resolve.h"
#include "fence-agents/agent/run_program.h"

namespace fencepost::ssh {
namespace {

using agent::BoottimeNow;
using agent::Cause;
using agent::Failed;
using agent::Failure;
using agent::Phase;

// The library's own timer counts in coarse steps, and was seen to end that much before ours.
constexpr Duration kTimerSlack = Millis(50);

int MillisLeft(MonoTime deadline) {
  const auto left = ToMillis(deadline - BoottimeNow());
  return static_cast<int>(std::clamp<std::int64_t>(left, 1, 600'000));
}

class Session : public Remote {
 public:
  explicit Session(SessionSettings settings)
      : s_(std::move(settings)), name_(Cat(s_.kind, " ", agent::OneLine(s_.host), ":", s_.port)) {}
  ~Session() override {
    if (ssh_ == nullptr) return;
    if (open_) ssh_disconnect(ssh_);
    ssh_free(ssh_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  std::string Name() const override { return name_; }

  Result<Ok, Failure> Connect(MonoTime deadline) override {
    if (open_) return Ok{};
    deadline = std::min(deadline, BoottimeNow() + s_.login_limit);
    const auto socket = OpenSocket(deadline);
    if (!socket) return socket.error();
    const auto greeted = Greet(*socket, deadline);
    if (!greeted) return greeted;
    const auto known = CheckHost();
    if (!known) return known;
    const auto in = Login(deadline);
    if (in) open_ = true;
    return in;
  }

  Result<Answer, Failure> Run(const std::string& command, MonoTime deadline) override {
    const auto connected = Connect(deadline);
    if (!connected) return connected.error();
    deadline = std::min(deadline, BoottimeNow() + s_.answer_limit);
    SetLimit(deadline);
    ssh_channel channel = ssh_channel_new(ssh_);
    if (channel == nullptr || ssh_channel_open_session(channel) != SSH_OK) {
      if (channel != nullptr) ssh_channel_free(channel);
      return Lost("opens no channel", false);
    }
    auto answer = ssh_channel_request_exec(channel, command.c_str()) == SSH_OK
                      ? ReadAnswer(channel, deadline)
                      : Result<Answer, Failure>(Lost("does not take a command", true));
    ssh_channel_free(channel);
    return answer;
  }

 private:
  Failure Lost(std::string why, bool effect_unknown) {
    open_ = false;
    return Failed(Phase::kConnect, Cause::kUnreachable, name_, std::move(why),
                  "check the network and the device", effect_unknown);
  }

  void SetLimit(MonoTime deadline) {
    long seconds = 0;
    long micros = long{MillisLeft(deadline)} * 1000;
    ssh_options_set(ssh_, SSH_OPTIONS_TIMEOUT, &seconds);
    ssh_options_set(ssh_, SSH_OPTIONS_TIMEOUT_USEC, &micros);
  }

  // A connected socket: the library's own connect knows neither our deadline nor why it failed.
  Result<int, Failure> OpenSocket(MonoTime deadline) {
    const auto address = agent::Resolve(s_.host, s_.port, name_, deadline);
    if (!address) return address.error();
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST;
    addrinfo* list = nullptr;
    if (getaddrinfo(address->numeric.c_str(), std::to_string(s_.port).c_str(), &hints, &list) !=
        0) {
      return Failed(Phase::kConnect, Cause::kLocalProblem, name_,
                    "has an address of no known kind");
    }
    const int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int reason = fd < 0 ? errno : 0;
    if (fd >= 0 && connect(fd, list->ai_addr, list->ai_addrlen) != 0) reason = errno;
    freeaddrinfo(list);
    if (reason == EINPROGRESS) {
      pollfd polled{fd, POLLOUT, 0};
      socklen_t size = sizeof reason;
      reason = ETIMEDOUT;
      if (poll(&polled, 1, MillisLeft(deadline)) == 1) {
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &size);
      }
    }
    if (reason == 0) return fd;
    if (fd >= 0) close(fd);
    if (reason == ECONNREFUSED) {
      return Failed(Phase::kConnect, Cause::kRefused, name_, "nothing listens on this port",
                    "check ipport, and that ssh is enabled there");
    }
    return Failed(Phase::kConnect, Cause::kUnreachable, name_, "cannot be reached",
                  "check ip, the cable and the device");
  }

  Result<Ok, Failure> Greet(int fd, MonoTime deadline) {
    ssh_init();
    if (ssh_ != nullptr) ssh_free(ssh_);
    ssh_ = ssh_new();
    if (ssh_ == nullptr) {
      close(fd);
      return Failed(Phase::kConnect, Cause::kLocalProblem, name_, "libssh cannot be started");
    }
    const unsigned port = s_.port;
    const int no = 0;
    ssh_options_set(ssh_, SSH_OPTIONS_PROCESS_CONFIG, &no);
    ssh_options_set(ssh_, SSH_OPTIONS_HOST, s_.host.c_str());
    ssh_options_set(ssh_, SSH_OPTIONS_PORT, &port);
    ssh_options_set(ssh_, SSH_OPTIONS_USER, s_.username.c_str());
    ssh_options_set(ssh_, SSH_OPTIONS_FD, &fd);
    if (!s_.known_hosts_file.empty()) {
      ssh_options_set(ssh_, SSH_OPTIONS_KNOWNHOSTS, s_.known_hosts_file.c_str());
      ssh_options_set(ssh_, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
    }
    SetLimit(deadline);
    if (ssh_connect(ssh_) == SSH_OK) return Ok{};
    // The library's text is foreign, and has words that hosts take for something else.
    if (BoottimeNow() + kTimerSlack >= deadline) return Lost("gives no answer", false);
    return Failed(Phase::kConnect, Cause::kRefused, name_,
                  "does not agree on ssh with us, or ends the connection",
                  "see its log; old devices may offer only what is refused today");
  }

  Result<Ok, Failure> CheckHost() {
    ssh_key key = nullptr;
    unsigned char* hash = nullptr;
    std::size_t size = 0;
    std::string fingerprint;
    if (ssh_get_server_publickey(ssh_, &key) == SSH_OK &&
        ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &size) == 0) {
      char* text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size);
      if (text != nullptr) fingerprint = text;
      ssh_string_free_char(text);
      ssh_clean_pubkey_hash(&hash);
    }
    ssh_key_free(key);
    const bool known = s_.host_key.empty() ? ssh_session_is_known_server(ssh_) == SSH_KNOWN_HOSTS_OK
                                           : !fingerprint.empty() && fingerprint == s_.host_key;
    if (known) return Ok{};
    ssh_disconnect(ssh_);
    return Failed(Phase::kAuth, Cause::kRefused, name_,
                  Cat("shows host key ", fingerprint, ", which is not the known one"),
                  "if it is right, add it to known_hosts, or say it as host_key");
  }

  Result<Ok, Failure> Login(MonoTime deadline) {
    SetLimit(deadline);
    int result = SSH_AUTH_DENIED;
    if (!s_.identity_file.empty()) {
      ssh_key key = nullptr;
      const char* passphrase = s_.password.empty() ? nullptr : s_.password.c_str();
      if (ssh_pki_import_privkey_file(s_.identity_file.c_str(), passphrase, nullptr, nullptr,
                                      &key) != SSH_OK) {
        return Failed(Phase::kAuth, Cause::kLocalProblem, agent::OneLine(s_.identity_file),
                      "cannot be read as a private key", "check identity_file and its passphrase");
      }
      result = ssh_userauth_publickey(ssh_, nullptr, key);
      ssh_key_free(key);
    } else {
      result = ssh_userauth_password(ssh_, nullptr, s_.password.c_str());
      if (result == SSH_AUTH_DENIED) result = Converse();
    }
    if (result == SSH_AUTH_SUCCESS) return Ok{};
    if (result == SSH_AUTH_DENIED || result == SSH_AUTH_PARTIAL) {
      ssh_disconnect(ssh_);
      return Failed(
          Phase::kAuth, Cause::kBadCredentials, name_,
          Cat("rejects user '", agent::OneLine(s_.username), "', the password or the key"),
          "check username, password and identity_file");
    }
    return Lost("ends the connection at the login", false);
  }

  // Some devices ask for the password only this way.
  int Converse() {
    constexpr int kMaxRounds = 4;
    int result = ssh_userauth_kbdint(ssh_, nullptr, nullptr);
    for (int i = 0; i < kMaxRounds && result == SSH_AUTH_INFO; ++i) {
      const int prompts = ssh_userauth_kbdint_getnprompts(ssh_);
      for (int p = 0; p < prompts; ++p) {
        ssh_userauth_kbdint_setanswer(ssh_, static_cast<unsigned>(p), s_.password.c_str());
      }
      result = ssh_userauth_kbdint(ssh_, nullptr, nullptr);
    }
    return result;
  }

  Result<Answer, Failure> ReadAnswer(ssh_channel channel, MonoTime deadline) {
    constexpr int kSliceMs = 100;
    std::array<char, 4096> buffer{};
    std::string out, err;
    const auto take = [&](bool is_error, int wait_ms) {
      const int n = ssh_channel_read_timeout(channel, buffer.data(), buffer.size(),
                                             is_error ? 1 : 0, wait_ms);
      if (n > 0) (is_error ? err : out).append(buffer.data(), static_cast<std::size_t>(n));
      return n;
    };
    while (out.size() + err.size() <= kMaxOutput) {
      if (BoottimeNow() >= deadline) return Lost("does not end its answer", true);
      const int from_out = take(false, std::min(kSliceMs, MillisLeft(deadline)));
      const int from_err = take(true, 0);
      if (from_out == SSH_ERROR || from_err == SSH_ERROR) {
        return Lost("breaks the connection during its answer", true);
      }
      if (from_out <= 0 && from_err <= 0 && ssh_channel_is_eof(channel) != 0) break;
      if (ssh_is_connected(ssh_) == 0) return Lost("breaks the connection during its answer", true);
    }
    if (out.size() + err.size() > kMaxOutput) {
      return Failed(Phase::kVerify, Cause::kUnclear, name_, "does not stop to write", "", true);
    }
    Answer answer;
    answer.output = out + err;
    SetLimit(deadline);
    const int status = ssh_channel_get_exit_status(channel);
    if (status >= 0) answer.status = status;
    return answer;
  }

  SessionSettings s_;
  std::string name_;
  ssh_session ssh_ = nullptr;
  bool open_ = false;
};

}  // namespace

std::unique_ptr<Remote> MakeSession(SessionSettings settings) {
  return std::make_unique<Session>(std::move(settings));
}

}  // namespace fencepost::ssh
