// The real units: a block device by SG_IO, or a LUN by a session of our own (libiscsi).
//
// Promise: that of unit.h. Time: CLOCK_BOOTTIME; SG_IO counts whole milliseconds from when it
// begins. Errors:  phase connect or auth, with the device's name.
#pragma once
#include <memory>

#include "base/config/disk_url.h"
#include "fence-agents/scsi/unit.h"

struct sg_io_hdr;

namespace fencepost::scsi {

std::string MachineName();

struct IscsiSettings {
  std::string initiator, secret;
  Duration login_limit{}, answer_limit{};
};
std::unique_ptr<Unit> MakeIscsiUnit(config::DiskUrl url, IscsiSettings settings);

// submit: ioctl(fd, SG_IO, header), or what a test puts in its place; 0 or an errno.
using Submit = int (*)(int fd, sg_io_hdr* header);
int SubmitToKernel(int fd, sg_io_hdr* header);
std::unique_ptr<Unit> MakeBlockUnit(std::string path, Duration answer_limit,
                                    Submit submit = SubmitToKernel);

}  // namespace fencepost::scsi
