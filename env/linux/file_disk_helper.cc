#include "env/linux/file_disk_helper.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/text.h"
#include "env/linux/file_disk.h"
#include "env/linux/read_file.h"
#include "env/linux/unique_fd.h"

namespace fencepost {
namespace {

constexpr int kSocket = 3;  // all other descriptors of the parent are closed
constexpr std::size_t kAlignment = 4096;
constexpr useconds_t kLockPause = 10'000;    // microseconds between two tries
constexpr off_t kLockBase = off_t{1} << 62;  // far behind every medium; plus the node
// File systems of one machine (linux/magic.h; XFS is not in it): a killed writer's data is over.
constexpr std::array<std::uint64_t, 5> kLocalFileSystems = {
    0xEF53 /* ext */, 0x58465342 /* XFS */, 0x9123683E /* btrfs */, 0x01021994 /* tmpfs */,
    0x794C7630 /* overlay */};

bool ReadAll(void* to, std::size_t count) {
  auto* at = static_cast<std::uint8_t*>(to);
  while (count > 0) {
    const ssize_t n = read(kSocket, at, count);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    count -= static_cast<std::size_t>(n);
  }
  return true;
}

bool WriteAll(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(kSocket, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

bool Reply(std::uint64_t id, std::uint32_t kind, ByteView payload) {
  ByteWriter w;
  w.Put(id);
  w.Put(kind);
  w.Put(static_cast<std::uint32_t>(payload.size()));
  return WriteAll(w.bytes()) && WriteAll(payload);
}

bool ReplyError(std::uint64_t id, IoKind kind, const std::string& text) {
  return Reply(id, static_cast<std::uint32_t>(kind) + 1,
               {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

[[noreturn]] void FailOpen(const HelperTask& task, IoKind kind, const std::string& cause) {
  ReplyError(0, kind, Cat(task.path, ": ", cause));
  _exit(1);
}

IoKind KindOf(int error) {
  if (error == EACCES || error == EPERM) return IoKind::kDenied;
  if (error == EROFS) return IoKind::kReadOnly;
  const bool absent = error == ENOENT || error == ENXIO || error == ENODEV || error == ENOMEDIUM;
  return absent ? IoKind::kUnreachable : IoKind::kMedium;
}

int OpenMedium(const HelperTask& task) {
  const int access = (task.writer ? O_RDWR : O_RDONLY) | O_DSYNC | O_CLOEXEC | O_NONBLOCK;
  int fd = open(task.path.c_str(), access | O_DIRECT);
  if (fd < 0 && errno == EINVAL) fd = open(task.path.c_str(), access);
  if (fd < 0) FailOpen(task, KindOf(errno), Cat("cannot open: ", ErrnoText(errno)));
  return fd;
}

void Lock(const HelperTask& task, int fd) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kLockBase + task.writer->node.value();
  lock.l_len = 1;
  for (Duration waited{};; waited += std::chrono::microseconds(kLockPause)) {
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0) return;
    if (errno != EAGAIN && errno != EACCES) {
      FailOpen(task, IoKind::kNoBarrier, Cat("cannot lock: ", ErrnoText(errno)));
    }
    if (waited >= kLockPatience) break;
    usleep(kLockPause);
  }
  FailOpen(task, IoKind::kConflict,
           Cat("an earlier process of node ", task.writer->node,
               " still has this disk open, so its writes cannot be excluded; it ends when its last "
               "request does"));
}

DeviceInfo Examine(const HelperTask& task, int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) FailOpen(task, KindOf(errno), "cannot be examined");
  DeviceInfo info;
  if (S_ISBLK(status.st_mode)) {
    int sector = 0;
    if (ioctl(fd, BLKSSZGET, &sector) != 0 || ioctl(fd, BLKGETSIZE64, &info.size_bytes) != 0) {
      FailOpen(task, KindOf(errno), Cat("does not tell its size: ", ErrnoText(errno)));
    }
    info.sector_bytes = static_cast<std::uint32_t>(sector);
    const std::string number = Cat(major(status.st_rdev), ":", minor(status.st_rdev));
    info.designator = NameOfUnit(Cat("/sys/dev/block/", number));
    if (info.designator.empty()) info.designator = Cat("block:", number);
  } else if (S_ISREG(status.st_mode)) {
    struct statfs system {};
    const auto local = [&] {
      const auto type = static_cast<std::uint64_t>(system.f_type) & 0xFFFFFFFF;
      return std::find(kLocalFileSystems.begin(), kLocalFileSystems.end(), type) !=
             kLocalFileSystems.end();
    };
    if (task.writer && (fstatfs(fd, &system) != 0 || !local())) {
      FailOpen(task, IoKind::kNoBarrier,
               "is not on a local file system (ext4, XFS, btrfs, tmpfs, overlay); use a block "
               "device or iSCSI");
    }
    info.sector_bytes = kFileSectorBytes;
    info.size_bytes =
        static_cast<std::uint64_t>(status.st_size) / kFileSectorBytes * kFileSectorBytes;
    info.designator = Cat("file:", status.st_dev, ":", status.st_ino);
  } else {
    FailOpen(task, IoKind::kMedium, "is neither a block device nor a file");
  }
  if (info.sector_bytes != 512 && info.sector_bytes != 4096) {
    FailOpen(task, IoKind::kMedium,
             Cat("has sectors of ", info.sector_bytes, " bytes; 512 and 4096 are supported"));
  }
  return info;
}

// False when nobody waits for an answer any more: then nothing may begin.
bool PeerIsThere() {
  pollfd peer{kSocket, POLLRDHUP, 0};
  return poll(&peer, 1, 0) >= 0 && (peer.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
}

// The whole transfer; false with errno, or errno 0 at the end of the medium.
bool Transfer(int fd, std::uint32_t operation, std::uint8_t* data, std::size_t length,
              std::uint64_t offset) {
  while (length > 0) {
    const auto at = static_cast<off_t>(offset);
    errno = 0;
    const ssize_t n =
        operation == kHelperWrite ? pwrite(fd, data, length, at) : pread(fd, data, length, at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data += n;
    offset += static_cast<std::uint64_t>(n);
    length -= static_cast<std::size_t>(n);
  }
  return true;
}

void Serve(const HelperTask& task, int fd, std::uint8_t* data) {
  for (;;) {
    std::array<std::uint8_t, kHelperRequestBytes> raw{};
    if (!ReadAll(raw.data(), raw.size())) return;
    ByteReader r(raw);
    const auto operation = r.Get<std::uint32_t>();
    const auto length = r.Get<std::uint32_t>();
    const auto id = r.Get<std::uint64_t>();
    const auto offset = r.Get<std::uint64_t>();
    const bool write = operation == kHelperWrite;
    if (length > kMaxFileDiskTransfer || (write && !ReadAll(data, length))) return;
    if (!PeerIsThere()) return;
    bool told = false;
    if (Transfer(fd, operation, data, length, offset)) {
      told = Reply(id, 0, {data, write ? std::size_t{0} : std::size_t{length}});
    } else {
      const std::string cause = errno == 0 ? "end of the medium" : ErrnoText(errno);
      told = ReplyError(
          id, errno == 0 ? IoKind::kMedium : KindOf(errno),
          Cat(task.path, ": cannot ", write ? "write" : "read", " at byte ", offset, ": ", cause));
    }
    if (!told) return;
  }
}

void BecomeHelper(int socket) {
  prctl(PR_SET_NAME, "fencepost-disk");
  setsid();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);
  if (socket != kSocket) dup2(socket, kSocket);
  close_range(kSocket + 1, ~0U, 0);
  // Also the parent's terminal or pipe: a hung helper must not keep it open.
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < kSocket; ++fd) dup2(null, fd);
}

}  // namespace

std::string NameOfUnit(const std::string& directory) {
  constexpr std::size_t kMaxName = 256;
  constexpr std::string_view kMultipath = "mpath-3";  // 3: a name of kind NAA follows
  const auto read = [&](const char* file) {
    const auto text = ReadSmallFile(Cat(directory, "/", file), kMaxName);
    return text.ok() ? std::string(Trim(*text)) : std::string();
  };
  for (const char* file : {"device/wwid", "wwid"}) {
    if (std::string name = read(file); !name.empty()) return name;
  }
  const std::string mapped = read("dm/uuid");
  if (mapped.rfind(kMultipath, 0) != 0) return "";
  return Cat("naa.", mapped.substr(kMultipath.size()));
}

void RunDiskHelper(const HelperTask& task) {
  BecomeHelper(task.socket);
  const int fd = OpenMedium(task);
  if (task.writer) Lock(task, fd);
  const DeviceInfo info = Examine(task, fd);
  void* data = nullptr;
  if (posix_memalign(&data, kAlignment, kMaxFileDiskTransfer) != 0) _exit(1);
  ByteWriter w;
  w.Put(info.sector_bytes);
  w.Put(info.size_bytes);
  w.PutText(info.designator);
  if (Reply(0, 0, w.bytes())) Serve(task, fd, static_cast<std::uint8_t*>(data));
  _exit(0);
}

}  // namespace fencepost
