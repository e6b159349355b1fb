// The cluster key and what is done with it: proof of origin for slots on the disk, sealing of
// messages between nodes.
//
// Promise: sans-IO: nonces and randomness are handed in. A ClusterKey is wiped when it ends and has
//          no text. Open gives a plaintext only if key, nonce, header and text are those of Seal.
//          Use under one key never meets use under another: each purpose has its own context.
// REQUIRES: a nonce is used for one message only. 192 bits: a random one may be assumed new.
// Errors:  a message that does not open is reported as such and never why: nothing is known of it.
// Source:  docs/adr/0002-crypto.md. BLAKE2b (RFC 7693), XChaCha20-Poly1305
//          (draft-irtf-cfrg-xchacha-03), both from libsodium.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace fencepost::seal {

inline constexpr std::size_t kKeyBytes = 32;
inline constexpr std::size_t kMacBytes = 16;
inline constexpr std::size_t kNonceBytes = 24;
inline constexpr std::size_t kTagBytes = 16;  // what Seal adds to the plaintext
inline constexpr std::size_t kMaxKeyFileBytes = 4096;
inline constexpr std::size_t kMaxContext = 64;

using Mac16 = std::array<std::uint8_t, kMacBytes>;
using Nonce24 = std::array<std::uint8_t, kNonceBytes>;

class ClusterKey {
 public:
  using Secret = std::array<std::uint8_t, kKeyBytes>;
  explicit ClusterKey(const Secret& secret);
  ~ClusterKey();
  ClusterKey(const ClusterKey&) = default;
  ClusterKey& operator=(const ClusterKey&) = default;

 private:
  friend std::string KeyFileText(const ClusterKey& key);
  friend Mac16 MacOf(const ClusterKey& key, std::string_view context, ByteView bytes);
  friend Bytes Seal(const ClusterKey& key, const Nonce24& nonce, ByteView header,
                    ByteView plaintext);
  friend Result<Bytes> Open(const ClusterKey& key, const Nonce24& nonce, ByteView header,
                            ByteView sealed);
  Secret secret_;
  Secret mac_key_, seal_key_;  // derived from secret_: no key serves two algorithms
};

// A key file: one line of 64 hexadecimal digits; lines that begin with # and empty lines are
// skipped.
[[nodiscard]] Result<ClusterKey> ParseKeyFile(std::string_view text);
// What ParseKeyFile reads back. The caller wipes it with Wipe.
[[nodiscard]] std::string KeyFileText(const ClusterKey& key);
void Wipe(std::string& text);  // and empties it; no compiler leaves it out
void Wipe(Bytes& bytes);
void Wipe(ClusterKey::Secret& secret);

// Keyed BLAKE2b-128 of (context, bytes). REQUIRES: context is 1..kMaxContext bytes.
[[nodiscard]] Mac16 MacOf(const ClusterKey& key, std::string_view context, ByteView bytes);
// In constant time.
[[nodiscard]] bool SameMac(const Mac16& a, const Mac16& b);
// BLAKE2b-128 of (context, bytes) without a key: a name for bytes, no proof of origin.
[[nodiscard]] Mac16 DigestOf(std::string_view context, ByteView bytes);

// XChaCha20-Poly1305: plaintext.size() + kTagBytes bytes. The header travels in the open, is bound.
[[nodiscard]] Bytes Seal(const ClusterKey& key, const Nonce24& nonce, ByteView header,
                         ByteView plaintext);
[[nodiscard]] Result<Bytes> Open(const ClusterKey& key, const Nonce24& nonce, ByteView header,
                                 ByteView sealed);

}  // namespace fencepost::seal
