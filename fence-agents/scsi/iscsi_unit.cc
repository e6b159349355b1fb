#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "env/linux/iscsi_disk_session.h"
#include "env/linux/loop.h"
#include "fence-agents/scsi/units.h"

namespace fencepost::scsi {
namespace {

using agent::Cause;
using agent::Failed;
using agent::Failure;
using agent::Phase;

class IscsiUnit : public Unit {
 public:
  IscsiUnit(config::DiskUrl url, IscsiSettings settings)
      : url_(std::move(url)), s_(std::move(settings)) {}
  ~IscsiUnit() override { session_.reset(); }  // before the loop
  IscsiUnit(const IscsiUnit&) = delete;
  IscsiUnit& operator=(const IscsiUnit&) = delete;

  std::string Name() const override { return Cat("disk ", url_.Text()); }

  bool CarriesData() const override { return false; }

  Result<Reply, Failure> Send(Bytes cdb, Bytes data_out, std::uint32_t data_in,
                              MonoTime deadline) override {
    const auto open = Open(deadline);
    if (!open) return open.error();
    Result<ScsiReply, IoError> got = IoError{};
    session_->Send({std::move(cdb), std::move(data_out), data_in},
                   std::min(deadline, loop_->Now() + s_.answer_limit), [&](auto reply) {
                     got = std::move(reply);
                     loop_->Stop();
                   });
    loop_->Run();
    if (got.ok()) return Reply{got->status, got->sense_key, got->ascq, got->data};
    session_.reset();
    return Lost(got.error(), true);
  }

 private:
  [[nodiscard]] Failure Lost(const IoError& error, bool effect_unknown) const {
    if (error.kind == IoKind::kDenied) {
      return Failed(Phase::kAuth, Cause::kBadCredentials, Name(), error.text,
                    "check the user, chap_secret and initiator");
    }
    const bool refused = error.text.find("refused") != std::string::npos;
    return Failed(Phase::kConnect, refused ? Cause::kRefused : Cause::kUnreachable, Name(),
                  refused ? "nothing listens on this port" : "gives no answer",
                  "check devices and the network", effect_unknown);
  }

  Result<Ok, Failure> Open(MonoTime deadline) {
    if (session_) return Ok{};
    if (!loop_) {
      auto made = Loop::Create();
      if (!made) {
        return Failed(Phase::kConnect, Cause::kLocalProblem, Name(), made.error().Text());
      }
      loop_ = std::move(*made);
    }
    session_ =
        std::make_unique<IscsiSession>(*loop_, IscsiLogin{url_, s_.secret, s_.initiator, kIsid});
    Result<Ok, IoError> got = IoError{};
    session_->Login(std::min(deadline, loop_->Now() + s_.login_limit), [&](auto result) {
      got = std::move(result);
      loop_->Stop();
    });
    loop_->Run();
    if (got.ok()) return Ok{};
    session_.reset();
    return Lost(got.error(), false);
  }

  static constexpr std::uint16_t kIsid = 0x5C;  // apart from the quorum disk's own session
  config::DiskUrl url_;
  IscsiSettings s_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<IscsiSession> session_;
};

}  // namespace

std::string MachineName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::unique_ptr<Unit> MakeIscsiUnit(config::DiskUrl url, IscsiSettings settings) {
  return std::make_unique<IscsiUnit>(std::move(url), std::move(settings));
}

}  // namespace fencepost::scsi
