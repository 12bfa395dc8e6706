// SPDX-License-Identifier: Apache-2.0
#include <isa-l/crc.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cstring>

#include "base/hash.h"

// Apart from SHA-256, as the static collector is linked without ISA-L.
namespace ekshume {

namespace {
// ISA-L takes an int length; larger inputs go in slices.
constexpr size_t kCrcSlice = size_t{1} << 30;

// ISA-L 2.30's AVX-512 code leaves the upper halves of the vector registers in use. SSE code then
// runs slower, OpenSSL's SHA-256 by a third, also in threads that are started afterwards.
#if defined(__x86_64__)
__attribute__((target("avx"))) void ZeroUpperHalves() { _mm256_zeroupper(); }
void LeaveVectorCode() {
  static const bool has_avx = __builtin_cpu_supports("avx") != 0;
  if (has_avx) ZeroUpperHalves();
}

// The processor's own instruction: for short pieces quicker than to enter ISA-L.
__attribute__((target("sse4.2"))) uint32_t ShortCrc32c(uint32_t crc, ByteView bytes) {
  const std::byte* next = bytes.data();
  size_t left = bytes.size();
  uint64_t wide = crc;
  for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t), next += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, next, sizeof(word));
    wide = _mm_crc32_u64(wide, word);
  }
  crc = static_cast<uint32_t>(wide);
  if (left >= sizeof(uint32_t)) {
    uint32_t word = 0;
    std::memcpy(&word, next, sizeof(word));
    crc = _mm_crc32_u32(crc, word);
    left -= sizeof(word);
    next += sizeof(word);
  }
  for (; left > 0; --left, ++next) crc = _mm_crc32_u8(crc, std::to_integer<uint8_t>(*next));
  return crc;
}
bool HasShortCrc32c() {
  static const bool has = __builtin_cpu_supports("sse4.2") != 0;
  return has;
}
#else
void LeaveVectorCode() {}
uint32_t ShortCrc32c(uint32_t crc, ByteView) { return crc; }
bool HasShortCrc32c() { return false; }
#endif
// Up to here the short way wins.
constexpr size_t kShortCrcBytes = 256;
}  // namespace

uint32_t Crc32c(uint32_t crc, ByteView bytes) {
  if (bytes.size() <= kShortCrcBytes && HasShortCrc32c()) return ShortCrc32c(crc, bytes);
  while (!bytes.empty()) {
    const ByteView slice = bytes.First(kCrcSlice);
    // ISA-L's prototype lacks const; it does not write.
    auto* data = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(slice.data()));
    crc = crc32_iscsi(data, static_cast<int>(slice.size()), crc);
    bytes = bytes.From(slice.size());
  }
  LeaveVectorCode();
  return crc;
}

uint32_t Crc32(ByteView bytes) {
  uint32_t crc = 0;
  while (!bytes.empty()) {
    const ByteView slice = bytes.First(kCrcSlice);
    crc = crc32_gzip_refl(crc, reinterpret_cast<const unsigned char*>(slice.data()), slice.size());
    bytes = bytes.From(slice.size());
  }
  LeaveVectorCode();
  return crc;
}

}  // namespace ekshume
