// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "base/byte_view.h"

namespace ekshume {

using Sha256Digest = std::array<std::byte, 32>;

// SHA-256 (FIPS 180-4) through OpenSSL, which uses SHA-NI where the processor has it. One thread at
// a time per object.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Update(ByteView bytes);
  // The digest of all that was given; resets the object for the next message.
  Sha256Digest Finish();

  static Sha256Digest Of(ByteView bytes);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Lower-case hexadecimal.
std::string ToHex(ByteView bytes);
inline std::string ToHex(const Sha256Digest& digest) { return ToHex(ByteView(digest)); }

// CRC-32C (Castagnoli, reflected), one step: no initial or final inversion, so that callers can
// chain it as the kernel's crc32c_le does. `crc32c(~0, ...)` starts most on-disk uses.
uint32_t Crc32c(uint32_t crc, ByteView bytes);
// CRC-32 (IEEE 802.3, reflected) with the usual inversions: GPT headers, gzip.
uint32_t Crc32(ByteView bytes);

}  // namespace ekshume
