// SPDX-License-Identifier: Apache-2.0
#include "cli/memory.h"

#include <malloc.h>

namespace ekshume::cli {

void KeepFreedMemory() {
  mallopt(M_MMAP_THRESHOLD, 16 << 20);
  mallopt(M_TRIM_THRESHOLD, 128 << 20);
}

void ReturnFreedMemory() { malloc_trim(0); }

}  // namespace ekshume::cli
