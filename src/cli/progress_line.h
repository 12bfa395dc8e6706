// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/progress.h"

namespace ekshume::cli {

// Shows a Progress on standard error, a few times a second, while it lives: stage, bytes, files,
// rate and time left. Only when standard error is a terminal and `wanted`; otherwise silent.
// With `descriptor` (not -1) another program watches: it gets a JSON object for each change, a line
// each, with stage, bytes, total_bytes and items. When it reads no longer, the Progress is
// cancelled: a run whose watcher died ends as after Ctrl-C.
class ProgressLine {
 public:
  ProgressLine(Progress& progress, bool wanted, int descriptor);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

 private:
  void Run();
  void RunForProgram(int descriptor);

  Progress& progress_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::jthread thread_;
};

}  // namespace ekshume::cli
