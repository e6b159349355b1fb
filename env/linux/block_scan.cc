#include "env/linux/block_scan.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "base/text.h"
#include "env/linux/read_file.h"

namespace fencepost {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMaxAttribute = 4096;
constexpr std::array<std::string_view, 7> kNoDisks = {"ram", "zram", "sr", "fd",
                                                      "md",  "drbd", "mtd"};
constexpr std::string_view kMultipath = "mpath-";

std::string Attribute(const fs::path& file) {
  const auto text = ReadSmallFile(file.string(), kMaxAttribute);
  return text.ok() ? std::string(Trim(*text)) : "";
}

std::vector<std::string> Entries(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator it(directory, failed), end; !failed && it != end;
       it.increment(failed)) {
    names.push_back(it->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A letter follows a driver's name nowhere: "sr0" is a CD, "sram" would be something else.
bool IsOf(std::string_view name, std::string_view driver) {
  return name.size() > driver.size() && name.substr(0, driver.size()) == driver &&
         name[driver.size()] >= '0' && name[driver.size()] <= '9';
}

}  // namespace

std::vector<std::string> ScanBlockDevices(const std::string& sysfs) {
  std::vector<std::string> found;
  const fs::path all = fs::path(sysfs) / "class/block";
  for (const std::string& name : Entries(all)) {
    const fs::path device = all / name;
    const bool no_disk = std::any_of(kNoDisks.begin(), kNoDisks.end(),
                                     [&](std::string_view d) { return IsOf(name, d); });
    const std::string size = Attribute(device / "size");
    if (no_disk || size.empty() || size == "0" || !Entries(device / "holders").empty()) continue;
    std::string path = Cat("/dev/", name);
    std::replace(path.begin(), path.end(), '!', '/');  // as sysfs writes a slash
    found.push_back(std::move(path));
  }
  return found;
}

std::string WhyNotBySysfs(const std::string& directory) {
  const fs::path device(directory);
  const auto holders = Entries(device / "holders");
  if (!holders.empty()) {
    return Cat("is used by ", holders.front(),
               " (multipath, LVM, md or the like); use that device, or take it out there");
  }
  if (Attribute(device / "ro") == "1") return "is read-only";
  const std::string uuid = Attribute(device / "dm/uuid");
  // "part1-mpath-..." is a partition of one.
  const bool multipath = uuid.rfind(kMultipath, 0) == 0 ||
                         (uuid.rfind("part", 0) == 0 && uuid.find("-mpath-") != std::string::npos);
  if (!fs::exists(device / "dm") || multipath) return "";
  return Cat("is a device-mapper device", uuid.empty() ? "" : " (", uuid.substr(0, uuid.find('-')),
             uuid.empty() ? "" : ")",
             ", which may be a mirror or encrypted: each node may see a copy of its own; use the "
             "shared disk below it");
}

}  // namespace fencepost
