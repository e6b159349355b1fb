#include "env/linux/disk_signature.h"

#include <blkid/blkid.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <memory>

#include "base/text.h"
#include "env/linux/block_scan.h"
#include "env/linux/read_file.h"
#include "env/linux/unique_fd.h"

namespace fencepost {
namespace {

constexpr std::size_t kMaxProcDevices = 65536;

struct FreeProbe {
  void operator()(blkid_probe probe) const { blkid_free_probe(probe); }
};

bool PutAt(int fd, ByteView bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return true;
}

std::string Value(blkid_probe probe, const char* name) {
  const char* value = nullptr;
  return blkid_probe_lookup_value(probe, name, &value, nullptr) == 0 && value ? value : "";
}

}  // namespace

std::string ForeignSignature(ByteView head, ByteView tail, std::uint64_t size) {
  const std::string failed = "something that could not be checked (libblkid failed)";
  // A sparse copy in memory: libblkid wants a file, and the disk may be behind iSCSI.
  const UniqueFd copy(memfd_create("fencepost-signature", MFD_CLOEXEC));
  if (!copy || ftruncate(copy.get(), static_cast<off_t>(size)) != 0 ||
      !PutAt(copy.get(), head, 0) || !PutAt(copy.get(), tail, size - tail.size())) {
    return failed;
  }
  const std::unique_ptr<blkid_struct_probe, FreeProbe> probe(blkid_new_probe());
  if (!probe || blkid_probe_set_device(probe.get(), copy.get(), 0, 0) != 0) return failed;
  blkid_probe_enable_superblocks(probe.get(), 1);
  blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE);
  blkid_probe_enable_partitions(probe.get(), 1);
  const int outcome = blkid_do_safeprobe(probe.get());
  if (outcome == -2) return "signatures of more than one kind";
  if (outcome < 0) return failed;
  if (outcome == 1) return "";  // nothing found
  if (const std::string type = Value(probe.get(), "TYPE"); !type.empty()) {
    const std::string usage = Value(probe.get(), "USAGE");
    return Cat(type, " ", usage == "filesystem" ? "file system" : "member or signature");
  }
  return Cat(Value(probe.get(), "PTTYPE"), " partition table");
}

std::string DriverOfBlockMajor(std::string_view proc_devices, unsigned major) {
  bool block = false;
  for (const std::string& line : Split(proc_devices, '\n')) {
    if (line == "Block devices:") block = true;
    const std::string_view entry = Trim(line);
    const std::size_t blank = entry.find(' ');
    if (!block || blank == std::string_view::npos) continue;
    if (ParseInt(entry.substr(0, blank), 0, 4095) == std::int64_t{major}) {
      return std::string(entry.substr(blank + 1));
    }
  }
  return "";
}

std::string WhyNotOwn(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || !S_ISBLK(status.st_mode)) return "";
  const auto devices = ReadSmallFile("/proc/devices", kMaxProcDevices);
  if (!devices.ok()) return devices.error().Text();
  const std::string driver = DriverOfBlockMajor(*devices, major(status.st_rdev));
  if (driver == "md" || driver == "mdp" || driver == "drbd") {
    return Cat("is a ", driver,
               " device: each node may see a copy of its own in a split; use the "
               "shared disk below it");
  }
  const std::string used =
      WhyNotBySysfs(Cat("/sys/dev/block/", major(status.st_rdev), ":", minor(status.st_rdev)));
  if (!used.empty()) return used;
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK));
  if (!fd && errno == EBUSY) return "is in use (mounted, swap, or a member of a volume group)";
  return "";
}

}  // namespace fencepost
