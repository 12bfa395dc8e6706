// SPDX-License-Identifier: Apache-2.0
#include "cli/progress_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "base/text.h"

namespace ekshume::cli {

using std::chrono::steady_clock;

ProgressLine::ProgressLine(Progress& progress, bool wanted, int descriptor) : progress_(progress) {
  if (descriptor >= 0) {
    thread_ = std::jthread([this, descriptor] { RunForProgram(descriptor); });
  } else if (wanted && isatty(STDERR_FILENO) == 1) {
    thread_ = std::jthread([this] { Run(); });
  }
}

ProgressLine::~ProgressLine() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
}

void ProgressLine::Run() {
  const auto start = steady_clock::now();
  bool shown = false;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, std::chrono::milliseconds(250), [this] { return stopping_; })) {
    const double seconds = std::chrono::duration<double>(steady_clock::now() - start).count();
    if (seconds < 0.5) continue;  // short work needs no line
    const uint64_t bytes = progress_.bytes();
    const uint64_t total = progress_.total_bytes();
    std::string line = fmt::format("{}", progress_.stage());
    if (bytes > 0) {
      line += fmt::format("  {}", HumanBytes(bytes));
      if (total > 0) line += fmt::format(" of {}", HumanBytes(total));
      const double rate = static_cast<double>(bytes) / seconds;
      line += fmt::format("  {}/s", HumanBytes(static_cast<uint64_t>(rate)));
      if (total > bytes && rate > 0) {
        line += fmt::format("  {:.0f} s left", static_cast<double>(total - bytes) / rate);
      }
    }
    if (progress_.items() > 0) line += fmt::format("  {} files", progress_.items());
    fmt::print(stderr, "\r\x1b[K{}", line);
    std::fflush(stderr);
    shown = true;
  }
  if (shown) {
    fmt::print(stderr, "\r\x1b[K");
    std::fflush(stderr);
  }
}

void ProgressLine::RunForProgram(int descriptor) {
  std::string last;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, std::chrono::milliseconds(250), [this] { return stopping_; })) {
    std::string line = fmt::format(R"({{"stage":"{}","bytes":{},"total_bytes":{},"items":{}}})"
                                   "\n",
                                   progress_.stage(), progress_.bytes(), progress_.total_bytes(),
                                   progress_.items());
    // An empty line says nothing, but finds out whether somebody still reads.
    const std::string_view text = line == last ? std::string_view("\n") : std::string_view(line);
    // Shorter than PIPE_BUF: written whole or not at all.
    if (write(descriptor, text.data(), text.size()) < 0) {
      progress_.Cancel();
      return;
    }
    last = std::move(line);
  }
}

}  // namespace ekshume::cli
