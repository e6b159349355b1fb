// Small files read whole, and files that hold secrets.
//
// Promise: a file is never read beyond its limit; a secret is judged by the very file that is read,
//          and is refused unless it is a regular file of root or of this user that nobody else may
//          read or write. CreateSecretFile never replaces a file, and syncs what it made.
// Errors:  name the file, the cause and the remedy; never its content.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace fencepost {

[[nodiscard]] Result<std::string> ReadSmallFile(const std::string& path, std::size_t limit);
[[nodiscard]] Result<std::string> ReadSecretFile(const std::string& path, std::size_t limit);
[[nodiscard]] Status CheckSecretFile(const std::string& path);  // as ReadSecretFile, unread
[[nodiscard]] Status CreateSecretFile(const std::string& path, std::string_view content);
// Whatever happens, `path` is the old file or all of the new one (mode 0644), on stable storage.
[[nodiscard]] Status ReplaceFile(const std::string& path, std::string_view content);
// Likewise, but not on stable storage: for what is written again and again below /run.
[[nodiscard]] Status ShowFile(const std::string& path, std::string_view content);
// Unpredictable bytes of the kernel, fit for keys.
[[nodiscard]] Result<Bytes> RandomBytes(std::size_t count);

}  // namespace fencepost
