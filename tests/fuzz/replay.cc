// An ordinary build has no fuzzer: the committed corpus, and mutations of it from fixed seeds, the
// same in each run. Usage: NAME CORPUS-DIRECTORY
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/bytes.h"
#include "base/prng.h"
#include "tests/fuzz/input.h"

using namespace fencepost;

namespace {

constexpr int kMutations = 4000;  // of each input
constexpr std::size_t kMostBytes = 4096;

std::vector<Bytes> Load(const char* directory) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> out;
  for (const auto& path : paths) {
    std::ifstream in(path, std::ios::binary);
    out.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return out;
}

// One to four small changes, or a piece of another input.
Bytes Mutate(Bytes bytes, const std::vector<Bytes>& corpus, Prng& rng) {
  for (std::uint64_t left = 1 + rng.Below(4); left > 0; --left) {
    const std::size_t at = static_cast<std::size_t>(rng.Below(bytes.size() + 1));
    const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    const auto byte = static_cast<std::uint8_t>(rng.Next());
    switch (rng.Below(5)) {
      case 0:
        bytes.insert(place, byte);
        break;
      case 1:
        bytes.resize(at);
        break;
      case 2: {
        const Bytes& other = corpus[static_cast<std::size_t>(rng.Below(corpus.size()))];
        bytes.insert(place, other.begin(), other.end());
        break;
      }
      default:
        if (at < bytes.size()) {
          const auto flipped = static_cast<std::uint8_t>(bytes[at] ^ (1U << (byte & 7)));
          bytes[at] = rng.OneIn(2) ? byte : flipped;
        }
    }
  }
  if (bytes.size() > kMostBytes) bytes.resize(kMostBytes);
  return bytes;
}

void Try(const Bytes& bytes) { LLVMFuzzerTestOneInput(bytes.data(), bytes.size()); }

}  // namespace

int main(int argc, char** argv) {
  const std::vector<Bytes> corpus = argc == 2 ? Load(argv[1]) : std::vector<Bytes>();
  if (corpus.empty()) {
    std::fputs("usage: NAME CORPUS-DIRECTORY, which must not be empty\n", stderr);
    return 2;
  }
  Prng rng(1);
  for (const Bytes& bytes : corpus) {
    Try(bytes);
    for (int i = 0; i < kMutations; ++i) Try(Mutate(bytes, corpus, rng));
  }
  std::printf("%zu inputs, %d mutations of each\n", corpus.size(), kMutations);
  return 0;
}
