// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <thread>

// What becomes of memory that is freed: glibc's malloc, for the whole process.
namespace ekshume::cli {

// Freed memory is soon wanted again. To give it back to the kernel each time, as malloc does from
// 128 KiB on, costs a page fault for every 4 KiB when it comes back. Large blocks are asked of the
// kernel one by one, and go back to it. To be called once, before threads begin.
void KeepFreedMemory();

// While it lives, a thread of its own gives back what was kept, every other second, when that is
// much: what one stage of long work freed is of other sizes, or other threads', than what the next
// one asks for.
class FreedMemoryReturner {
 public:
  FreedMemoryReturner();

 private:
  std::jthread thread_;
};

}  // namespace ekshume::cli
