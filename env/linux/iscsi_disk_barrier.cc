#include "env/linux/iscsi_disk_barrier.h"

#include <algorithm>

#include "base/big_endian.h"
#include "base/text.h"

namespace fencepost {
namespace {

// SPC-4: operation codes, service actions, type.
constexpr std::uint8_t kPrIn = 0x5E, kPrOut = 0x5F;
constexpr std::uint8_t kReadKeys = 0, kReadReservation = 1;
constexpr std::uint8_t kRegister = 0, kReserve = 1, kPreempt = 4, kRegisterAndIgnore = 6;
constexpr std::uint8_t kWriteExclusiveRegistrantsOnly = 5;
constexpr std::size_t kPrOutBytes = 24;
constexpr std::size_t kPrInHead = 8;
constexpr std::uint32_t kPrInBytes = kPrInHead + 8 * kMaxListedKeys;

using Step = std::function<void(ScsiReply)>;
using Fail = std::function<void(IoError)>;

std::string KeyText(std::uint64_t key) {
  Bytes bytes(8, 0);
  PutBigEndian(bytes, 0, 8, key);
  return Cat("0x", Hex(bytes));
}

ScsiCommand PrIn(std::uint8_t action) {
  ScsiCommand command{Bytes(10, 0), {}, kPrInBytes};
  command.cdb[0] = kPrIn;
  command.cdb[1] = action;
  PutBigEndian(command.cdb, 7, 2, kPrInBytes);
  return command;
}

ScsiCommand PrOut(std::uint8_t action, std::uint64_t key, std::uint64_t action_key) {
  ScsiCommand command{Bytes(10, 0), Bytes(kPrOutBytes, 0), 0};
  command.cdb[0] = kPrOut;
  command.cdb[1] = action;
  command.cdb[2] = kWriteExclusiveRegistrantsOnly;
  PutBigEndian(command.cdb, 5, 4, kPrOutBytes);
  PutBigEndian(command.data_out, 0, 8, key);
  PutBigEndian(command.data_out, 8, 8, action_key);
  return command;
}

// What the unit answers to a command that was not carried out for a passing reason: again.
void SendRepeating(ScsiPort& port, ScsiCommand command, MonoTime deadline, Step good, Fail fail,
                   int attentions = 0) {
  ScsiCommand copy = command;
  port.Send(std::move(copy), deadline,
            [&port, command = std::move(command), deadline, good = std::move(good),
             fail = std::move(fail), attentions](Result<ScsiReply, IoError> reply) mutable {
              if (!reply.ok()) return fail(reply.error());
              const bool attention =
                  reply->status == kTaskAborted ||
                  (reply->status == kCheckCondition && reply->sense_key == kUnitAttention);
              if (attention && attentions < kMaxAttentions) {
                return SendRepeating(port, std::move(command), deadline, std::move(good),
                                     std::move(fail), attentions + 1);
              }
              good(std::move(reply.value()));
            });
}

Result<std::vector<std::uint64_t>, IoError> ParseKeys(const ScsiReply& reply) {
  if (!reply.Good() || reply.data.size() < kPrInHead) {
    return IoError{IoKind::kNoBarrier,
                   Cat("the target does not list reservation keys (sense ", reply.sense_key, ")")};
  }
  const ByteView data(reply.data);
  const std::uint64_t length = BigEndian(data.subspan(4, 4));
  if (length % 8 != 0 || length > data.size() - kPrInHead) {
    return IoError{IoKind::kNoBarrier, Cat("the list of reservation keys has ", length,
                                           " bytes, of which ", data.size() - kPrInHead,
                                           " came; at most ", kMaxListedKeys, " keys are handled")};
  }
  std::vector<std::uint64_t> keys;
  for (std::size_t at = 0; at < length; at += 8) {
    keys.push_back(BigEndian(data.subspan(kPrInHead + at, 8)));
  }
  return keys;
}

// The steps of one Establish; shared by the callbacks under way.
class Sequence : public std::enable_shared_from_this<Sequence> {
 public:
  using Done = std::function<void(Result<std::uint64_t, IoError>)>;
  Sequence(ScsiPort& port, const Writer& writer, MonoTime deadline, Done done)
      : port_(port), writer_(writer), deadline_(deadline), done_(std::move(done)) {}

  void Begin() {
    Look([self = shared_from_this()](const Reservations& r) { self->Register(r); });
  }

 private:
  void Look(std::function<void(const Reservations&)> next) {
    ReadReservations(port_, deadline_,
                     [self = shared_from_this(), next = std::move(next)](const auto& r) {
                       if (!r.ok()) return self->done_(r.error());
                       next(r.value());
                     });
  }

  void Order(std::uint8_t action, std::uint64_t key, std::uint64_t action_key, Step next) {
    SendRepeating(port_, PrOut(action, key, action_key), deadline_, std::move(next),
                  [self = shared_from_this()](IoError error) { self->done_(std::move(error)); });
  }

  void Register(const Reservations& r) {
    const auto listed = [&](std::uint64_t key) {
      return std::find(r.keys.begin(), r.keys.end(), key) != r.keys.end();
    };
    key_ = writer_.key;
    while (listed(key_)) key_ = writer_.old_key_base | ((key_ + 1) & kWriterKeyMask);
    for (const std::uint64_t key : r.keys) {
      const bool known = std::find(old_.begin(), old_.end(), key) != old_.end();
      if (IsKeyOf(writer_, key) && !known) old_.push_back(key);
    }
    Order(kRegisterAndIgnore, 0, key_, [self = shared_from_this(), r](const ScsiReply& reply) {
      if (!reply.Good()) return self->Refused("REGISTER AND IGNORE EXISTING KEY", reply);
      self->Reserve(r);
    });
  }

  void Reserve(const Reservations& r) {
    if (r.reserved) return PreemptNext();  // also of another type: found when it is read back
    Order(kReserve, key_, 0, [self = shared_from_this()](const ScsiReply& reply) {
      // A peer was quicker: its reservation serves as well as ours.
      if (reply.Good() || reply.status == kReservationConflict) return self->PreemptNext();
      self->Refused("RESERVE", reply);
    });
  }

  void PreemptNext() {
    if (old_.empty()) return Reset();
    const std::uint64_t key = old_.back();
    old_.pop_back();
    Order(kPreempt, key_, key, [self = shared_from_this()](const ScsiReply& reply) {
      // Conflict: the key has gone meanwhile, or we were preempted. Reading back tells.
      if (reply.Good() || reply.status == kReservationConflict) return self->PreemptNext();
      self->Refused("PREEMPT", reply);
    });
  }

  void Reset() {
    port_.ResetUnit(deadline_, [self = shared_from_this()](const auto& reply) {
      if (!reply.ok()) return self->done_(reply.error());
      self->Look([self](const Reservations& r) {
        const auto why = WhyNotInForce(r, self->writer_, self->key_);
        if (!why) return self->done_(self->key_);
        self->done_(IoError{IoKind::kConflict, *why});
      });
    });
  }

  void Refused(const char* what, const ScsiReply& reply) {
    if (reply.status == kReservationConflict) {
      return done_(IoError{IoKind::kConflict, Cat(what,
                                                  " was refused: another initiator reserved "
                                                  "this unit")});
    }
    done_(IoError{IoKind::kNoBarrier, Cat("the target refuses ", what, " (status ", reply.status,
                                          ", sense ", reply.sense_key,
                                          "); persistent reservations are needed to exclude older "
                                          "writes")});
  }

  ScsiPort& port_;
  const Writer writer_;
  const MonoTime deadline_;
  const Done done_;
  std::uint64_t key_ = 0;
  std::vector<std::uint64_t> old_;
};

}  // namespace

std::optional<std::string> WhyNotInForce(const Reservations& r, const Writer& writer,
                                         std::uint64_t key) {
  if (std::find(r.keys.begin(), r.keys.end(), key) == r.keys.end()) {
    return Cat("our reservation key ", KeyText(key),
               " is gone: this node was preempted, or the target forgot its reservations");
  }
  for (const std::uint64_t other : r.keys) {
    if (other != key && IsKeyOf(writer, other)) {
      return Cat("key ", KeyText(other), " of this node appeared beside ours (", KeyText(key),
                 "): is a second machine running with the same node id?");
    }
  }
  if (!r.reserved) return std::string("the unit is not reserved any more");
  if (r.type != kWriteExclusiveRegistrantsOnly) {
    return Cat("the unit has a reservation of type ", r.type, " instead of ",
               static_cast<int>(kWriteExclusiveRegistrantsOnly),
               " (write exclusive, registrants only); is it used for something else?");
  }
  return std::nullopt;
}

void ReadReservations(ScsiPort& port, MonoTime deadline,
                      std::function<void(Result<Reservations, IoError>)> done) {
  const auto fail = [done](IoError error) { done(std::move(error)); };
  SendRepeating(
      port, PrIn(kReadKeys), deadline,
      [&port, deadline, done, fail](const ScsiReply& listed) {
        auto keys = ParseKeys(listed);
        if (!keys.ok()) return done(keys.error());
        SendRepeating(
            port, PrIn(kReadReservation), deadline,
            [done, keys = std::move(keys.value())](const ScsiReply& reply) {
              Reservations r{keys, false, 0};
              if (!reply.Good() || reply.data.size() < kPrInHead) {
                return done(
                    IoError{IoKind::kNoBarrier, "the target does not tell its reservation"});
              }
              const ByteView data(reply.data);
              r.reserved = BigEndian(data.subspan(4, 4)) >= 16 && data.size() >= 24;
              if (r.reserved) r.type = data[21] & 0x0F;
              done(std::move(r));
            },
            fail);
      },
      fail);
}

void ForgetKey(ScsiPort& port, std::uint64_t key, MonoTime deadline, ScsiPort::Done done) {
  port.Send(PrOut(kRegister, key, 0), deadline, std::move(done));
}

void EstablishBarrier(ScsiPort& port, const Writer& writer, MonoTime deadline,
                      std::function<void(Result<std::uint64_t, IoError>)> done) {
  std::make_shared<Sequence>(port, writer, deadline, std::move(done))->Begin();
}

}  // namespace fencepost
