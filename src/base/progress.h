// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace ekshume {

// How far a long operation is, and the user's wish to stop it. Library code counts up and asks
// `cancelled`; the CLI reads and prints. All members may be used from any thread and from a signal
// handler.
class Progress {
 public:
  void AddBytes(uint64_t count) { bytes_.fetch_add(count, std::memory_order_relaxed); }
  void AddItems(uint64_t count) { items_.fetch_add(count, std::memory_order_relaxed); }
  void SetTotalBytes(uint64_t total) { total_bytes_.store(total, std::memory_order_relaxed); }
  // `stage` must be a string literal (its storage is kept).
  void SetStage(const char* stage) { stage_.store(stage, std::memory_order_relaxed); }

  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  uint64_t items() const { return items_.load(std::memory_order_relaxed); }
  uint64_t total_bytes() const { return total_bytes_.load(std::memory_order_relaxed); }
  const char* stage() const { return stage_.load(std::memory_order_relaxed); }

  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  // For code that knows nothing of progress.
  const std::atomic<bool>& cancel_flag() const { return cancelled_; }

 private:
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> items_{0};
  std::atomic<uint64_t> total_bytes_{0};
  std::atomic<const char*> stage_{""};
  std::atomic<bool> cancelled_{false};
};

}  // namespace ekshume
