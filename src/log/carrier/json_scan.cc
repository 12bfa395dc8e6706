// SPDX-License-Identifier: Apache-2.0
#include "log/carrier/json_scan.h"

#include <bit>

#include "base/sixteen.h"

namespace ekshume::log {
namespace {

constexpr size_t kBlock = 64;

struct Masks {
  uint64_t quotes = 0;
  uint64_t backslashes = 0;
  uint64_t opening = 0;  // { and [
  uint64_t closing = 0;  // } and ]
};

#if defined(__SSE2__)
Masks Look(const char* block) {
  Masks masks;
  for (size_t i = 0; i < 4; ++i) {
    const __m128i bytes = LoadSixteen(block + 16 * i);
    // { is [ with bit 5 set, } is ] with it.
    const __m128i folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
    const auto mask = [i](__m128i equal) {
      return uint64_t{static_cast<uint16_t>(_mm_movemask_epi8(equal))} << (16 * i);
    };
    masks.quotes |= mask(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
    masks.backslashes |= mask(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    masks.opening |= mask(_mm_cmpeq_epi8(folded, _mm_set1_epi8('{')));
    masks.closing |= mask(_mm_cmpeq_epi8(folded, _mm_set1_epi8('}')));
  }
  return masks;
}
#else
Masks Look(const char* block) {
  Masks masks;
  for (size_t i = 0; i < kBlock; ++i) {
    const uint64_t bit = uint64_t{1} << i;
    const char c = block[i];
    if (c == '"') masks.quotes |= bit;
    if (c == '\\') masks.backslashes |= bit;
    if (c == '{' || c == '[') masks.opening |= bit;
    if (c == '}' || c == ']') masks.closing |= bit;
  }
  return masks;
}
#endif

// Bit i is set when an odd number of bits up to and including i are: between quotes.
uint64_t PrefixXor(uint64_t bits) {
  for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

}  // namespace

size_t JsonScan::Feed(std::string_view bytes) {
  size_t at = 0;
  while (bytes.size() - at >= kBlock) {
    Masks masks = Look(bytes.data() + at);
    // Which bytes follow a backslash that is not itself escaped.
    uint64_t escaped = escaped_ ? 1 : 0;
    bool carried = false;
    if (masks.backslashes != 0) {
      uint64_t rest = masks.backslashes & ~escaped;
      while (rest != 0) {
        const int bit = std::countr_zero(rest);
        if (bit == 63) {
          carried = true;
          break;
        }
        escaped |= uint64_t{2} << bit;
        rest &= ~(uint64_t{3} << bit);
      }
    }
    escaped_ = carried;
    const uint64_t quotes = masks.quotes & ~escaped;
    const uint64_t strings = PrefixXor(quotes) ^ (in_string_ ? ~uint64_t{0} : 0);
    in_string_ = (strings >> 63) != 0;
    const uint64_t opening = masks.opening & ~strings;
    uint64_t closing = masks.closing & ~strings;
    const int64_t closing_count = std::popcount(closing);
    if (closing_count >= depth_) {
      while (closing != 0) {
        const int bit = std::countr_zero(closing);
        closing &= closing - 1;
        const uint64_t before = bit == 0 ? 0 : ~uint64_t{0} >> (64 - bit);
        const int64_t closed = std::popcount(masks.closing & ~strings & before) + 1;
        if (depth_ + std::popcount(opening & before) - closed <= 0) {
          return at + static_cast<size_t>(bit) + 1;
        }
      }
    }
    depth_ += std::popcount(opening) - closing_count;
    at += kBlock;
  }
  for (; at < bytes.size(); ++at) {
    const char c = bytes[at];
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_string_ = !in_string_;
    } else if (!in_string_) {
      if (c == '{' || c == '[') ++depth_;
      if ((c == '}' || c == ']') && --depth_ <= 0) return at + 1;
    }
  }
  return kOpen;
}

}  // namespace ekshume::log
