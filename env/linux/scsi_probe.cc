#include "env/linux/scsi_probe.h"

#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "env/linux/iscsi_disk_barrier.h"
#include "env/linux/iscsi_disk_session.h"

namespace fencepost {
namespace {

// SPC-4 and SBC-3: operation codes and service actions.
constexpr std::uint8_t kTestUnitReady = 0x00, kInquiry = 0x12, kModeSense6 = 0x1A, kPrIn = 0x5E,
                       kRead16 = 0x88, kCompareAndWrite = 0x89, kWrite16 = 0x8A, kSync16 = 0x91,
                       kWriteAtomic16 = 0x9C, kServiceIn16 = 0x9E, kReadCapacity16 = 0x10;
constexpr std::uint8_t kForceUnitAccess = 0x08, kReportCapabilities = 2, kCachingPage = 0x08;
constexpr std::uint8_t kBlockLimits = 0xB0;
constexpr int kMiscompare = 0x0E;
constexpr std::uint32_t kScratchBytes = 4096;
constexpr std::string_view kInitiatorPrefix = "iqn.2026-01.org.fencepost:";
constexpr std::uint16_t kProbeQualifier = 0x0200;  // no node has it

using Answer = Tried::Answer;

std::uint64_t BigEndian(ByteView bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t b : bytes) value = value << 8 | b;
  return value;
}
std::uint64_t At(ByteView data, std::size_t offset, std::size_t bytes) {
  return data.size() < offset + bytes ? 0 : BigEndian(data.subspan(offset, bytes));
}
void PutBigEndian(Bytes& out, std::size_t at, std::size_t count, std::uint64_t value) {
  for (std::size_t i = count; i-- > 0; value >>= 8) out[at + i] = static_cast<std::uint8_t>(value);
}

std::string Words(const ScsiReply& r) {
  if (r.status == kReservationConflict) return "reservation conflict";
  Bytes code(2, 0);
  PutBigEndian(code, 0, 2, static_cast<std::uint64_t>(r.ascq));
  return Cat("status ", r.status, ", sense ", r.sense_key, "/", Hex(code));
}
Tried Of(const ScsiReply& r) {
  return r.Good() ? Tried{Answer::kYes, "accepted"} : Tried{Answer::kNo, Words(r)};
}

class Prober {
 public:
  Prober(Loop& loop, const ScsiProbeTask& task) : loop_(loop), task_(task) {}

  Result<ScsiAbilities, IoError> Run() {
    auto main = Login("probe", kProbeQualifier);
    if (!main.ok()) return main.error();
    main_ = std::move(main.value());
    Ask();
    if (task_.scratch && !broken_) Try();
    if (!broken_) Reinstate();
    if (broken_) return *broken_;
    return found_;
  }

 private:
  using Session = std::unique_ptr<IscsiSession>;

  template <class Start>
  auto Wait(Start start) {
    using Reply = Result<ScsiReply, IoError>;
    std::optional<Reply> answer;
    start([&](Reply reply) {
      answer.emplace(std::move(reply));
      loop_.Stop();
    });
    while (!answer) loop_.Run();
    return std::move(*answer);
  }
  [[nodiscard]] MonoTime Deadline() const { return loop_.Now() + task_.patience; }

  Result<Session, IoError> Login(const std::string& who, std::uint16_t qualifier) {
    ByteWriter cluster;
    cluster.PutBytes(ByteView(task_.cluster.bytes).first(4));
    auto session = std::make_unique<IscsiSession>(
        loop_, IscsiLogin{task_.target, task_.secret,
                          Cat(kInitiatorPrefix, Hex(cluster.bytes()), ":", who), qualifier});
    std::optional<Result<Ok, IoError>> answer;
    session->Login(Deadline(), [&](Result<Ok, IoError> result) {
      answer.emplace(std::move(result));
      loop_.Stop();
    });
    while (!answer) loop_.Run();
    if (!answer->ok()) return answer->error();
    return session;
  }

  // A reply always; a session that fails is remembered, and every later reply is bad.
  ScsiReply Send(IscsiSession& to, const ScsiCommand& command) {
    for (int i = 0; i < kMaxAttentions; ++i) {
      auto reply = Wait([&](auto done) { to.Send(ScsiCommand(command), Deadline(), done); });
      if (!reply.ok()) {
        if (&to == main_.get() && !broken_) broken_ = reply.error();
        return {kCheckCondition, 0, 0, {}};
      }
      const bool attention = reply->status == kTaskAborted || (reply->status == kCheckCondition &&
                                                               reply->sense_key == kUnitAttention);
      if (!attention) return std::move(reply.value());
    }
    return {kCheckCondition, kUnitAttention, 0, {}};
  }
  ScsiReply Send(const ScsiCommand& command) { return Send(*main_, command); }

  void Ask() {
    const ScsiReply inquiry = Send({{kInquiry, 0, 0, 0, 96, 0}, {}, 96});
    const auto text = [&](std::size_t from, std::size_t bytes) {
      if (inquiry.data.size() < from + bytes) return std::string();
      const auto first = inquiry.data.begin() + static_cast<std::ptrdiff_t>(from);
      std::string raw(first, first + static_cast<std::ptrdiff_t>(bytes));
      return std::string(Trim(raw));
    };
    if (inquiry.Good()) found_.product = Cat(text(8, 8), " ", text(16, 16), " ", text(32, 4));
    ScsiCommand capacity{Bytes(16, 0), {}, 32};
    capacity.cdb[0] = kServiceIn16;
    capacity.cdb[1] = kReadCapacity16;
    PutBigEndian(capacity.cdb, 10, 4, 32);
    const ScsiReply size = Send(capacity);
    sector_ = static_cast<std::uint32_t>(At(size.data, 8, 4));
    if (size.Good() && size.data.size() > 13) {
      found_.physical_bytes = sector_ << (size.data[13] & 0x0F);
    }
    AskMode();
    const ScsiReply limits = Send({{kInquiry, 1, kBlockLimits, 0, 64, 0}, {}, 64});
    if (limits.Good()) {
      found_.compare_blocks = static_cast<std::uint32_t>(At(limits.data, 5, 1));
      found_.atomic_blocks = static_cast<std::uint32_t>(At(limits.data, 44, 4));
    }
    AskReservations();
  }

  void AskMode() {
    const ScsiReply mode = Send({{kModeSense6, 0, kCachingPage, 0, 64, 0}, {}, 64});
    if (!mode.Good() || mode.data.size() < 4) return;
    found_.write_protected = (mode.data[2] & 0x80) != 0;
    found_.claims_fua = (mode.data[2] & 0x10) != 0;
    const std::size_t page = 4 + mode.data[3];
    if (mode.data.size() > page + 2 && (mode.data[page] & 0x3F) == kCachingPage) {
      found_.write_cache = (mode.data[page + 2] & 0x04) != 0;
    }
  }

  void AskReservations() {
    ScsiCommand ask{Bytes(10, 0), {}, 8};
    ask.cdb[0] = kPrIn;
    ask.cdb[1] = kReportCapabilities;
    PutBigEndian(ask.cdb, 7, 2, 8);
    const ScsiReply told = Send(ask);
    if (!told.Good() || told.data.size() < 6) return;
    found_.keeps_keys = (told.data[2] & 0x01) != 0;
    constexpr std::pair<int, int> kTypeBits[] = {{1, 1}, {3, 3}, {5, 5}, {6, 6}, {7, 7}};
    if ((told.data[3] & 0x80) == 0) return;  // the mask is not valid
    for (const auto& [type, bit] : kTypeBits) {
      if ((told.data[4] >> bit & 1) != 0) found_.claimed_types.push_back(type);
    }
    if ((told.data[5] & 1) != 0) found_.claimed_types.push_back(8);
  }

  [[nodiscard]] ScsiCommand Range(std::uint8_t operation) const {
    ScsiCommand command{Bytes(16, 0), {}, 0};
    command.cdb[0] = operation;
    PutBigEndian(command.cdb, 2, 8, *task_.scratch / sector_);
    PutBigEndian(command.cdb, 10, 4, kScratchBytes / sector_);
    return command;
  }
  [[nodiscard]] ScsiCommand WriteOf(const Bytes& data, bool fua) const {
    ScsiCommand write = Range(kWrite16);
    if (fua) write.cdb[1] = kForceUnitAccess;
    write.data_out = data;
    return write;
  }

  void Try() {
    if (found_.write_protected) {
      found_.barrier = {Answer::kNotTried, "the unit is write-protected"};
      return;
    }
    ScsiCommand read = Range(kRead16);
    read.data_in = kScratchBytes;
    const ScsiReply before = Send(read);
    if (!before.Good() || before.data.size() != kScratchBytes) return;
    const MonoTime began = loop_.Now();
    const Writer writer = MakeWriter(task_.cluster, NodeId(), Incarnation(2));
    std::optional<Result<std::uint64_t, IoError>> key;
    EstablishBarrier(*main_, writer, Deadline(), [&](Result<std::uint64_t, IoError> result) {
      key.emplace(std::move(result));
      loop_.Stop();
    });
    while (!key) loop_.Run();
    found_.barrier_took = loop_.Now() - began;
    if (!key->ok()) {
      found_.barrier = {Answer::kNo, key->error().text};
      if (main_->ended()) broken_ = key->error();
      return;
    }
    found_.barrier = {Answer::kYes, "reservation, PREEMPT of own keys, LOGICAL UNIT RESET"};
    TryOthers(before.data);
    TryWrites(before.data);
    TryCompare(before.data);
    TryAtomic(before.data);
    Send(WriteOf(before.data, false));
    Send(Range(kSync16));
    ForgetKey(*main_, key->value(), Deadline(), [this](const auto&) { loop_.Stop(); });
    loop_.Run();
  }

  // Another initiator, without a key: it may read, and must not be able to write.
  void TryOthers(const Bytes& data) {
    const auto other = Login("probe-other", kProbeQualifier + 1);
    if (!other.ok()) {
      found_.others_excluded.text = other.error().text;
      return;
    }
    const ScsiReply refused = Send(**other, WriteOf(data, false));
    const bool excluded = refused.status == kReservationConflict;
    found_.others_excluded = {excluded ? Answer::kYes : Answer::kNo,
                              refused.Good() ? "its write was accepted" : Words(refused)};
  }

  Duration Median(const std::function<ScsiReply()>& one) {
    std::vector<Duration> took;
    for (int i = 0; i < kProbeWrites && !broken_; ++i) {
      const MonoTime began = loop_.Now();
      if (!one().Good()) return Duration();
      took.push_back(loop_.Now() - began);
    }
    if (took.empty()) return Duration();
    std::sort(took.begin(), took.end());
    return took[took.size() / 2];
  }

  void TryWrites(const Bytes& data) {
    found_.fua = Of(Send(WriteOf(data, true)));
    found_.flush = Of(Send(Range(kSync16)));
    found_.plain_write = Median([&] { return Send(WriteOf(data, false)); });
    if (found_.fua.answer == Answer::kYes) {
      found_.fua_write = Median([&] { return Send(WriteOf(data, true)); });
    }
    if (found_.flush.answer == Answer::kYes) {
      found_.flushed_write = Median([&] {
        const ScsiReply written = Send(WriteOf(data, false));
        return written.Good() ? Send(Range(kSync16)) : written;
      });
    }
  }

  // Equal: it writes. Not equal: it must not, and says so.
  void TryCompare(const Bytes& data) {
    const Bytes block(data.begin(), data.begin() + sector_);
    ScsiCommand swap{Bytes(16, 0), block, 0};
    swap.cdb[0] = kCompareAndWrite;
    PutBigEndian(swap.cdb, 2, 8, *task_.scratch / sector_);
    swap.cdb[13] = 1;
    swap.data_out.insert(swap.data_out.end(), block.begin(), block.end());
    found_.compare_and_write = Of(Send(swap));
    if (found_.compare_and_write.answer != Answer::kYes) return;
    swap.data_out[0] ^= 0xFF;
    const ScsiReply differs = Send(swap);
    if (differs.status == kCheckCondition && differs.sense_key == kMiscompare) return;
    found_.compare_and_write = {Answer::kNo, "it does not notice a difference"};
  }

  void TryAtomic(const Bytes& data) {
    ScsiCommand write = Range(kWriteAtomic16);
    PutBigEndian(write.cdb, 10, 4, kScratchBytes / sector_);  // boundary 0, length
    write.data_out = data;
    found_.write_atomic = Of(Send(write));
  }

  // Does a second login of the same initiator port end the first session?
  void Reinstate() {
    const auto again = Login("probe", kProbeQualifier);
    if (!again.ok()) {
      found_.session_reinstated = {Answer::kNo, Cat("a second login: ", again.error().text)};
      return;
    }
    const auto reply = Wait([&](auto done) {
      main_->Send({Bytes(6, kTestUnitReady), {}, 0}, Deadline(), done);
    });
    found_.session_reinstated =
        reply.ok() ? Tried{Answer::kNo, "both sessions live"}
                   : Tried{Answer::kYes, "the older session was ended by the target"};
  }

  Loop& loop_;
  const ScsiProbeTask& task_;
  Session main_;
  ScsiAbilities found_;
  std::uint32_t sector_ = 512;
  std::optional<IoError> broken_;
};

}  // namespace

Result<ScsiAbilities, IoError> ProbeScsi(Loop& loop, const ScsiProbeTask& task) {
  return Prober(loop, task).Run();
}

}  // namespace fencepost
