#include "env/linux/iscsi_disk_unit.h"

#include "base/big_endian.h"
#include "base/check.h"
#include "base/text.h"
#include "env/linux/iscsi_disk_barrier.h"

namespace fencepost {
namespace {

constexpr std::uint8_t kInquiry = 0x12, kRead16 = 0x88, kWrite16 = 0x8A, kSync16 = 0x91,
                       kServiceIn16 = 0x9E, kReadCapacity16 = 0x10;
constexpr std::uint8_t kForceUnitAccess = 0x08;
constexpr std::uint8_t kVitalProductData = 1, kDeviceIdentification = 0x83;
constexpr std::uint32_t kInquiryBytes = 252, kCapacityBytes = 32;

Bytes RangeCdb(std::uint8_t operation, std::uint64_t block, std::uint64_t count) {
  Bytes cdb(16, 0);
  cdb[0] = operation;
  PutBigEndian(cdb, 2, 8, block);
  PutBigEndian(cdb, 10, 4, count);
  return cdb;
}

// The first designator of the unit itself, strongest kind first: NAA, EUI-64, T10. SPC-4, 7.8.6.
std::string Designator(ByteView page) {
  if (page.size() < 4) return "";
  page = page.subspan(4, std::min<std::size_t>(page.size() - 4, BigEndian(page.subspan(2, 2))));
  std::string best;
  int best_rank = 0;
  while (page.size() >= 4) {
    const std::size_t length = page[3];
    if (length > page.size() - 4) break;
    const ByteView id = page.subspan(4, length);
    const int type = page[1] & 0x0F, association = page[1] >> 4 & 3;
    const int rank = association != 0 ? 0 : type == 3 ? 3 : type == 2 ? 2 : type == 1 ? 1 : 0;
    if (rank > best_rank) {
      best_rank = rank;
      best = Cat(rank == 3 ? "naa." : rank == 2 ? "eui." : "t10.", Hex(id));
    }
    page = page.subspan(4 + length);
  }
  return best;
}

bool IsAttention(const ScsiReply& r) {
  return r.status == kCheckCondition && r.sense_key == kUnitAttention;
}
// Power on, reset, bus reset (29xx) and changed parameters, reservations, registrations (2axx).
bool TouchesReservations(const ScsiReply& r) {
  return r.status == kTaskAborted ||
         (IsAttention(r) && (r.ascq >> 8 == 0x29 || r.ascq >> 8 == 0x2A));
}

}  // namespace

// One command to be carried out, whatever it takes.
struct ScsiUnit::Job {
  const char* what = "";
  ScsiCommand command;
  MonoTime deadline{};
  ScsiPort::Done done;
  bool needs_barrier = false;
  int attempts = 0;
};

ScsiUnit::ScsiUnit(Clock& clock, ScsiPort& port, std::string name)
    : clock_(clock), port_(port), name_(std::move(name)) {}
ScsiUnit::~ScsiUnit() { *alive_ = false; }

void ScsiUnit::Identify(MonoTime deadline, BlockDevice::OpenDone done) {
  ScsiCommand inquiry{
      Bytes{kInquiry, kVitalProductData, kDeviceIdentification, 0, kInquiryBytes, 0},
      {},
      kInquiryBytes};
  auto job = std::make_shared<Job>();
  *job = {"INQUIRY", std::move(inquiry), deadline,
          [this, deadline, done](Result<ScsiReply, IoError> reply) {
            if (!reply.ok()) return done(reply.error());
            ReadCapacity(deadline, reply->Good() ? Designator(reply->data) : "", done);
          }};
  Run(job);
}

void ScsiUnit::ReadCapacity(MonoTime deadline, std::string designator, BlockDevice::OpenDone done) {
  Bytes cdb(16, 0);
  cdb[0] = kServiceIn16;
  cdb[1] = kReadCapacity16;
  PutBigEndian(cdb, 10, 4, kCapacityBytes);
  auto job = std::make_shared<Job>();
  *job = {"READ CAPACITY", ScsiCommand{std::move(cdb), {}, kCapacityBytes}, deadline,
          [this, designator = std::move(designator), done](Result<ScsiReply, IoError> reply) {
            if (!reply.ok()) return done(reply.error());
            if (!reply->Good()) return done(Explain(reply.value(), "READ CAPACITY"));
            const ByteView data(reply->data);
            const std::uint64_t sector = data.size() < 12 ? 0 : BigEndian(data.subspan(8, 4));
            if (sector != 512 && sector != 4096) {
              return done(IoError{IoKind::kMedium, Cat(name_, ": has sectors of ", sector,
                                                       " bytes; 512 and 4096 are supported")});
            }
            const std::uint64_t last = BigEndian(data.first(8));
            if (last >= std::uint64_t{1} << 50) {
              return done(IoError{IoKind::kMedium, Cat(name_, ": claims ", last, " sectors")});
            }
            info_ = {static_cast<std::uint32_t>(sector), (last + 1) * sector, designator, ""};
            done(info_);
          }};
  Run(job);
}

void ScsiUnit::BecomeWriter(const Writer& writer, std::uint64_t key) {
  writer_ = writer;
  key_ = key;
}

bool ScsiUnit::InRange(std::uint64_t offset, std::uint64_t length) const {
  FENCEPOST_CHECK(offset % info_.sector_bytes == 0 && length % info_.sector_bytes == 0);
  return length > 0 && offset <= info_.size_bytes && length <= info_.size_bytes - offset;
}

void ScsiUnit::Read(std::uint64_t offset, std::uint32_t length, MonoTime deadline,
                    BlockDevice::ReadDone done) {
  FENCEPOST_CHECK(InRange(offset, length));
  auto job = std::make_shared<Job>();
  *job = {"READ",
          {RangeCdb(kRead16, offset / info_.sector_bytes, length / info_.sector_bytes), {}, length},
          deadline,
          [this, length, done = std::move(done)](Result<ScsiReply, IoError> reply) {
            if (!reply.ok()) return done(reply.error());
            if (!reply->Good()) return done(Explain(reply.value(), "READ"));
            if (reply->data.size() != length) {
              return done(IoError{IoKind::kMedium, Cat(name_, ": a READ of ", length,
                                                       " bytes gave ", reply->data.size())});
            }
            done(std::move(reply->data));
          }};
  Run(job);
}

void ScsiUnit::Write(std::uint64_t offset, Bytes data, MonoTime deadline,
                     BlockDevice::WriteDone done) {
  FENCEPOST_CHECK(InRange(offset, data.size()) && writer_);
  const std::uint64_t block = offset / info_.sector_bytes;
  const std::uint64_t count = data.size() / info_.sector_bytes;
  ScsiCommand write{RangeCdb(kWrite16, block, count), std::move(data), 0};
  if (!fua_refused_) write.cdb[1] = kForceUnitAccess;
  const auto finish = [this, done](Result<ScsiReply, IoError> reply, const char* what) {
    if (!reply.ok()) return done(reply.error());
    if (!reply->Good()) return done(Explain(reply.value(), what));
    done(Ok{});
  };
  auto flush = std::make_shared<Job>();
  *flush = {"SYNCHRONIZE CACHE",
            {RangeCdb(kSync16, block, count), {}, 0},
            deadline,
            [finish](auto reply) { finish(std::move(reply), "SYNCHRONIZE CACHE"); },
            true};
  auto job = std::make_shared<Job>();
  std::weak_ptr<Job> self = job;  // owned by the command under way
  *job = {"WRITE", std::move(write), deadline,
          [this, self, flush, finish](Result<ScsiReply, IoError> reply) {
            const auto writing = self.lock();
            const bool fua = writing->command.cdb[1] != 0;
            if (fua && reply.ok() && reply->status == kCheckCondition &&
                reply->sense_key == kIllegalRequest) {
              fua_refused_ = true;
              writing->command.cdb[1] = 0;
              return Run(writing);
            }
            if (!fua && reply.ok() && reply->Good()) return Run(flush);
            finish(std::move(reply), "WRITE");
          },
          true};
  Run(job);
}

void ScsiUnit::Run(const std::shared_ptr<Job>& job) {
  ScsiCommand copy = job->command;
  port_.Send(std::move(copy), job->deadline, [this, alive = alive_, job](auto reply) {
    if (*alive) Answered(job, std::move(reply));
  });
}

void ScsiUnit::Answered(const std::shared_ptr<Job>& job, Result<ScsiReply, IoError> reply) {
  if (reply.ok() && !reply->Good() && job->attempts < kMaxAttentions) {
    ++job->attempts;
    if (job->needs_barrier && TouchesReservations(reply.value())) return VerifyThenRun(job);
    if (IsAttention(reply.value()) || reply->status == kTaskAborted) return Run(job);
    --job->attempts;
    if (reply->status == kBusy || reply->status == kTaskSetFull) return LaterRun(job);
  }
  job->done(std::move(reply));
}

void ScsiUnit::VerifyThenRun(const std::shared_ptr<Job>& job) {
  ReadReservations(port_, job->deadline, [this, alive = alive_, job](const auto& found) {
    if (!*alive) return;
    if (!found.ok()) return job->done(found.error());
    const auto why = WhyNotInForce(found.value(), *writer_, key_);
    if (!why) return Run(job);
    job->done(IoError{IoKind::kConflict, Cat(name_, ": ", *why)});
  });
}

void ScsiUnit::LaterRun(const std::shared_ptr<Job>& job) {
  const MonoTime again = clock_.Now() + kBusyPause;
  if (again >= job->deadline) {
    return job->done(IoError{IoKind::kTimeout, Cat(name_, ": the unit stayed busy")});
  }
  clock_.CallAt(again, [this, alive = alive_, job] {
    if (*alive) Run(job);
  });
}

IoError ScsiUnit::Explain(const ScsiReply& r, const char* what) const {
  Bytes code(2, 0);
  PutBigEndian(code, 0, 2, static_cast<std::uint64_t>(r.ascq));
  if (r.status == kReservationConflict) {
    return {IoKind::kConflict, Cat(name_, ": ", what,
                                   " was refused by the reservation: this node was preempted by a "
                                   "later start of itself or by a fence agent")};
  }
  if (r.status == kCheckCondition && r.sense_key == kDataProtect) {
    return {IoKind::kReadOnly, Cat(name_, ": ", what, " was refused, the unit is write-protected")};
  }
  return {IoKind::kMedium, Cat(name_, ": ", what, " failed (status ", r.status, ", sense ",
                               r.sense_key, "/", Hex(code), ")")};
}

}  // namespace fencepost
