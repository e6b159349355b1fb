// One iSCSI session by libiscsi on the loop. It lives once: login, commands, end; then a new one.
//
// Promise: no automatic reconnect (it would replay old writes), and when it ends the connection is
//          reset, so that the kernel does not go on sending what is in its buffers. Name and ISID
//          are fixed by the caller: the target sees the same initiator port after a restart.
// Time:    deadlines are our own timers; libiscsi's have whole wall-clock seconds and are off.
//          kTcpUserTimeout ends a connection whose data nobody acknowledges: a second line only.
// Errors:  as ScsiPort; a refused login is kDenied or kUnreachable with the target's own reason.
// Ownership: the loop outlives the session. Destroying it calls nothing back.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/config/disk_url.h"
#include "env/linux/iscsi_disk_scsi.h"
#include "env/linux/loop.h"

struct iscsi_context;
struct scsi_task;

namespace fencepost {

inline constexpr Duration kTcpUserTimeout = Millis(5000);

inline constexpr Duration kResetAgain = Millis(200);  // for an answer to a reset of the unit

struct IscsiLogin {
  config::DiskUrl target;
  std::string secret;          // CHAP, with target.user
  std::string initiator_name;  // "iqn.2026-01.org.fencepost:..."
  std::uint16_t isid_qualifier = 0;
};

class IscsiSession final : public ScsiPort {
 public:
  IscsiSession(Loop& loop, IscsiLogin login);
  ~IscsiSession() override;
  IscsiSession(const IscsiSession&) = delete;
  IscsiSession& operator=(const IscsiSession&) = delete;

  // REQUIRES: once, before everything else.
  void Login(MonoTime deadline, std::function<void(Result<Ok, IoError>)> done);
  void Send(ScsiCommand command, MonoTime deadline, Done done) override;
  void ResetUnit(MonoTime deadline, Done done) override;
  // What is under way completes with `why`, from the loop. Does nothing when it ended before.
  void End(IoError why);
  [[nodiscard]] bool ended() const { return context_ == nullptr; }

 private:
  struct Operation {
    IscsiSession* session = nullptr;
    std::uint64_t id = 0;
    const char* name = "";  // for error texts
    Bytes data_out;         // libiscsi does not copy it
    scsi_task* task = nullptr;
    TimerId timer = 0;
    Done done;
    Result<ScsiReply, IoError> result = IoError{};
  };
  static void OnConnect(iscsi_context*, int status, void* data, void* session);
  static void OnLogin(iscsi_context*, int status, void* data, void* session);
  static void OnCommand(iscsi_context*, int status, void* data, void* operation);
  static void OnReset(iscsi_context*, int status, void* data, void* session);

  Operation* Add(const char* name, MonoTime deadline, Done done);
  void Finish(Operation& operation, Result<ScsiReply, IoError> result);
  void FinishLogin(int status);
  void FinishLost(Operation& operation);
  void Start(Operation* operation, bool accepted);
  void SendReset();
  void TimedOut(std::uint64_t id);
  void Service(std::uint32_t events);
  void Watch();
  void Drain();
  void DrainLater();
  void Abandon();  // resets the connection, frees the context
  [[nodiscard]] IoError Lost() const;

  Loop& loop_;
  const IscsiLogin login_;
  iscsi_context* context_ = nullptr;
  WatchId watch_ = 0;
  int watched_fd_ = -1;
  bool destroying_ = false;
  bool lost_ = false;  // libiscsi gave up a command; it may not say so about the session
  bool drain_posted_ = false;
  IoError reason_;  // why it ended
  Operation* login_operation_ = nullptr;
  Operation* reset_operation_ = nullptr;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Operation>> operations_;
  std::vector<std::uint64_t> finished_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fencepost
