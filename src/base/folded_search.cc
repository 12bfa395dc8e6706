// SPDX-License-Identifier: Apache-2.0
#include "base/folded_search.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/sixteen.h"

namespace ekshume {
namespace {

// What is set in a byte of the text before it is compared with `c`: capitals become small letters.
constexpr char FoldingBit(char c) { return c >= 'a' && c <= 'z' ? 0x20 : 0; }

bool SameFolded(const char* text, std::string_view small) {
  for (size_t i = 0; i < small.size(); ++i) {
    if (static_cast<char>(text[i] | FoldingBit(small[i])) != small[i]) return false;
  }
  return true;
}

#ifdef __SSE2__

constexpr size_t kStep = 16;

// Looks at sixteen places at once: only where the first and the last byte fit, all are compared.
class Finder {
 public:
  explicit Finder(std::string_view small)
      : small_(small),
        first_(_mm_set1_epi8(small.front())),
        last_(_mm_set1_epi8(small.back())),
        first_bit_(_mm_set1_epi8(FoldingBit(small.front()))),
        last_bit_(_mm_set1_epi8(FoldingBit(small.back()))) {}

  // Whether the text begins at one of the first `places` places (up to kStep) behind `text`, from
  // where kStep - 1 bytes more than the text has can be read.
  bool At(const char* text, size_t places) const {
    const __m128i first = _mm_or_si128(LoadSixteen(text), first_bit_);
    const __m128i last = _mm_or_si128(LoadSixteen(text + small_.size() - 1), last_bit_);
    auto fits = static_cast<uint32_t>(_mm_movemask_epi8(
        _mm_and_si128(_mm_cmpeq_epi8(first, first_), _mm_cmpeq_epi8(last, last_))));
    fits &= (uint32_t{1} << places) - 1;
    for (; fits != 0; fits &= fits - 1) {
      if (SameFolded(text + std::countr_zero(fits), small_)) return true;
    }
    return false;
  }

 private:
  const std::string_view small_;
  const __m128i first_, last_, first_bit_, last_bit_;
};

#endif

}  // namespace

bool ContainsFolded(std::string_view text, std::string_view small) {
  if (small.empty()) return true;
  if (small.size() > text.size()) return false;
  const size_t places = text.size() - small.size() + 1;
#ifdef __SSE2__
  const Finder finder(small);
  if (places >= kStep) {
    for (size_t at = 0; at + kStep <= places; at += kStep) {
      if (finder.At(text.data() + at, kStep)) return true;
    }
    return places % kStep != 0 && finder.At(text.data() + places - kStep, kStep);
  }
  // What is too short is searched in a copy, behind which there is room to read.
  std::array<char, 96> copy{};
  if (text.size() + kStep <= copy.size()) {
    std::memcpy(copy.data(), text.data(), text.size());
    return finder.At(copy.data(), places);
  }
#endif
  for (size_t at = 0; at < places; ++at) {
    if (SameFolded(text.data() + at, small)) return true;
  }
  return false;
}

}  // namespace ekshume
