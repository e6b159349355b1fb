#include "tests/doubles/iscsi/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/big_endian.h"
#include "base/text.h"

namespace fencepost::doubles {
namespace {

// Operation codes, RFC 7143 11.2.1.2.
constexpr std::uint8_t kNopOut = 0x00, kScsiCommand = 0x01, kTaskManagement = 0x02, kLogin = 0x03,
                       kDataOut = 0x05, kLogout = 0x06;
constexpr std::uint8_t kNopIn = 0x20, kScsiResponse = 0x21, kManagementResponse = 0x22,
                       kLoginResponse = 0x23, kDataIn = 0x25, kLogoutResponse = 0x26,
                       kReadyToTransfer = 0x31;
constexpr std::uint8_t kFinal = 0x80, kContinue = 0x40, kWrites = 0x20, kStatus = 0x01,
                       kUnderflow = 0x02;
constexpr std::uint32_t kNoTag = 0xFFFFFFFF;
constexpr std::uint32_t kSegment = 262144;  // most data in one PDU, either way
constexpr std::uint32_t kMostData = 16 << 20;
constexpr std::uint32_t kWindow = 64;
constexpr std::size_t kHeadBytes = 48;

template <class Head>
std::uint32_t Get32(const Head& head, std::size_t at) {
  return static_cast<std::uint32_t>(BigEndian(ByteView(head).subspan(at, 4)));
}

template <class Head>
void Put(Head& head, std::size_t at, std::size_t count, std::uint64_t value) {
  for (std::size_t i = count; i-- > 0; value >>= 8) head[at + i] = static_cast<std::uint8_t>(value);
}

}  // namespace

Connection::Connection(Loop& loop, UniqueFd fd, int portal, std::string target, Handler handler)
    : loop_(loop),
      fd_(std::move(fd)),
      portal_(portal),
      target_(std::move(target)),
      handler_(std::move(handler)) {}

Connection::~Connection() { loop_.Unwatch(watch_); }

void Connection::Start() {
  watch_ = loop_.WatchFd(fd_.get(), EPOLLIN, [weak = weak_from_this()](std::uint32_t events) {
    if (const auto self = weak.lock()) self->Service(events);
  });
}

void Connection::Close(bool orderly) {
  if (over_) return;
  over_ = true;
  loop_.Unwatch(std::exchange(watch_, 0));
  const linger reset{1, 0};
  if (!orderly) setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  fd_ = UniqueFd();
  const auto keep = shared_from_this();
  handler_.ended(*this);
}

void Connection::SetHung(bool hung) {
  hung_ = hung;
  if (!over_) Watch();
}

void Connection::Watch() {
  const std::uint32_t events = hung_
                                   ? 0
                                   : static_cast<std::uint32_t>(EPOLLIN) |
                                         (out_.empty() ? 0U : static_cast<std::uint32_t>(EPOLLOUT));
  loop_.Rewatch(watch_, events);
}

void Connection::Service(std::uint32_t events) {
  const auto keep = shared_from_this();
  if ((events & EPOLLOUT) != 0) Flush();
  if (over_ || (events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0) return;
  std::array<std::uint8_t, 65536> buffer;
  const ssize_t got = recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return Close();
  in_.insert(in_.end(), buffer.begin(), buffer.begin() + got);
  while (!over_ && Take()) {
  }
}

bool Connection::Take() {
  if (in_.size() < kHeadBytes) return false;
  Head head;
  std::copy_n(in_.begin(), kHeadBytes, head.begin());
  const std::size_t more = std::size_t{head[4]} * 4;  // additional header segments: skipped
  const auto length = static_cast<std::size_t>(BigEndian(ByteView(head).subspan(5, 3)));
  const std::size_t padded = (length + 3) / 4 * 4;
  if (length > kSegment) {
    Close();
    return false;
  }
  if (in_.size() < kHeadBytes + more + padded) return false;
  const auto from = in_.begin() + static_cast<std::ptrdiff_t>(kHeadBytes + more);
  const Bytes data(from, from + static_cast<std::ptrdiff_t>(length));
  in_.erase(in_.begin(), from + static_cast<std::ptrdiff_t>(padded));
  if (!Handle(head, data)) Close(true);
  return !over_;
}

bool Connection::Handle(const Head& head, ByteView data) {
  const std::uint8_t code = head[0] & 0x3F;
  const bool immediate = (head[0] & 0x40) != 0;
  if (code == kLogin) return !full_feature_ && OnLogin(head, data);
  if (!full_feature_) return false;
  if (code != kDataOut && !immediate) expected_command_ = Get32(head, 24) + 1;
  switch (code) {
    case kScsiCommand:
      return OnCommand(head, data);
    case kDataOut:
      return OnDataOut(head, data);
    case kNopOut:
      return OnNop(head, data);
    case kTaskManagement:
      handler_.manage(*this, head[1] & 0x7F, Get32(head, 16));
      return true;
    case kLogout: {
      Head out{};
      out[0] = kLogoutResponse;
      out[1] = kFinal;
      std::copy_n(head.begin() + 16, 4, out.begin() + 16);
      Send(out, {}, true);
      return false;
    }
    default:
      return false;
  }
}

Connection::Keys Connection::Negotiate(const Keys& offered, int stage) {
  Keys out;
  const auto least = [&](const std::string& key, std::int64_t most) {
    const auto value = ParseInt(offered.at(key), 0, 1 << 24);
    return ToText(std::min(value.value_or(most), most));
  };
  for (const auto& [key, value] : offered) {
    if (key == "InitiatorName")
      initiator_ = value;
    else if (key == "AuthMethod")
      out[key] = "None";
    else if (key == "HeaderDigest" || key == "DataDigest")
      out[key] = "None";
    else if (key == "InitialR2T" || key == "ImmediateData")
      out[key] = "Yes";
    else if (key == "DataPDUInOrder" || key == "DataSequenceInOrder")
      out[key] = "Yes";
    else if (key == "MaxBurstLength" || key == "FirstBurstLength")
      out[key] = least(key, kSegment);
    else if (key == "MaxConnections" || key == "MaxOutstandingR2T")
      out[key] = "1";
    else if (key == "ErrorRecoveryLevel" || key == "DefaultTime2Retain")
      out[key] = "0";
    else if (key == "DefaultTime2Wait")
      out[key] = value;
    else if (key == "IFMarker" || key == "OFMarker")
      out[key] = "No";
    else if (key == "MaxRecvDataSegmentLength") {
      their_segment_ = static_cast<std::uint32_t>(ParseInt(value, 512, 1 << 24).value_or(8192));
      out[key] = ToText(kSegment);
    }
  }
  if (stage == 0) out["TargetPortalGroupTag"] = "1";
  return out;
}

bool Connection::OnLogin(const Head& head, ByteView data) {
  texts_.append(data.begin(), data.end());
  const bool transit = (head[1] & kFinal) != 0;
  const int stage = head[1] >> 2 & 3, next = head[1] & 3;
  Head out{};
  out[0] = kLoginResponse;
  std::copy_n(head.begin() + 8, 6, out.begin() + 8);    // ISID
  std::copy_n(head.begin() + 16, 4, out.begin() + 16);  // task tag
  expected_command_ = Get32(head, 24);
  if ((head[1] & kContinue) != 0) {
    out[1] = static_cast<std::uint8_t>(stage << 2);
    Send(out, {}, true);
    return true;
  }
  Keys offered;
  for (const auto& pair : Split(texts_, '\0')) {
    const std::size_t sign = pair.find('=');
    if (sign != std::string_view::npos) {
      offered[std::string(pair.substr(0, sign))] = std::string(pair.substr(sign + 1));
    }
  }
  texts_.clear();
  const Keys answers = Negotiate(offered, stage);
  if (const auto name = offered.find("TargetName");
      name != offered.end() && name->second != target_) {
    Put(out, 36, 2, 0x0203);  // target not found
    Send(out, {}, true);
    return false;
  }
  nexus_ = Cat(initiator_, ",i,0x", Hex(ByteView(head).subspan(8, 6)));
  out[1] = static_cast<std::uint8_t>((transit ? kFinal | next : 0) | stage << 2);
  if (transit && next == 3) {
    if (const int refused = handler_.login(*this); refused != 0) {
      Put(out, 36, 2, static_cast<std::uint64_t>(refused));
      Send(out, {}, true);
      return false;
    }
    if (over_) return true;
    Put(out, 14, 2, 1);  // TSIH
    full_feature_ = true;
  }
  std::string text;
  for (const auto& [key, value] : answers) text += Cat(key, "=", value) + '\0';
  Send(out, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, true);
  return true;
}

bool Connection::OnCommand(const Head& head, ByteView data) {
  auto command = std::make_shared<Command>();
  command->of = weak_from_this();
  command->nexus = nexus_;
  command->tag = Get32(head, 16);
  command->expected = Get32(head, 20);
  command->cdb.assign(head.begin() + 32, head.end());
  command->data.assign(data.begin(), data.end());
  const bool writes = (head[1] & kWrites) != 0;
  if (writes && (command->expected > kMostData || data.size() > command->expected)) return false;
  if (!writes || data.size() == command->expected) {
    handler_.command(std::move(command));
    return true;
  }
  const std::uint32_t tag = command->tag;
  receiving_[tag] = std::move(command);
  requests_[tag] = 0;
  Wanted(tag);
  return true;
}

void Connection::Wanted(std::uint32_t tag) {
  const auto command = receiving_.at(tag);
  const auto have = static_cast<std::uint32_t>(command->data.size());
  if (have >= command->expected) {
    receiving_.erase(tag);
    requests_.erase(tag);
    return handler_.command(command);
  }
  Head out{};
  out[0] = kReadyToTransfer;
  out[1] = kFinal;
  Put(out, 16, 4, tag);
  Put(out, 20, 4, tag);  // target transfer tag
  Put(out, 36, 4, requests_[tag]++);
  Put(out, 40, 4, have);
  Put(out, 44, 4, std::min(command->expected - have, kSegment));
  Send(out, {}, false);
}

bool Connection::OnDataOut(const Head& head, ByteView data) {
  const auto found = receiving_.find(Get32(head, 16));
  if (found == receiving_.end()) return true;  // of a command that was aborted
  Command& command = *found->second;
  if (Get32(head, 40) != command.data.size() ||
      data.size() > command.expected - command.data.size()) {
    return false;
  }
  command.data.insert(command.data.end(), data.begin(), data.end());
  if ((head[1] & kFinal) != 0) Wanted(found->first);
  return true;
}

bool Connection::OnNop(const Head& head, ByteView data) {
  if (Get32(head, 16) == kNoTag) return true;
  Head out{};
  out[0] = kNopIn;
  out[1] = kFinal;
  std::copy_n(head.begin() + 16, 4, out.begin() + 16);
  Put(out, 20, 4, kNoTag);
  Send(out, data, true);
  return true;
}

void Connection::Answer(const Command& command, const ScsiAnswer& answer) {
  if (over_) return;
  if (answer.status != kGood || answer.data.empty()) return SendResponse(command, answer);
  const std::size_t size = std::min<std::size_t>(answer.data.size(), command.expected);
  const std::size_t segment = std::min(their_segment_, kSegment);
  std::uint32_t number = 0;
  for (std::size_t at = 0; at < size;) {
    const std::size_t part = std::min(segment, size - at);
    const bool last = at + part == size;
    Head out{};
    out[0] = kDataIn;
    if (last) {
      const std::uint32_t missing = command.expected - static_cast<std::uint32_t>(size);
      out[1] = static_cast<std::uint8_t>(kFinal | kStatus | (missing > 0 ? kUnderflow : 0));
      Put(out, 44, 4, missing);
    }
    Put(out, 16, 4, command.tag);
    Put(out, 20, 4, kNoTag);
    Put(out, 36, 4, number++);
    Put(out, 40, 4, at);
    Send(out, ByteView(answer.data).subspan(at, part), last);
    at += part;
  }
}

void Connection::SendResponse(const Command& command, const ScsiAnswer& answer) {
  Head out{};
  out[0] = kScsiResponse;
  out[1] = kFinal;
  out[3] = static_cast<std::uint8_t>(answer.status);
  Put(out, 16, 4, command.tag);
  Bytes sense;
  if (answer.status == kCheck) {  // fixed format, SPC-4 4.5.3, after its length
    sense.assign(2 + 18, 0);
    PutBigEndian(sense, 0, 2, 18);
    sense[2] = 0x70;
    sense[4] = static_cast<std::uint8_t>(answer.key);
    sense[9] = 10;
    PutBigEndian(sense, 14, 2, static_cast<std::uint64_t>(answer.ascq));
  }
  Send(out, sense, true);
}

void Connection::AnswerManagement(std::uint32_t tag, int response) {
  if (over_) return;
  Head out{};
  out[0] = kManagementResponse;
  out[1] = kFinal;
  out[2] = static_cast<std::uint8_t>(response);
  Put(out, 16, 4, tag);
  Send(out, {}, true);
}

void Connection::Send(Head head, ByteView data, bool counts) {
  Put(head, 5, 3, data.size());
  Put(head, 24, 4, counts ? status_number_++ : head[0] == kReadyToTransfer ? status_number_ : 0);
  Put(head, 28, 4, expected_command_);
  Put(head, 32, 4, expected_command_ + kWindow);
  out_.insert(out_.end(), head.begin(), head.end());
  out_.insert(out_.end(), data.begin(), data.end());
  out_.insert(out_.end(), (4 - data.size() % 4) % 4, 0);
  Flush();
}

void Connection::Flush() {
  while (!out_.empty() && !hung_ && !over_) {
    const ssize_t sent = send(fd_.get(), out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) out_.clear();  // the reader will notice
    if (sent <= 0) break;
    out_.erase(out_.begin(), out_.begin() + sent);
  }
  if (!over_) Watch();
}

}  // namespace fencepost::doubles
