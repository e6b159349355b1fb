// One connection, which is one session: RFC 7143. Login without digests, error recovery level 0,
// one connection a session, InitialR2T=Yes, immediate data; SCSI commands with R2T and Data-In,
// NOP-Out, task management, logout. What is not understood ends the connection.
//
// Left out: CHAP (tgt is the counterpart for that), discovery, digests, markers.
#pragma once
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "env/linux/loop.h"
#include "env/linux/unique_fd.h"
#include "tests/doubles/iscsi/scsi.h"

namespace fencepost::doubles {

class Connection;

// A command as it arrived whole.
struct Command {
  std::weak_ptr<Connection> of;
  Nexus nexus;
  std::uint32_t tag = 0;       // initiator task tag
  std::uint32_t expected = 0;  // bytes that the initiator has room for, or sends
  Bytes cdb, data;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  struct Handler {
    // May refuse: nonzero is status class and detail of the login response (11.13.5).
    std::function<int(Connection&)> login;
    std::function<void(std::shared_ptr<Command>)> command;
    // Task management: function code of 11.5.1; the response code, or nothing: not answered.
    std::function<void(Connection&, int function, std::uint32_t tag)> manage;
    std::function<void(Connection&)> ended;
  };
  Connection(Loop& loop, UniqueFd fd, int portal, std::string target, Handler handler);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Start();
  // Orderly: what was sent arrives first; otherwise by a reset. `ended` is called, once.
  void Close(bool orderly = false);
  void SetHung(bool hung);
  void Answer(const Command& command, const ScsiAnswer& answer);
  void AnswerManagement(std::uint32_t tag, int response);
  [[nodiscard]] const Nexus& nexus() const { return nexus_; }
  [[nodiscard]] int portal() const { return portal_; }
  [[nodiscard]] bool full_feature() const { return full_feature_; }

 private:
  using Head = std::array<std::uint8_t, 48>;
  using Keys = std::map<std::string, std::string>;
  void Service(std::uint32_t events);
  bool Take();  // one whole PDU, if there is one
  bool Handle(const Head& head, ByteView data);
  bool OnLogin(const Head& head, ByteView data);
  Keys Negotiate(const Keys& offered, int stage);
  bool OnCommand(const Head& head, ByteView data);
  bool OnDataOut(const Head& head, ByteView data);
  void Wanted(std::uint32_t tag);  // R2T for what is missing, or the command is whole
  bool OnNop(const Head& head, ByteView data);
  void SendResponse(const Command& command, const ScsiAnswer& answer);
  void Send(Head head, ByteView data, bool counts);
  void Flush();
  void Watch();

  Loop& loop_;
  UniqueFd fd_;
  const int portal_;
  const std::string target_;
  const Handler handler_;
  WatchId watch_ = 0;
  bool hung_ = false, over_ = false, full_feature_ = false;
  Bytes in_, out_;
  std::string texts_;  // of a login that goes on in the next PDU
  std::string initiator_;
  Nexus nexus_;
  std::uint32_t their_segment_ = 8192;  // MaxRecvDataSegmentLength of the initiator
  std::uint32_t status_number_ = 1, expected_command_ = 0;
  std::map<std::uint32_t, std::shared_ptr<Command>> receiving_;
  std::map<std::uint32_t, std::uint32_t> requests_;  // R2TSN of each of those
};

}  // namespace fencepost::doubles
