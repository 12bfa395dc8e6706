// SPDX-License-Identifier: Apache-2.0
#include "cli/memory.h"

#include <malloc.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace ekshume::cli {
namespace {

constexpr size_t kMuch = 32 << 20;
constexpr std::chrono::seconds kInterval(2);

}  // namespace

void KeepFreedMemory() {
  mallopt(M_MMAP_THRESHOLD, 16 << 20);
  mallopt(M_TRIM_THRESHOLD, 128 << 20);
}

FreedMemoryReturner::FreedMemoryReturner()
    : thread_([](const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any stopped;
        std::unique_lock lock(mutex);
        const auto asked = [&] { return stop.stop_requested(); };
        while (!stopped.wait_for(lock, stop, kInterval, asked)) {
          if (mallinfo2().fordblks > kMuch) malloc_trim(0);
        }
      }) {}

}  // namespace ekshume::cli
