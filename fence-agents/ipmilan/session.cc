#include "fence-agents/ipmilan/session.h"

#include <OpenIPMI/ipmi_addr.h>
#include <OpenIPMI/ipmi_auth.h>
#include <OpenIPMI/ipmi_conn.h>
#include <OpenIPMI/ipmi_lan.h>
#include <OpenIPMI/ipmi_msgbits.h>
#include <sys/socket.h>

#include <array>

#include "base/text.h"
#include "fence-agents/agent/run_program.h"
#include "fence-agents/ipmilan/verdict.h"

namespace fencepost::ipmilan {
namespace {

// Lives until OpenIPMI has answered, which it does for every command, also long after we gave up.
struct Answer {
  bool arrived = false;
  bool abandoned = false;
  Bytes data;
};

int OnAnswer(ipmi_con_t*, ipmi_msgi_t* item) {
  auto* answer = static_cast<Answer*>(item->data1);
  answer->arrived = true;
  answer->data.assign(item->msg.data, item->msg.data + item->msg.data_len);
  if (answer->abandoned) delete answer;
  return IPMI_MSG_ITEM_NOT_USED;
}

ipmi_lanp_parm_t Number(int id, int value) { return {id, value, nullptr, 0}; }
ipmi_lanp_parm_t Text(int id, std::string& value) {
  return {id, 0, value.data(), static_cast<unsigned int>(value.size())};
}

ipmi_con_t* SetUp(SessionSettings& s, Privilege privilege, os_handler_t* handler, int* error) {
  std::string port = std::to_string(s.port);
  char* addresses[] = {s.address.data()};
  char* ports[] = {port.data()};
  const auto microseconds = [](Duration d) {
    return static_cast<int>(std::chrono::duration_cast<std::chrono::microseconds>(d).count());
  };
  std::vector<ipmi_lanp_parm_t> p = {
      {IPMI_LANP_PARMID_ADDRS, 0, addresses, 1},
      {IPMI_LANP_PARMID_PORTS, 0, ports, 1},
      Number(IPMI_LANP_PARMID_AUTHTYPE, static_cast<int>(IPMI_AUTHTYPE_RMCP_PLUS)),
      Number(IPMI_LANP_PARMID_PRIVILEGE, static_cast<int>(privilege)),
      Text(IPMI_LANP_PARMID_USERNAME, s.username),
      Text(IPMI_LANP_PARMID_PASSWORD, s.password),
      Number(IPMI_LANP_AUTHENTICATION_ALGORITHM, IPMI_LANP_AUTHENTICATION_ALGORITHM_RAKP_HMAC_SHA1),
      Number(IPMI_LANP_INTEGRITY_ALGORITHM, IPMI_LANP_INTEGRITY_ALGORITHM_HMAC_SHA1_96),
      Number(IPMI_LANP_CONFIDENTIALITY_ALGORITHM,
             s.encrypt ? IPMI_LANP_CONFIDENTIALITY_ALGORITHM_AES_CBC_128
                       : IPMI_LANP_CONFIDENTIALITY_ALGORITHM_NONE),
      Number(IPMI_LANP_ADDRESS_FAMILY, s.ipv6 ? AF_INET6 : AF_INET),
      Number(IPMI_LANP_DEFAULT_TIMEOUT, microseconds(kPacketTimeout)),
      Number(IPMI_LANP_DEFAULT_SIDEEFFECT_TIMEOUT, microseconds(kCommandTimeout)),
  };
  if (!s.kg.empty()) {
    p.push_back({IPMI_LANP_BMC_KEY, 0, s.kg.data(), static_cast<unsigned int>(s.kg.size())});
  }
  ipmi_con_t* connection = nullptr;
  *error = ipmi_lanp_setup_con(p.data(), static_cast<unsigned int>(p.size()), handler, nullptr,
                               &connection);
  return *error == 0 ? connection : nullptr;
}

}  // namespace

void Session::Changed(ipmi_con_s*, int error, unsigned int, int any_up, void* context) {
  auto* self = static_cast<Session*>(context);
  self->up_ = error == 0 && any_up != 0;
  self->decided_ = true;
  if (!self->up_) self->last_code_ = error;
}

void Session::Closed(ipmi_con_s*, void* context) { static_cast<Session*>(context)->closed_ = true; }

Result<Ok, agent::Failure> Session::Open(Privilege privilege, MonoTime deadline) {
  if (connection_ != nullptr && up_) return Ok{};
  Close();
  up_ = decided_ = false;
  last_code_ = 0;
  int error = 0;
  connection_ = SetUp(settings_, privilege, loop_.handler(), &error);
  if (connection_ == nullptr) {
    return agent::Failure{
        agent::Phase::kConnect,
        agent::Cause::kLocalProblem,
        {settings_.name, Cat("OpenIPMI cannot prepare a session (error ", error, ")"), ""}};
  }
  connection_->add_con_change_handler(connection_, Changed, this);
  error = connection_->start_con(connection_);
  if (error != 0) {
    last_code_ = error;
  } else {
    loop_.Run([this] { return decided_; }, deadline);
  }
  if (up_) return Ok{};
  const agent::Failure failure = SessionFailure(last_code_, settings_.name, settings_.username);
  const int code = last_code_;
  Close();
  last_code_ = code;
  return failure;
}

Result<Bytes, agent::Failure> Session::Chassis(std::uint8_t command, Bytes data, MonoTime deadline,
                                               const agent::SwitchPermit* permit) {
  constexpr std::uint8_t kTimeOut = 0xC3;
  const bool switching = permit != nullptr;
  const agent::Failure silent = CommandFailure(kTimeOut, settings_.name, switching);
  ipmi_system_interface_addr_t to{};
  to.addr_type = IPMI_SYSTEM_INTERFACE_ADDR_TYPE;
  to.channel = IPMI_BMC_CHANNEL;
  ipmi_msg_t message{IPMI_CHASSIS_NETFN, command, static_cast<unsigned short>(data.size()),
                     data.data()};
  auto answer = std::make_unique<Answer>();
  ipmi_msgi_t* item = ipmi_alloc_msg_item();
  if (item == nullptr) return silent;
  item->data1 = answer.get();
  if (switching) {
    loop_.ForbidAfter(permit->NotAfter());
    const auto may = permit->Check();
    if (!may) {
      ipmi_free_msg_item(item);
      return may.error();
    }
  }
  ipmi_con_option_t patient[2]{};  // "side effects" selects kCommandTimeout
  patient[0].option = IPMI_CON_MSG_OPTION_SIDE_EFFECTS;
  patient[0].ival = 1;
  patient[1].option = IPMI_CON_OPTION_LIST_END;
  if (connection_->send_command_option(connection_, reinterpret_cast<ipmi_addr_t*>(&to), sizeof to,
                                       &message, patient, OnAnswer, item) != 0) {
    ipmi_free_msg_item(item);
    Close();
    return silent;
  }
  Answer& received = *answer;
  if (!loop_.Run([&] { return received.arrived; }, deadline)) {
    answer.release()->abandoned = true;  // OnAnswer frees it
    Close();
    return silent;
  }
  if (received.data.empty()) return silent;
  if (received.data[0] != 0) {
    if (received.data[0] == kTimeOut) Close();
    return CommandFailure(received.data[0], settings_.name, switching);
  }
  return std::move(received.data);
}

void Session::Close() {
  if (connection_ == nullptr) return;
  closed_ = false;
  connection_->remove_con_change_handler(connection_, Changed, this);
  if (connection_->close_connection_done(connection_, Closed, this) == 0) {
    loop_.Run([this] { return closed_; }, agent::BoottimeNow() + kCloseLimit);
  }
  connection_ = nullptr;
  up_ = false;
}

}  // namespace fencepost::ipmilan
