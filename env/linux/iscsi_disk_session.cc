#include "env/linux/iscsi_disk_session.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
// After the two above, which it needs and does not include.
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include "base/check.h"
#include "base/text.h"

namespace fencepost {
namespace {

// Login status classes and details of RFC 7143, 11.13.5: the initiator was refused.
constexpr int kAuthenticationFailure = 0x0201, kAuthorizationFailure = 0x0202;
// The "random" format of the ISID, with a fixed number: "FEP".
constexpr std::uint32_t kIsid = 0x464550;
constexpr std::uint32_t kNoTask = 0xFFFFFFFF;  // RFC 7143: the reserved task tag

// libiscsi gives the login status only as "...(513)" at the end of its text.
int LoginStatus(std::string_view text) {
  const std::size_t open = text.rfind('('), close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return 0;
  return static_cast<int>(ParseInt(text.substr(open + 1, close - open - 1), 0, 65535).value_or(0));
}

}  // namespace

IscsiSession::IscsiSession(Loop& loop, IscsiLogin login) : loop_(loop), login_(std::move(login)) {}

IscsiSession::~IscsiSession() {
  *alive_ = false;
  Abandon();
  for (auto& [id, operation] : operations_) {
    loop_.Cancel(operation->timer);
    if (operation->task) scsi_free_scsi_task(operation->task);
  }
}

void IscsiSession::Login(MonoTime deadline, std::function<void(Result<Ok, IoError>)> done) {
  FENCEPOST_CHECK(!context_ && last_id_ == 0);
  login_operation_ = Add("login", deadline, [done = std::move(done)](const auto& reply) {
    done(reply.ok() ? Result<Ok, IoError>(Ok{}) : Result<Ok, IoError>(reply.error()));
  });
  context_ = iscsi_create_context(login_.initiator_name.c_str());
  FENCEPOST_CHECK(context_ != nullptr);  // fails only for want of memory
  iscsi_set_targetname(context_, login_.target.target.c_str());
  iscsi_set_session_type(context_, ISCSI_SESSION_NORMAL);
  iscsi_set_header_digest(context_, ISCSI_HEADER_DIGEST_NONE_CRC32C);
  iscsi_set_isid_random(context_, kIsid, login_.isid_qualifier);
  iscsi_set_noautoreconnect(context_, 1);
  iscsi_set_timeout(context_, 0);
  iscsi_set_tcp_user_timeout(context_, static_cast<int>(ToMillis(kTcpUserTimeout)));
  if (!login_.target.user.empty()) {
    iscsi_set_initiator_username_pwd(context_, login_.target.user.c_str(), login_.secret.c_str());
  }
  // Not iscsi_full_connect_async: it loses memory when the context goes before it is done.
  if (iscsi_connect_async(context_, login_.target.Portal().c_str(), OnConnect, this) != 0) {
    FinishLogin(SCSI_STATUS_ERROR);
    DrainLater();
    return;
  }
  Watch();
}

void IscsiSession::Send(ScsiCommand command, MonoTime deadline, Done done) {
  Operation* operation = Add("command", deadline, std::move(done));
  if (!context_) return Start(operation, false);
  operation->data_out = std::move(command.data_out);
  const bool out = !operation->data_out.empty();
  const auto length = out ? operation->data_out.size() : std::size_t{command.data_in};
  const int direction = out ? SCSI_XFER_WRITE : length > 0 ? SCSI_XFER_READ : SCSI_XFER_NONE;
  operation->task = scsi_create_task(static_cast<int>(command.cdb.size()), command.cdb.data(),
                                     direction, static_cast<int>(length));
  FENCEPOST_CHECK(operation->task != nullptr);
  iscsi_data data{length, operation->data_out.data()};
  Start(operation,
        iscsi_scsi_command_async(context_, static_cast<int>(login_.target.lun), operation->task,
                                 OnCommand, out ? &data : nullptr, operation) == 0);
}

void IscsiSession::ResetUnit(MonoTime deadline, Done done) {
  FENCEPOST_CHECK(!reset_operation_);
  Operation* operation = Add("LOGICAL UNIT RESET", deadline, std::move(done));
  if (!context_) return Start(operation, false);
  reset_operation_ = operation;
  SendReset();
}

// Again and again until one is answered: tgt forgets the answer to a reset when another initiator's
// reset meets the same command. One that is answered has waited for everything all the same.
void IscsiSession::SendReset() {
  if (!reset_operation_ || !context_) return;
  // Not iscsi_task_mgmt_lun_reset_async: it cancels what it finds under way, earlier resets too.
  const bool sent = iscsi_task_mgmt_async(context_, static_cast<int>(login_.target.lun),
                                          ISCSI_TM_LUN_RESET, kNoTask, 0, OnReset, this) == 0;
  if (!sent) return Start(std::exchange(reset_operation_, nullptr), false);
  Watch();
  loop_.CallAt(loop_.Now() + kResetAgain, [this, alive = alive_] {
    if (*alive) SendReset();
  });
}

void IscsiSession::End(IoError why) {
  if (!context_) return;
  reason_ = std::move(why);
  reset_operation_ = nullptr;
  Abandon();
  for (auto& [id, operation] : operations_) {
    if (std::count(finished_.begin(), finished_.end(), id) == 0) Finish(*operation, reason_);
  }
  DrainLater();
}

IscsiSession::Operation* IscsiSession::Add(const char* name, MonoTime deadline, Done done) {
  auto operation = std::make_unique<Operation>();
  operation->session = this;
  operation->id = ++last_id_;
  operation->name = name;
  operation->done = std::move(done);
  operation->timer = loop_.CallAt(deadline, [this, id = last_id_] { TimedOut(id); });
  return (operations_[last_id_] = std::move(operation)).get();
}

void IscsiSession::Start(Operation* operation, bool accepted) {
  if (accepted) return Watch();
  Finish(*operation, context_ ? Lost() : IoError{IoKind::kClosed, reason_.text});
  DrainLater();
}

void IscsiSession::Finish(Operation& operation, Result<ScsiReply, IoError> result) {
  operation.result = std::move(result);
  finished_.push_back(operation.id);
}

void IscsiSession::TimedOut(std::uint64_t id) {
  Operation& late = *operations_.at(id);
  late.timer = 0;
  if (std::count(finished_.begin(), finished_.end(), id) > 0) return;  // is in the queue to be told
  const std::string text = Cat(login_.target.Text(), ": no answer to the ", late.name,
                               " by its deadline; is the target alive?");
  Finish(late, IoError{IoKind::kTimeout, text});
  End({IoKind::kClosed, text});
}

// Called a second time when the connection is lost later.
void IscsiSession::OnConnect(iscsi_context* context, int status, void*, void* session) {
  auto* self = static_cast<IscsiSession*>(session);
  if (self->destroying_ || !self->login_operation_) return;
  const bool connected = status == SCSI_STATUS_GOOD;
  if (!connected || iscsi_login_async(context, OnLogin, session) != 0) {
    self->FinishLogin(SCSI_STATUS_ERROR);
  }
}

void IscsiSession::OnLogin(iscsi_context*, int status, void*, void* session) {
  static_cast<IscsiSession*>(session)->FinishLogin(status);
}

void IscsiSession::FinishLogin(int status) {
  if (destroying_ || !login_operation_) return;
  Operation& operation = *std::exchange(login_operation_, nullptr);
  if (status == SCSI_STATUS_GOOD) return Finish(operation, ScsiReply{});
  const std::string text = iscsi_get_error(context_);
  const int code = LoginStatus(text);
  const bool denied = code == kAuthenticationFailure || code == kAuthorizationFailure;
  Finish(operation, IoError{denied ? IoKind::kDenied : IoKind::kUnreachable,
                            Cat(login_.target.Text(), ": ", Trim(text),
                                denied ? "; check the user and the secret file" : "")});
}

void IscsiSession::OnCommand(iscsi_context*, int status, void*, void* data) {
  auto* operation = static_cast<Operation*>(data);
  IscsiSession& self = *operation->session;
  if (self.destroying_) return;
  // What libiscsi makes up itself lies above the one byte of a real status.
  if (status < 0 || status > 0xFF) return self.FinishLost(*operation);
  const scsi_task* task = operation->task;
  ScsiReply reply;
  reply.status = status;
  if (status == SCSI_STATUS_CHECK_CONDITION) {
    reply.sense_key = task->sense.key;
    reply.ascq = task->sense.ascq;
  } else if (task->xfer_dir == SCSI_XFER_READ && task->datain.size > 0) {
    reply.data.assign(task->datain.data, task->datain.data + task->datain.size);
  }
  self.Finish(*operation, std::move(reply));
}

void IscsiSession::OnReset(iscsi_context*, int status, void* data, void* session) {
  IscsiSession& self = *static_cast<IscsiSession*>(session);
  if (self.destroying_ || !self.reset_operation_) return;
  Operation* operation = std::exchange(self.reset_operation_, nullptr);
  if (status != SCSI_STATUS_GOOD || !data) return self.FinishLost(*operation);
  const std::uint32_t response = *static_cast<std::uint32_t*>(data);
  if (response == ISCSI_TMR_FUNC_COMPLETE) return self.Finish(*operation, ScsiReply{});
  self.Finish(*operation,
              IoError{IoKind::kNoBarrier,
                      Cat(self.login_.target.Text(),
                          ": the target refuses LOGICAL UNIT RESET "
                          "(response ",
                          response, "), so older writes cannot be excluded; use another target")});
}

void IscsiSession::FinishLost(Operation& operation) {
  lost_ = true;
  Finish(operation, Lost());
}

IoError IscsiSession::Lost() const {
  return {IoKind::kUnreachable, Cat(login_.target.Text(), ": the session was lost (",
                                    Trim(iscsi_get_error(context_)), ")")};
}

void IscsiSession::Service(std::uint32_t events) {
  const int outcome = iscsi_service(context_, static_cast<int>(events));
  if (outcome < 0 || lost_) {
    FinishLogin(SCSI_STATUS_ERROR);
    End(Lost());
  } else {
    Watch();
  }
  Drain();
}

void IscsiSession::Watch() {
  const int fd = iscsi_get_fd(context_);
  const auto events = static_cast<std::uint32_t>(iscsi_which_events(context_));
  if (watch_ != 0 && fd == watched_fd_) return loop_.Rewatch(watch_, events);
  loop_.Unwatch(watch_);
  watched_fd_ = fd;
  watch_ = fd < 0 ? 0 : loop_.WatchFd(fd, events, [this](std::uint32_t e) { Service(e); });
}

void IscsiSession::DrainLater() {
  if (drain_posted_) return;
  drain_posted_ = true;
  loop_.Post([this, alive = alive_] {
    if (!*alive) return;
    drain_posted_ = false;
    Drain();
  });
}

// Outside of libiscsi: a callback may send, end or destroy.
void IscsiSession::Drain() {
  const auto alive = alive_;
  while (*alive && !finished_.empty()) {
    const std::uint64_t id = finished_.front();
    finished_.erase(finished_.begin());
    const auto node = operations_.extract(id);
    Operation& operation = *node.mapped();
    loop_.Cancel(operation.timer);
    if (operation.task) scsi_free_scsi_task(operation.task);
    operation.done(std::move(operation.result));
  }
}

void IscsiSession::Abandon() {
  if (!context_) return;
  loop_.Unwatch(std::exchange(watch_, 0));
  // Reset instead of an orderly close: the kernel would otherwise keep on sending what it holds.
  const linger reset{1, 0};
  const int fd = iscsi_get_fd(context_);
  if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  destroying_ = true;
  iscsi_destroy_context(context_);
  context_ = nullptr;
}

}  // namespace fencepost
