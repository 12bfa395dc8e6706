// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/progress.h"

namespace ekshume::cli {

// Shows a Progress on standard error, a few times a second, while it lives: stage, bytes, files,
// rate and time left. Only when standard error is a terminal and `wanted`; otherwise silent.
class ProgressLine {
 public:
  ProgressLine(const Progress& progress, bool wanted);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

 private:
  void Run();

  const Progress& progress_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::jthread thread_;
};

}  // namespace ekshume::cli
