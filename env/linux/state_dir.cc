#include "env/linux/state_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/crc32c.h"
#include "base/text.h"

namespace fencepost {
namespace {

constexpr std::string_view kMagic = "FPSTATE1";
constexpr std::size_t kMaxOverhead = 8 + 4 + 2 + kMaxStateName + 4;
constexpr const char* kRotten =
    "restore it from this node's backup, or remove it and let the node join as one without state";

Bytes Encode(std::string_view name, ByteView value) {
  ByteWriter writer;
  writer.PutFixedText(kMagic, kMagic.size());
  writer.Put(static_cast<std::uint32_t>(value.size()));
  writer.PutText(name);
  writer.PutBytes(value);
  writer.Put(Crc32c(writer.bytes()));
  return writer.Take();
}

// What is wrong with the file, or its value.
Result<Bytes, std::string> Decode(std::string_view name, ByteView file) {
  ByteReader reader(file);
  const std::string magic = reader.GetFixedText(kMagic.size());
  if (!reader.Ok()) return Cat("is cut short (", file.size(), " bytes)");
  if (magic != kMagic) return std::string("is not a state file of this version");
  const auto length = reader.Get<std::uint32_t>();
  const std::string stored_name = reader.GetText();
  Bytes value = reader.GetBytes(length);
  const auto crc = reader.Get<std::uint32_t>();
  if (!reader.Done()) return Cat("has the wrong length (", file.size(), " bytes)");
  if (crc != Crc32c(file.first(file.size() - sizeof crc))) {
    return std::string("has a wrong checksum");
  }
  if (stored_name != name) return Cat("holds the state named ", stored_name);
  return value;
}

int WriteAndSync(int fd, ByteView bytes) {  // 0 or errno
  while (!bytes.empty()) {
    const ssize_t wrote = write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return wrote == 0 ? EIO : errno;
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return fsync(fd) == 0 ? 0 : errno;
}

Result<Bytes, int> ReadAll(int fd, std::size_t limit) {  // EFBIG: more than the limit
  Bytes bytes(limit + 1);
  std::size_t size = 0;
  while (size <= limit) {
    const ssize_t got = read(fd, bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) {
      bytes.resize(size);
      return bytes;
    }
    size += static_cast<std::size_t>(got);
  }
  return EFBIG;
}

Status SyncParent(const std::string& path) {
  const std::string parent = path + "/..";
  const UniqueFd fd(open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || fsync(fd.get()) != 0) return OsError(parent, "flush it", errno);
  return Ok{};
}

}  // namespace

Result<std::unique_ptr<StateDirectory>> StateDirectory::Open(Loop& loop, const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0) {
    const Status synced = SyncParent(path);
    if (!synced) return synced.error();
  } else if (errno != EEXIST) {
    return OsError(path, "make the state directory", errno, "make its parent directory");
  }
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return OsError(path, "open the state directory", errno, "check its permissions");
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return OsError(path, "look at it", errno);
  if (info.st_uid != geteuid() || (info.st_mode & 022U) != 0) {
    return Error{path, "belongs to or may be written by another user",
                 Cat("chown it to the daemon's user and chmod 700 ", path)};
  }
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return OsError(path, "lock the state directory", errno);
    return Error{path, "another daemon is using this state directory",
                 "stop it first, or configure another directory"};
  }
  return std::unique_ptr<StateDirectory>(new StateDirectory(loop, path, std::move(fd)));
}

std::string StateDirectory::PathOf(std::string_view name) const { return Cat(path_, "/", name); }

Status StateDirectory::CheckName(std::string_view name) const {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  if (!name.empty() && name.size() <= kMaxStateName &&
      std::all_of(name.begin(), name.end(), allowed)) {
    return Ok{};
  }
  return Error{PathOf(name), "is not a name of a state",
               Cat("use 1 to ", kMaxStateName, " of a-z, 0-9 and -")};
}

Result<std::optional<Bytes>> StateDirectory::Load(std::string_view name) {
  const Status named = CheckName(name);
  if (!named) return named.error();
  const std::string file(name);
  const UniqueFd fd(openat(directory_.get(), file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd && errno == ENOENT) return std::optional<Bytes>{};
  if (!fd) return OsError(PathOf(name), "open the state", errno, "check its permissions");
  Result<Bytes, int> bytes = ReadAll(fd.get(), kMaxStateValue + kMaxOverhead);
  if (!bytes) return OsError(PathOf(name), "read the state", bytes.error(), kRotten);
  Result<Bytes, std::string> value = Decode(name, *bytes);
  if (!value) return Error{PathOf(name), value.error(), kRotten};
  return std::optional<Bytes>(std::move(*value));
}

void StateDirectory::Store(std::string_view name, Bytes value, std::function<void(Status)> done) {
  loop_.Post([stored = Replace(name, value), done = std::move(done)] { done(stored); });
}

Status StateDirectory::Replace(std::string_view name, ByteView value) {
  const Status named = CheckName(name);
  if (!named) return named;
  if (value.size() > kMaxStateValue) {
    return Error{PathOf(name), Cat("has ", value.size(), " bytes"),
                 Cat("at most ", kMaxStateValue, " can be stored")};
  }
  const std::string file(name);
  const std::string temporary = file + ".new";  // no name of a state has a dot
  const int directory = directory_.get();
  {
    const UniqueFd fd(openat(directory, temporary.c_str(),
                             O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return OsError(PathOf(temporary), "create it", errno, "check space and permissions");
    const int error = WriteAndSync(fd.get(), Encode(name, value));
    if (error != 0) return OsError(PathOf(temporary), "write it", error, "check space and disk");
  }
  if (renameat(directory, temporary.c_str(), directory, file.c_str()) != 0) {
    return OsError(PathOf(name), "replace it", errno, "check the directory");
  }
  if (fsync(directory) != 0) return OsError(path_, "flush the directory", errno, "check the disk");
  return Ok{};
}

}  // namespace fencepost
