// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>

namespace ekshume {

// The sixteen bytes at `from`, wherever they lie.
inline __m128i LoadSixteen(const char* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

}  // namespace ekshume
#endif
