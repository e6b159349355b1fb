// The quorum disk that a configuration names, as a BlockDevice: iSCSI in user space, or a file or
// block device through a helper. Opens nothing yet.
//
// Errors: the CHAP secret file, when one is named, cannot be read or is readable by others; a user
//         without a secret file.
// other_portals: of the same iSCSI unit, tried in turn when one fails.
// Ownership: the loop outlives the device.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/config/disk_url.h"
#include "env/block_device.h"
#include "env/linux/loop.h"

namespace fencepost {

inline constexpr std::size_t kMaxChapSecretBytes = 255;

// The CHAP secret that a URL with a user needs; empty: it needs none.
Result<std::string> ReadDiskSecret(const config::DiskUrl& url, const std::string& chap_secret_file);

Result<std::unique_ptr<BlockDevice>> MakeDisk(
    Loop& loop, const config::DiskUrl& url, const std::string& chap_secret_file,
    const std::vector<config::DiskUrl>& other_portals = {});

}  // namespace fencepost
