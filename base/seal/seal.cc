#include "base/seal/seal.h"

#include <sodium.h>

#include "base/text.h"

namespace fencepost::seal {
namespace {

static_assert(kKeyBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
static_assert(kNonceBytes == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
static_assert(kTagBytes == crypto_aead_xchacha20poly1305_ietf_ABYTES);
static_assert(kMacBytes == crypto_generichash_BYTES_MIN);

constexpr std::string_view kMacKeyContext = "fencepost 1 mac key";
constexpr std::string_view kSealKeyContext = "fencepost 1 seal key";

// BLAKE2b of (length of context, context, bytes): no context and bytes are those of another pair.
template <std::size_t N>
std::array<std::uint8_t, N> Hash(ByteView key, std::string_view context, ByteView bytes) {
  FENCEPOST_CHECK(!context.empty() && context.size() <= kMaxContext);
  const auto length = static_cast<std::uint8_t>(context.size());
  std::array<std::uint8_t, N> out{};
  crypto_generichash_state state;
  int failed = crypto_generichash_init(&state, key.data(), key.size(), N);
  failed |= crypto_generichash_update(&state, &length, 1);
  failed |= crypto_generichash_update(&state, reinterpret_cast<const std::uint8_t*>(context.data()),
                                      context.size());
  failed |= crypto_generichash_update(&state, bytes.data(), bytes.size());
  failed |= crypto_generichash_final(&state, out.data(), N);
  sodium_memzero(&state, sizeof(state));
  FENCEPOST_CHECK(failed == 0);  // only for sizes out of range, which are constants here
  return out;
}

Error BadKeyFile(std::string cause) {
  return {"the key file", std::move(cause),
          "make a key with \"fencepost keygen\" on one node and copy it to all others"};
}

}  // namespace

ClusterKey::ClusterKey(const Secret& secret)
    : secret_(secret),
      mac_key_(Hash<kKeyBytes>(secret, kMacKeyContext, {})),
      seal_key_(Hash<kKeyBytes>(secret, kSealKeyContext, {})) {}

ClusterKey::~ClusterKey() {
  Wipe(secret_);
  Wipe(mac_key_);
  Wipe(seal_key_);
}

Result<ClusterKey> ParseKeyFile(std::string_view text) {
  if (text.size() > kMaxKeyFileBytes)
    return BadKeyFile(Cat("is longer than ", kMaxKeyFileBytes, " bytes"));
  std::string_view found;
  int line_number = 0;
  while (!text.empty()) {
    ++line_number;
    const std::size_t end = text.find('\n');
    const std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.starts_with('#')) continue;
    if (!found.empty()) return BadKeyFile(Cat("holds a second key in line ", line_number));
    found = line;
    if (line.size() != 2 * kKeyBytes) {
      return BadKeyFile(Cat("line ", line_number, " has ", line.size(), " characters, not ",
                            2 * kKeyBytes, " hexadecimal digits"));
    }
  }
  if (found.empty()) return BadKeyFile("holds no key");
  auto bytes = FromHex(found);
  if (!bytes) return BadKeyFile("holds a character that is no hexadecimal digit");
  ClusterKey::Secret secret{};
  std::copy(bytes->begin(), bytes->end(), secret.begin());
  const ClusterKey key(secret);
  Wipe(*bytes);
  Wipe(secret);
  return key;
}

std::string KeyFileText(const ClusterKey& key) {
  std::string hex = Hex(key.secret_);
  std::string text =
      Cat("# Fencepost cluster key. The same on all nodes; keep it secret.\n", hex, "\n");
  Wipe(hex);
  return text;
}

void Wipe(std::string& text) {
  sodium_memzero(text.data(), text.size());
  text.clear();
}

void Wipe(Bytes& bytes) {
  sodium_memzero(bytes.data(), bytes.size());
  bytes.clear();
}

void Wipe(ClusterKey::Secret& secret) { sodium_memzero(secret.data(), secret.size()); }

Mac16 MacOf(const ClusterKey& key, std::string_view context, ByteView bytes) {
  return Hash<kMacBytes>(key.mac_key_, context, bytes);
}

bool SameMac(const Mac16& a, const Mac16& b) {
  return sodium_memcmp(a.data(), b.data(), kMacBytes) == 0;
}

Mac16 DigestOf(std::string_view context, ByteView bytes) {
  return Hash<kMacBytes>({}, context, bytes);
}

Bytes Seal(const ClusterKey& key, const Nonce24& nonce, ByteView header, ByteView plaintext) {
  Bytes sealed(plaintext.size() + kTagBytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(sealed.data(), nullptr, plaintext.data(),
                                             plaintext.size(), header.data(), header.size(),
                                             nullptr, nonce.data(), key.seal_key_.data());
  return sealed;
}

Result<Bytes> Open(const ClusterKey& key, const Nonce24& nonce, ByteView header, ByteView sealed) {
  const Error refused{"a sealed message", "does not open under the cluster key",
                      "use the same key file on all nodes"};
  if (sealed.size() < kTagBytes) return refused;
  Bytes plaintext(sealed.size() - kTagBytes);
  const int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
      plaintext.data(), nullptr, nullptr, sealed.data(), sealed.size(), header.data(),
      header.size(), nonce.data(), key.seal_key_.data());
  if (failed != 0) return refused;
  return plaintext;
}

}  // namespace fencepost::seal
