#include "fence-agents/scsi/reservations.h"

#include <algorithm>

#include "base/text.h"

namespace fencepost::scsi {
namespace {

using agent::Cause;
using agent::Failed;
using agent::Failure;
using agent::Phase;

constexpr std::uint8_t kInquiry = 0x12, kPrIn = 0x5E, kPrOut = 0x5F;
constexpr std::uint8_t kReadKeys = 0, kReadReservation = 1;
constexpr std::uint8_t kReserve = 1, kPreempt = 4, kPreemptAndAbort = 5, kRegisterAndIgnore = 6;
constexpr std::size_t kHead = 8, kOutBytes = 24, kReservationBytes = 16;
constexpr std::uint32_t kInBytes = kHead + 8 * kMaxKeys;
constexpr std::uint32_t kInquiryBytes = 252;
constexpr int kGood = 0, kCheckCondition = 0x02, kReservationConflict = 0x18, kTaskAborted = 0x40;
constexpr int kIllegalRequest = 5, kUnitAttention = 6;

std::uint64_t BigEndian(ByteView bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t b : bytes) value = value << 8 | b;
  return value;
}

void Put(Bytes* out, std::size_t at, std::size_t count, std::uint64_t value) {
  for (std::size_t i = count; i-- > 0; value >>= 8) {
    (*out)[at + i] = static_cast<std::uint8_t>(value);
  }
}

}  // namespace

std::string KeyText(Key key) {
  Bytes bytes(8, 0);
  Put(&bytes, 0, 8, key);
  return "0x" + Hex(bytes);
}

bool Standing::Has(Key key) const { return std::find(keys.begin(), keys.end(), key) != keys.end(); }

bool Standing::Excludes() const {
  // Registrants only (5, 6) and all registrants (7, 8), write exclusive and exclusive access.
  return type && *type >= kWriteExclusiveRegistrantsOnly && *type <= 8;
}

Result<Reply, Failure> Reservations::Ask(const Bytes& cdb, const Bytes& out, std::uint32_t in,
                                         MonoTime deadline) {
  for (int attentions = 0;; ++attentions) {
    auto reply = unit_.Send(cdb, out, in, deadline);
    if (!reply) return reply;
    const bool again = reply->status == kTaskAborted ||
                       (reply->status == kCheckCondition && reply->sense_key == kUnitAttention);
    if (!again || attentions == kMaxAttentions) return reply;
  }
}

Failure Reservations::Refused(const std::string& what, const Reply& reply) const {
  return Failed(Phase::kVerify, Cause::kDeviceError, unit_.Name(),
                Cat("refuses ", what, " (status ", reply.status, ", sense ", reply.sense_key, "/",
                    reply.ascq, ")"),
                "this unit cannot be used for fencing without persistent reservations");
}

Result<Reply, Failure> Reservations::In(std::uint8_t action, MonoTime deadline) {
  Bytes cdb(10, 0);
  cdb[0] = kPrIn;
  cdb[1] = action;
  Put(&cdb, 7, 2, kInBytes);
  auto reply = Ask(cdb, {}, kInBytes, deadline);
  if (!reply) return reply;
  const std::string what = action == kReadKeys ? "READ KEYS" : "READ RESERVATION";
  if (reply->status != kGood || reply->data.size() < kHead) return Refused(what, *reply);
  const std::uint64_t length = BigEndian(ByteView(reply->data).subspan(4, 4));
  if (length > reply->data.size() - kHead) {
    return Failed(Phase::kVerify, Cause::kUnclear, unit_.Name(),
                  Cat("answers ", what, " with ", length, " bytes, of which ",
                      reply->data.size() - kHead, " came"),
                  Cat("at most ", kMaxKeys, " keys are handled"));
  }
  reply->data.erase(reply->data.begin() + static_cast<std::ptrdiff_t>(kHead + length),
                    reply->data.end());
  return reply;
}

Result<Standing, Failure> Reservations::Look(MonoTime deadline) {
  Standing out;
  const auto keys = In(kReadKeys, deadline);
  if (!keys) return keys.error();
  const auto reservation = In(kReadReservation, deadline);
  if (!reservation) return reservation.error();
  const ByteView list(keys->data), holder(reservation->data);
  out.generation = static_cast<std::uint32_t>(BigEndian(list.first(4)));
  if ((list.size() - kHead) % 8 != 0 ||
      (holder.size() != kHead && holder.size() < kHead + kReservationBytes)) {
    return Failed(Phase::kVerify, Cause::kUnclear, unit_.Name(), "gives a list of broken length");
  }
  for (std::size_t at = kHead; at < list.size(); at += 8) {
    out.keys.push_back(BigEndian(list.subspan(at, 8)));
  }
  if (holder.size() > kHead) out.type = holder[kHead + 13] & 0x0F;
  if (BigEndian(holder.first(4)) != out.generation) {
    return Failed(Phase::kVerify, Cause::kUnclear, unit_.Name(),
                  "changed its registrations while they were read", "ask again");
  }
  return out;
}

Result<std::string, Failure> Reservations::Designator(MonoTime deadline) {
  Bytes cdb(6, 0);
  cdb[0] = kInquiry;
  cdb[1] = 1;
  cdb[2] = 0x83;
  Put(&cdb, 3, 2, kInquiryBytes);
  const auto reply = Ask(cdb, {}, kInquiryBytes, deadline);
  if (!reply) return reply.error();
  if (reply->status != kGood || reply->data.size() < 8) return Refused("INQUIRY page 83h", *reply);
  const ByteView page(reply->data);
  std::string best;
  int best_rank = 0;
  for (std::size_t at = 4; at + 4 <= page.size();) {
    const std::size_t length = page[at + 3];
    if (at + 4 + length > page.size()) break;
    const int association = page[at + 1] >> 4 & 3, type = page[at + 1] & 0x0F;
    // NAA, then EUI-64, then the vendor's own: of the unit itself.
    const int rank = association != 0 ? 0 : type == 3 ? 3 : type == 2 ? 2 : type == 1 ? 1 : 0;
    if (rank > best_rank) {
      best_rank = rank;
      best = Cat(type, ":", Hex(page.subspan(at + 4, length)));
    }
    at += 4 + length;
  }
  if (!best.empty()) return best;
  return Failed(Phase::kSelect, Cause::kUnclear, unit_.Name(), "has no designator of its own",
                "without it several units cannot be put into one order");
}

Result<Order, Failure> Reservations::Out(std::uint8_t action, Key key, Key action_key,
                                         MonoTime deadline) {
  Bytes cdb(10, 0), data(kOutBytes, 0);
  cdb[0] = kPrOut;
  cdb[1] = action;
  cdb[2] = kWriteExclusiveRegistrantsOnly;
  Put(&cdb, 5, 4, kOutBytes);
  Put(&data, 0, 8, key);
  Put(&data, 8, 8, action_key);
  if (action == kRegisterAndIgnore && aptpl_) data[20] = 1;
  const auto reply = Ask(cdb, data, 0, deadline);
  if (!reply) return reply.error();
  if (reply->status == kGood) return Order::kDone;
  if (reply->status == kReservationConflict) return Order::kConflict;
  if (reply->status == kCheckCondition && reply->sense_key == kIllegalRequest) {
    return Order::kUnsupported;
  }
  return Refused(Cat("PERSISTENT RESERVE OUT ", static_cast<int>(action)), *reply);
}

Result<Order, Failure> Reservations::Register(Key key, MonoTime deadline) {
  return Out(kRegisterAndIgnore, 0, key, deadline);
}
Result<Order, Failure> Reservations::Reserve(Key own, MonoTime deadline) {
  return Out(kReserve, own, 0, deadline);
}
Result<Order, Failure> Reservations::Preempt(Key own, Key other, bool abort, MonoTime deadline) {
  return Out(abort ? kPreemptAndAbort : kPreempt, own, other, deadline);
}

}  // namespace fencepost::scsi
