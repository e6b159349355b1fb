#include "env/linux/iscsi_disk.h"

#include <unistd.h>

#include "base/check.h"
#include "base/text.h"
#include "env/linux/iscsi_disk_barrier.h"

namespace fencepost {
namespace {

constexpr std::string_view kInitiatorPrefix = "iqn.2026-01.org.fencepost:";
constexpr std::uint16_t kNodeQualifier = 0x0100;    // plus the node: one ISID for a node
constexpr std::uint16_t kReaderQualifier = 0x8000;  // plus bits of the pid: readers are many

// Another portal may do better.
bool IsOfThePath(const IoError& error) {
  return error.kind == IoKind::kUnreachable || error.kind == IoKind::kTimeout;
}

}  // namespace

IscsiDisk::IscsiDisk(Loop& loop, config::DiskUrl target, std::string secret,
                     const std::vector<config::DiskUrl>& other_portals)
    : loop_(loop), portals_{std::move(target)}, secret_(std::move(secret)) {
  portals_.insert(portals_.end(), other_portals.begin(), other_portals.end());
}
IscsiDisk::~IscsiDisk() = default;

IscsiLogin IscsiDisk::MakeLogin() const {
  const Writer* writer = writer_ ? &*writer_ : nullptr;
  IscsiLogin login{portals_[portal_], secret_, std::string(kInitiatorPrefix), 0};
  if (writer) {
    ByteWriter cluster;
    cluster.Put(static_cast<std::uint32_t>(writer->old_key_base >> 32));
    login.initiator_name += Cat(Hex(cluster.bytes()), ":", writer->initiator_suffix);
    login.isid_qualifier = static_cast<std::uint16_t>(kNodeQualifier + writer->node.value());
  } else {
    login.initiator_name += "reader";
    login.isid_qualifier = static_cast<std::uint16_t>(kReaderQualifier | (getpid() & 0x7FFF));
  }
  return login;
}

void IscsiDisk::Open(const Writer* writer, MonoTime deadline, OpenDone done) {
  FENCEPOST_CHECK(!open_done_ && !IsReady());
  Detach();
  writer_ = writer ? std::optional(*writer) : std::nullopt;
  open_deadline_ = deadline;
  open_done_ = std::move(done);
  if (std::exchange(*failed_, false)) NextPortal();
  untried_ = portals_.size() - 1;
  TryPortal();
}

// A portal that keeps silent leaves time for the others.
void IscsiDisk::TryPortal() {
  const Duration share = (open_deadline_ - loop_.Now()) / static_cast<std::int64_t>(untried_ + 1);
  attachment_ = std::make_shared<Attachment>(loop_, MakeLogin(), Name());
  attachment_->session.Login(loop_.Now() + share, [this](const Result<Ok, IoError>& login) {
    if (!login.ok()) {
      if (!IsOfThePath(login.error()) || untried_ == 0) return FinishOpen(login.error());
      --untried_;
      NextPortal();
      return TryPortal();
    }
    attachment_->unit.Identify(open_deadline_, [this](const Result<DeviceInfo, IoError>& info) {
      if (!info.ok()) return FinishOpen(info.error());
      Identified(info.value());
    });
  });
}

void IscsiDisk::Identified(DeviceInfo info) {
  if (!writer_) return FinishOpen(std::move(info));
  EstablishBarrier(attachment_->session, *writer_, open_deadline_,
                   [this, info = std::move(info)](const Result<std::uint64_t, IoError>& key) {
                     if (!key.ok()) {
                       IoError error = key.error();
                       const std::string url = Name();
                       if (error.text.rfind(url, 0) != 0) error.text = Cat(url, ": ", error.text);
                       return FinishOpen(std::move(error));
                     }
                     attachment_->unit.BecomeWriter(*writer_, key.value());
                     DeviceInfo ready = info;
                     ready.barrier = "reservation";
                     FinishOpen(std::move(ready));
                   });
}

void IscsiDisk::FinishOpen(Result<DeviceInfo, IoError> result) {
  if (result.ok()) {
    attachment_->ready = true;
  } else {
    *failed_ = IsOfThePath(result.error());
    attachment_->session.End({IoKind::kClosed, result.error().text});
  }
  std::exchange(open_done_, nullptr)(std::move(result));
}

bool IscsiDisk::IsReady() const {
  return attachment_ && attachment_->ready && !attachment_->session.ended();
}

void IscsiDisk::Read(std::uint64_t offset, std::uint32_t length, MonoTime deadline, ReadDone done) {
  if (!IsReady()) {
    return loop_.Post([done = std::move(done), url = Name()] {
      done(IoError{IoKind::kClosed, Cat(url, ": the session is over")});
    });
  }
  attachment_->unit.Read(offset, length, deadline,
                         [failed = failed_, done = std::move(done)](Result<Bytes, IoError> result) {
                           if (!result.ok() && IsOfThePath(result.error())) *failed = true;
                           done(std::move(result));
                         });
}

void IscsiDisk::Write(std::uint64_t offset, Bytes data, MonoTime deadline, WriteDone done) {
  if (!IsReady()) {
    return loop_.Post([done = std::move(done), url = Name()] {
      done(IoError{IoKind::kClosed, Cat(url, ": the session is over")});
    });
  }
  // Whatever goes wrong with a write after it was sent: it may still land, so the session is over.
  const std::weak_ptr<Attachment> of = attachment_;
  attachment_->unit.Write(
      offset, std::move(data), deadline,
      [of, failed = failed_, done = std::move(done)](Result<Ok, IoError> result) {
        if (!result.ok()) {
          if (IsOfThePath(result.error())) *failed = true;
          const auto attachment = of.lock();
          if (attachment) {
            attachment->session.End({IoKind::kClosed, result.error().text});
          }
        }
        done(std::move(result));
      });
}

void IscsiDisk::Close() { Detach(); }

void IscsiDisk::Detach() {
  if (!attachment_) return;
  attachment_->session.End({IoKind::kClosed, Cat(Name(), ": closed")});
  // Kept until everything under way was told, also what waits for a busy unit.
  if (!open_done_) {
    loop_.CallAt(loop_.Now() + 2 * kBusyPause, [old = std::move(attachment_)] {});
    attachment_ = nullptr;
  }
}

}  // namespace fencepost
