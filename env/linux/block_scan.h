// What sysfs says of local block devices: which there are, and who uses one.
//
// Promise: nothing is opened. A device that is a part of another one (a path of a multipath device,
//          a member of an array, a physical volume in use) is left out of the scan: its user is in
//          it. Without size, and what is no disk (RAM, CD, floppy), too.
// Errors:  what cannot be read is left out. Ownership: `sysfs` is "/sys" outside of tests.
#pragma once
#include <string>
#include <vector>

namespace fencepost {

// "/dev/sda", "/dev/sda1", ...: sorted.
[[nodiscard]] std::vector<std::string> ScanBlockDevices(const std::string& sysfs = "/sys");

// Why the block device that is described in `directory` (/sys/dev/block/8:0) is no shared disk of
// its own; empty: sysfs knows of nothing.
[[nodiscard]] std::string WhyNotBySysfs(const std::string& directory);

}  // namespace fencepost
