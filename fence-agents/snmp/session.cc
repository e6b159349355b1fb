#include "fence-agents/snmp/session.h"

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "fence-agents/agent/resolve.h"
#include "fence-agents/agent/run_program.h"
#include "fence-agents/snmp/presence.h"
#include "fence-agents/snmp/verdict.h"

namespace fencepost::snmp {
namespace {

using agent::BoottimeNow;
using agent::Cause;
using agent::Failed;
using agent::Failure;
using agent::Phase;

constexpr long kRepetitions = 16;
constexpr Duration kShortest = Millis(10);

struct PduDeleter {
  void operator()(snmp_pdu* pdu) const { snmp_free_pdu(pdu); }
};
using Pdu = std::unique_ptr<snmp_pdu, PduDeleter>;

void InitLibrary() {
  static const bool done = [] {
    setenv("MIBS", "", 1);
    for (const int flag :
         {NETSNMP_DS_LIB_DONT_READ_CONFIGS, NETSNMP_DS_LIB_DONT_PERSIST_STATE,
          NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD, NETSNMP_DS_LIB_DISABLE_PERSISTENT_SAVE}) {
      netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, flag, 1);
    }
    snmp_disable_log();
    init_snmp("fencepost");
    return true;
  }();
  static_cast<void>(done);
}

std::vector<oid> LibraryOid(const Oid& name) { return {name.begin(), name.end()}; }
Oid OurOid(const oid* name, std::size_t length) {
  Oid out;
  for (std::size_t i = 0; i < length; ++i) out.push_back(static_cast<std::uint32_t>(name[i]));
  return out;
}

Value FromVariable(const variable_list& v) {
  Value out;
  switch (v.type) {
    case SNMP_NOSUCHOBJECT:
    case SNMP_NOSUCHINSTANCE:
    case SNMP_ENDOFMIBVIEW:
      return out;
    case ASN_INTEGER:
    case ASN_GAUGE:
      out.kind = Value::Kind::kInteger;
      out.integer = *v.val.integer;
      return out;
    case ASN_OCTET_STR:
      out.kind = Value::Kind::kText;
      out.text.assign(reinterpret_cast<const char*>(v.val.string), v.val_len);
      return out;
    case ASN_OBJECT_ID:
      out.kind = Value::Kind::kOid;
      out.oid = OurOid(v.val.objid, v.val_len / sizeof(oid));
      return out;
    default:
      out.kind = Value::Kind::kOther;
      return out;
  }
}

// What an exchange came to: an answer, or nothing within the time.
struct Answer {
  Pdu pdu;
  bool silent = false;
  int library_error = 0;
};

class Session : public Client {
 public:
  Session(Settings settings, const std::string& kind)
      : s_(std::move(settings)), name_(Cat(kind, " ", agent::OneLine(s_.host), ":", s_.port)) {}
  ~Session() override {
    if (handle_ != nullptr) snmp_sess_close(handle_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  std::string Name() const override { return name_; }

  Result<Value, Failure> Get(const Oid& name, MonoTime deadline) override {
    auto answer = Ask(SNMP_MSG_GET, name, deadline);
    if (!answer) return answer.error();
    const snmp_pdu& pdu = **answer;
    if (pdu.errstat != SNMP_ERR_NOERROR) {
      if (IsNoSuchName(pdu.errstat)) return Value{};
      return StatusFailure(pdu.errstat, name_, false);
    }
    const variable_list* v = pdu.variables;
    if (v == nullptr || OurOid(v->name, v->name_length) != name) {
      return Failed(Phase::kVerify, Cause::kUnclear, name_, "answers another question than asked");
    }
    return FromVariable(*v);
  }

  Result<std::vector<Binding>, Failure> Walk(const Oid& root, std::size_t limit,
                                             MonoTime deadline) override {
    std::vector<Binding> out;
    Oid at = root;
    const bool bulk = s_.version != Version::k1 && limit > 1;
    while (out.size() < limit) {
      auto answer = Ask(bulk ? SNMP_MSG_GETBULK : SNMP_MSG_GETNEXT, at, deadline);
      if (!answer) return answer.error();
      const snmp_pdu& pdu = **answer;
      if (IsNoSuchName(pdu.errstat)) return out;
      if (pdu.errstat != SNMP_ERR_NOERROR) return StatusFailure(pdu.errstat, name_, false);
      if (pdu.variables == nullptr) return out;
      for (const variable_list* v = pdu.variables; v != nullptr; v = v->next_variable) {
        Binding b{OurOid(v->name, v->name_length), FromVariable(*v)};
        if (b.value.kind == Value::Kind::kNone || !IsBelow(root, b.name)) return out;
        if (b.name <= at) {
          return Failed(Phase::kSelect, Cause::kUnclear, name_, "lists its table in a circle");
        }
        at = b.name;
        out.push_back(std::move(b));
        if (out.size() == limit) return out;
      }
    }
    return out;
  }

  agent::SwitchResult SetInteger(const Oid& name, std::int64_t value, MonoTime deadline,
                                 const agent::SwitchPermit& permit) override {
    const MonoTime limit = std::min({deadline, permit.NotAfter(), BoottimeNow() + s_.answer_limit});
    const auto open = Open(limit);
    if (!open) return open.error();
    bool sent = false;
    for (int i = 0; i < kSetPackets; ++i) {
      const auto may = permit.Check();
      if (!may) {
        Failure failure = may.error();
        failure.effect_unknown = sent;
        return failure;
      }
      const MonoTime until =
          i + 1 == kSetPackets ? limit : BoottimeNow() + (limit - BoottimeNow()) / kSetPackets;
      Pdu pdu(snmp_pdu_create(SNMP_MSG_SET));
      const long number = static_cast<long>(value);
      snmp_pdu_add_variable(pdu.get(), LibraryOid(name).data(), name.size(), ASN_INTEGER, &number,
                            sizeof number);
      sent = true;
      const Answer answer = Exchange(std::move(pdu), until, 0);
      if (answer.library_error != 0) return LibraryFailure(answer.library_error, true);
      if (answer.silent) continue;
      if (answer.pdu->errstat == SNMP_ERR_NOERROR) return Ok{};
      return StatusFailure(answer.pdu->errstat, name_, true);
    }
    return Failed(Phase::kAct, Cause::kUnreachable, name_, "gives no answer to the command",
                  "check the network and the device", true);
  }

 private:
  Result<Pdu, Failure> Ask(int command, const Oid& name, MonoTime deadline) {
    deadline = std::min(deadline, BoottimeNow() + s_.answer_limit);
    const auto open = Open(deadline);
    if (!open) return open.error();
    Pdu pdu(snmp_pdu_create(command));
    if (command == SNMP_MSG_GETBULK) {
      pdu->non_repeaters = 0;
      pdu->max_repetitions = kRepetitions;
    }
    snmp_add_null_var(pdu.get(), LibraryOid(name).data(), name.size());
    Answer answer = Exchange(std::move(pdu), deadline, 1);
    if (answer.library_error != 0) return LibraryFailure(answer.library_error, false);
    if (answer.silent) return Explain();
    heard_ = true;
    return std::move(answer.pdu);
  }

  // Sends the pdu up to 1 + retries times, all within the time.
  Answer Exchange(Pdu pdu, MonoTime until, int retries) {
    netsnmp_session* session = snmp_sess_session(handle_);
    const Duration left = std::max(until - BoottimeNow(), kShortest);
    session->retries = retries;
    session->timeout = static_cast<long>(ToMillis(left) * 1000 / (retries + 1));
    snmp_pdu* raw = nullptr;
    Answer out;
    const int status = snmp_sess_synch_response(handle_, pdu.release(), &raw);
    out.pdu.reset(raw);
    if (status == STAT_SUCCESS && raw != nullptr) return out;
    int unused = 0;
    char* text = nullptr;
    if (status == STAT_ERROR) snmp_sess_error(handle_, &unused, &out.library_error, &text);
    std::free(text);
    out.silent =
        status == STAT_TIMEOUT || out.library_error == SNMPERR_TIMEOUT || out.library_error == 0;
    if (out.silent) out.library_error = 0;
    return out;
  }

  Result<Ok, Failure> Open(MonoTime deadline) {
    if (handle_ != nullptr) return Ok{};
    const auto address = agent::Resolve(s_.host, s_.port, name_, deadline);
    if (!address) return address.error();
    address_ = *address;
    InitLibrary();
    netsnmp_session session;
    snmp_sess_init(&session);
    std::string peer = address_.ipv6 ? Cat("udp6:[", address_.numeric, "]:", s_.port)
                                     : Cat("udp:", address_.numeric, ":", s_.port);
    session.peername = peer.data();
    session.retries = 0;
    session.timeout =
        static_cast<long>(ToMillis(std::max(deadline - BoottimeNow(), kShortest)) * 1000);
    session.version = s_.version == Version::k1    ? SNMP_VERSION_1
                      : s_.version == Version::k2c ? SNMP_VERSION_2c
                                                   : SNMP_VERSION_3;
    if (s_.version == Version::k3) {
      if (!AddUser(&session)) {
        return Failed(Phase::kAuth, Cause::kLocalProblem, name_,
                      "the SNMP library lacks the protocols asked for",
                      "choose other snmp_auth_prot and snmp_priv_prot");
      }
    } else {
      session.community = reinterpret_cast<u_char*>(s_.community.data());
      session.community_len = s_.community.size();
    }
    handle_ = snmp_sess_open(&session);
    if (handle_ != nullptr) return Ok{};
    return Explain();
  }

  bool AddUser(netsnmp_session* session) {
    session->securityName = s_.username.data();
    session->securityNameLen = s_.username.size();
    session->securityLevel = s_.level == Level::kPriv   ? SNMP_SEC_LEVEL_AUTHPRIV
                             : s_.level == Level::kAuth ? SNMP_SEC_LEVEL_AUTHNOPRIV
                                                        : SNMP_SEC_LEVEL_NOAUTH;
    if (s_.level == Level::kNoAuth) return true;
    const int auth = usm_lookup_auth_type(s_.auth_protocol.c_str());
    session->securityAuthProto = sc_get_auth_oid(auth, &session->securityAuthProtoLen);
    const auto key = [&](std::string& passphrase, u_char* to, std::size_t* length) {
      *length = USM_AUTH_KU_LEN;
      return generate_Ku(session->securityAuthProto,
                         static_cast<u_int>(session->securityAuthProtoLen),
                         reinterpret_cast<u_char*>(passphrase.data()), passphrase.size(), to,
                         length) == SNMPERR_SUCCESS;
    };
    if (session->securityAuthProto == nullptr ||
        !key(s_.auth_passphrase, session->securityAuthKey, &session->securityAuthKeyLen)) {
      return false;
    }
    if (s_.level == Level::kAuth) return true;
    const int priv = usm_lookup_priv_type(s_.priv_protocol.c_str());
    session->securityPrivProto = sc_get_priv_oid(priv, &session->securityPrivProtoLen);
    return session->securityPrivProto != nullptr &&
           key(s_.priv_passphrase, session->securityPrivKey, &session->securityPrivKeyLen);
  }

  // "No answer" has several causes with different remedies.
  Failure Explain() const {
    const std::string check_device =
        "check ip and ipport, the cable, and that SNMP is enabled there";
    if (!heard_) {
      switch (AskPresence(address_, s_.port)) {
        case agent::Presence::kPortClosed:
          return Failed(Phase::kConnect, Cause::kRefused, name_, "nothing listens on this port",
                        check_device);
        case agent::Presence::kAnswers:
          return Failed(Phase::kAuth, Cause::kBadCredentials, name_,
                        s_.version == Version::k3
                            ? "answers, but not to what this user sends"
                            : "answers, but not to this community, or not in this version",
                        s_.version == Version::k3
                            ? "check snmp_priv_passwd and snmp_priv_prot"
                            : "check community, snmp_version, and which addresses it lets ask");
        case agent::Presence::kSilent:
          break;
      }
    }
    std::string remedy = check_device;
    if (s_.version != Version::k3) remedy += "; a device is silent also to a wrong community";
    return Failed(Phase::kConnect, Cause::kUnreachable, name_, "gives no answer", remedy);
  }

  [[nodiscard]] Failure LibraryFailure(int error, bool switching) const {
    switch (error) {
      case SNMPERR_UNKNOWN_USER_NAME:
      case SNMPERR_USM_UNKNOWNSECURITYNAME:
        return Failed(Phase::kAuth, Cause::kBadCredentials, name_,
                      Cat("does not know user '", agent::OneLine(s_.username), "'"),
                      "check username");
      case SNMPERR_AUTHENTICATION_FAILURE:
      case SNMPERR_USM_AUTHENTICATIONFAILURE:
      case SNMPERR_DECRYPTION_ERR:
      case SNMPERR_USM_DECRYPTIONERROR:
        return Failed(Phase::kAuth, Cause::kBadCredentials, name_,
                      Cat("rejects the passphrases of user '", agent::OneLine(s_.username), "'"),
                      "check password, snmp_auth_prot and the privacy options");
      case SNMPERR_UNSUPPORTED_SEC_LEVEL:
      case SNMPERR_USM_UNSUPPORTEDSECURITYLEVEL:
        return Failed(Phase::kAuth, Cause::kRefused, name_,
                      "does not offer this security level to this user",
                      "check snmp_sec_level against the user's settings on the device");
      default:
        return Failed(switching ? Phase::kAct : Phase::kConnect, Cause::kUnreachable, name_,
                      Cat("the exchange failed (", snmp_api_errstring(error), ")"),
                      "check the network and the device", switching);
    }
  }

  Settings s_;
  std::string name_;
  agent::Address address_;
  void* handle_ = nullptr;
  bool heard_ = false;
};

}  // namespace

std::unique_ptr<Client> MakeSession(Settings settings, const std::string& kind) {
  return std::make_unique<Session>(std::move(settings), kind);
}

}  // namespace fencepost::snmp
