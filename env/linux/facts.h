// Facts as lines of text: to stderr (or any descriptor), or to the local syslog.
//
// Promise: one fact, one line; control characters in values are written as \xNN, so that no value
//          can forge a line. Never blocks: a line that the reader has no room for is dropped, and
//          the next one that passes is preceded by a fact that says how many were. A line is cut
//          at kMaxFactLine.
// Time:    stderr lines begin with the wall clock, UTC, milliseconds: for people only.
// Errors:  none; a log that cannot be written must not stop a node.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "env/fact_sink.h"
#include "env/linux/unique_fd.h"

namespace fencepost {

inline constexpr std::size_t kMaxFactLine = 4000;  // below PIPE_BUF: written whole or not at all

class LineSink : public FactSink {  // what both have in common
 public:
  void Record(const Fact& fact) final;

 protected:
  // False when there was no room.
  virtual bool Write(Severity severity, const std::string& text) = 0;

 private:
  std::uint64_t dropped_ = 0;
};

// "2031-04-05T06:07:08.009Z notice lease-granted node=2"
class StreamFacts final : public LineSink {
 public:
  explicit StreamFacts(int fd = STDERR_FILENO) : fd_(fd) {}

 private:
  bool Write(Severity severity, const std::string& text) override;
  int fd_;
};

// Datagrams in syslog's local form, "<27>qdiskd[17]: ..." (facility daemon). Not syslog(3): that
// one waits when the log daemon is stopped, and a fencing daemon must not.
class SyslogFacts final : public LineSink {
 public:
  explicit SyslogFacts(std::string program, std::string socket_path = "/dev/log")
      : program_(std::move(program)), path_(std::move(socket_path)) {}

 private:
  bool Write(Severity severity, const std::string& text) override;
  bool Connect();
  std::string program_;
  std::string path_;
  UniqueFd socket_;
};

enum class FactTarget { kStderr, kSyslog };
std::unique_ptr<FactSink> MakeFactSink(FactTarget target, const std::string& program);

}  // namespace fencepost
