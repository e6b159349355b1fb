#include "env/linux/open_disk.h"

#include "base/text.h"
#include "env/linux/file_disk.h"
#include "env/linux/iscsi_disk.h"
#include "env/linux/read_file.h"

namespace fencepost {

Result<std::string> ReadDiskSecret(const config::DiskUrl& url,
                                   const std::string& chap_secret_file) {
  if (url.user.empty()) return std::string();
  if (chap_secret_file.empty()) {
    return Error{url.Text(), Cat("user '", url.user, "' is given without a secret"),
                 "name a file with the CHAP secret"};
  }
  const auto read = ReadSecretFile(chap_secret_file, kMaxChapSecretBytes);
  if (!read.ok()) return read.error();
  std::string secret(Trim(read.value()));
  if (secret.empty()) return Error{chap_secret_file, "is empty", "put the CHAP secret into it"};
  return secret;
}

Result<std::unique_ptr<BlockDevice>> MakeDisk(Loop& loop, const config::DiskUrl& url,
                                              const std::string& chap_secret_file,
                                              const std::vector<config::DiskUrl>& other_portals) {
  if (url.kind == config::DiskUrl::Kind::kPath) {
    return std::unique_ptr<BlockDevice>(std::make_unique<FileDisk>(loop, url.path));
  }
  auto secret = ReadDiskSecret(url, chap_secret_file);
  if (!secret.ok()) return secret.error();
  return std::unique_ptr<BlockDevice>(
      std::make_unique<IscsiDisk>(loop, url, std::move(secret.value()), other_portals));
}

}  // namespace fencepost
