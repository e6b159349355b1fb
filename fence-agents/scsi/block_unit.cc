#include <fcntl.h>
#include <scsi/sg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "fence-agents/agent/run_program.h"
#include "fence-agents/scsi/units.h"

namespace fencepost::scsi {
namespace {

using agent::Cause;
using agent::Failed;
using agent::Failure;
using agent::Phase;

class BlockUnit : public Unit {
 public:
  BlockUnit(std::string path, Duration answer_limit, Submit submit)
      : path_(std::move(path)), answer_limit_(answer_limit), submit_(submit) {}
  ~BlockUnit() override {
    if (fd_ >= 0) close(fd_);
  }
  BlockUnit(const BlockUnit&) = delete;
  BlockUnit& operator=(const BlockUnit&) = delete;

  std::string Name() const override { return Cat("disk ", agent::OneLine(path_)); }

  bool CarriesData() const override { return true; }

  Result<Reply, Failure> Send(Bytes cdb, Bytes data_out, std::uint32_t data_in,
                              MonoTime deadline) override {
    if (fd_ < 0) fd_ = open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd_ < 0) {
      return Failed(Phase::kConnect, Cause::kUnreachable, Name(), std::strerror(errno),
                    "check devices, and that the disk is there");
    }
    Bytes in(data_in, 0);
    std::array<unsigned char, 64> sense{};
    sg_io_hdr header{};
    header.interface_id = 'S';
    header.cmdp = cdb.data();
    header.cmd_len = static_cast<unsigned char>(cdb.size());
    header.sbp = sense.data();
    header.mx_sb_len = sense.size();
    header.dxfer_direction = !data_out.empty() ? SG_DXFER_TO_DEV
                             : data_in != 0    ? SG_DXFER_FROM_DEV
                                               : SG_DXFER_NONE;
    Bytes& data = data_out.empty() ? in : data_out;
    header.dxferp = data.data();
    header.dxfer_len = static_cast<unsigned>(data.size());
    const Duration left = std::min(deadline - agent::BoottimeNow(), answer_limit_);
    header.timeout = static_cast<unsigned>(std::max<std::int64_t>(1, ToMillis(left)));
    const int failed = submit_(fd_, &header);
    if (failed != 0) {
      return Failed(Phase::kConnect, Cause::kUnreachable, Name(),
                    Cat("takes no SCSI command (", std::strerror(failed), ")"),
                    "only SCSI disks have persistent reservations");
    }
    if (header.host_status != 0 || (header.driver_status & 0x07) != 0) {
      return Failed(Phase::kConnect, Cause::kUnreachable, Name(),
                    Cat("does not answer (host status ", header.host_status, ", driver status ",
                        header.driver_status, ")"),
                    "check the path to the disk", true);
    }
    return Answer(header, sense, std::move(in));
  }

 private:
  static Reply Answer(const sg_io_hdr& header, const std::array<unsigned char, 64>& sense,
                      Bytes in) {
    Reply out;
    out.status = header.status;
    const auto left = std::min(in.size(), static_cast<std::size_t>(std::max(0, header.resid)));
    in.erase(in.end() - static_cast<std::ptrdiff_t>(left), in.end());
    out.data = std::move(in);
    if (header.sb_len_wr < 4) return out;
    const bool descriptors = (sense[0] & 0x7E) == 0x72;  // else the fixed format
    out.sense_key = sense[descriptors ? 1 : 2] & 0x0F;
    const std::size_t at = descriptors ? 2 : 12;
    if (at + 1 < header.sb_len_wr) out.ascq = sense[at] << 8 | sense[at + 1];
    return out;
  }

  std::string path_;
  Duration answer_limit_;
  Submit submit_;
  int fd_ = -1;
};

}  // namespace

int SubmitToKernel(int fd, sg_io_hdr* header) { return ioctl(fd, SG_IO, header) == 0 ? 0 : errno; }

std::unique_ptr<Unit> MakeBlockUnit(std::string path, Duration answer_limit, Submit submit) {
  return std::make_unique<BlockUnit>(std::move(path), answer_limit, submit);
}

}  // namespace fencepost::scsi
