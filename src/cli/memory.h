// SPDX-License-Identifier: Apache-2.0
#pragma once

// What becomes of memory that is freed: glibc's malloc, for the whole process.
namespace ekshume::cli {

// Freed memory is soon wanted again. To give it back to the kernel each time, as malloc does from
// 128 KiB on, costs a page fault for every 4 KiB when it comes back. Large blocks are asked of the
// kernel one by one, and go back to it. To be called once, before threads begin.
void KeepFreedMemory();

// Gives back what was kept: between stages, when the next one wants other memory.
void ReturnFreedMemory();

}  // namespace ekshume::cli
