#include "env/linux/read_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "base/text.h"
#include "env/linux/unique_fd.h"

namespace fencepost {
namespace {

Error Failed(std::string_view path, std::string_view doing, int error) {
  std::string_view remedy;
  if (error == ENOENT) remedy = "create it, or correct the path";
  if (error == EACCES || error == EPERM) remedy = "run this as root, or correct its mode";
  if (error == EEXIST) remedy = "remove it first if it is really to be replaced";
  return OsError(path, doing, error, remedy);
}

// O_NONBLOCK: a FIFO in place of the file must not stop us; it is refused as not regular.
constexpr int kReadFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;

Status MustBeRegular(const std::string& path, const struct stat& info) {
  if (S_ISREG(info.st_mode)) return Ok{};
  return Error{path, "is no regular file", "name a file"};
}

Status MustBeSecret(const std::string& path, const struct stat& info) {
  if (const Status regular = MustBeRegular(path, info); !regular) return regular;
  if ((info.st_mode & 077) != 0) {
    std::array<char, 8> mode{};
    std::snprintf(mode.data(), mode.size(), "%04o", info.st_mode & 07777U);
    return Error{path, Cat("may be read or written by group or others (mode ", mode.data(), ")"),
                 Cat("chmod 600 ", path)};
  }
  if (info.st_uid != 0 && info.st_uid != geteuid()) {
    return Error{path, Cat("belongs to user ", info.st_uid), Cat("chown root ", path)};
  }
  return Ok{};
}

using Judge = Status (*)(const std::string&, const struct stat&);

// limit 0: judged, not read.
Result<std::string> Read(const std::string& path, std::size_t limit, Judge judge) {
  const UniqueFd file(open(path.c_str(), kReadFlags));
  if (file.get() < 0) return Failed(path, "open", errno);
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return Failed(path, "examine", errno);
  if (const Status fit = judge(path, info); !fit) return fit.error();
  std::string content(limit == 0 ? 0 : limit + 1, '\0');
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = read(file.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed(path, "read", errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > limit) {
    return Error{path, Cat("is longer than ", limit, " bytes"), "name the right file"};
  }
  content.resize(size);
  return content;
}

Status WriteAll(const std::string& path, int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t put = write(fd, content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return Failed(path, "write", errno);
    content.remove_prefix(static_cast<std::size_t>(put));
  }
  return Ok{};
}

Status WriteWhole(const std::string& path, int fd, std::string_view content) {  // and syncs
  if (const Status written = WriteAll(path, fd, content); !written) return written;
  if (fsync(fd) != 0) return Failed(path, "sync", errno);
  return Ok{};
}

Status SyncFolderOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const UniqueFd folder(
      open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || fsync(folder.get()) != 0) return Failed(parent, "sync", errno);
  return Ok{};
}

}  // namespace

Result<std::string> ReadSmallFile(const std::string& path, std::size_t limit) {
  return Read(path, limit, MustBeRegular);
}

Result<std::string> ReadSecretFile(const std::string& path, std::size_t limit) {
  return Read(path, limit, MustBeSecret);
}

Status CheckSecretFile(const std::string& path) {
  const Result<std::string> judged = Read(path, 0, MustBeSecret);
  if (!judged) return judged.error();
  return Ok{};
}

Status CreateSecretFile(const std::string& path, std::string_view content) {
  const UniqueFd file(
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0) return Failed(path, "create", errno);
  if (const Status written = WriteWhole(path, file.get(), content); !written) {
    unlink(path.c_str());
    return written;
  }
  return SyncFolderOf(path);
}

Status ReplaceFile(const std::string& path, std::string_view content) {
  const std::string fresh = path + ".new";  // of an earlier try, perhaps: it is no one's
  const UniqueFd file(
      open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (file.get() < 0) return Failed(fresh, "create", errno);
  if (const Status written = WriteWhole(fresh, file.get(), content); !written) {
    unlink(fresh.c_str());
    return written;
  }
  if (rename(fresh.c_str(), path.c_str()) != 0) {
    const int why = errno;
    unlink(fresh.c_str());
    return Failed(path, "replace", why);
  }
  return SyncFolderOf(path);
}

Status ShowFile(const std::string& path, std::string_view content) {
  const std::string fresh = path + ".new";
  const UniqueFd file(
      open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (file.get() < 0) return Failed(fresh, "create", errno);
  Status shown = WriteAll(fresh, file.get(), content);
  if (shown && rename(fresh.c_str(), path.c_str()) != 0) shown = Failed(path, "replace", errno);
  if (!shown) unlink(fresh.c_str());
  return shown;
}

Result<Bytes> RandomBytes(std::size_t count) {
  Bytes out(count);
  std::size_t size = 0;
  while (size < count) {
    const ssize_t got = getrandom(out.data() + size, count - size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("the kernel's random numbers", "read", errno);
    size += static_cast<std::size_t>(got);
  }
  return out;
}

}  // namespace fencepost
