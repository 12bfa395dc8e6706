// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"

namespace ekshume::server {

// How far a job is, and what it said.
struct JobState {
  std::string stage;
  uint64_t bytes = 0;
  uint64_t total_bytes = 0;  // 0: not known
  uint64_t items = 0;
  std::deque<std::string> lines;  // of standard error, the newest limits::kKeptJobLines
  uint64_t dropped_lines = 0;     // older ones
  bool stop_was_asked = false;
  std::optional<int> exit_code;  // once it ended; 128 + number when a signal ended it
};

struct JobRequest {
  std::string program = "/proc/self/exe";  // this program
  std::vector<std::string> arguments;      // without its name; never seen by a shell
  // How long it may take to stop by itself before it is told again, and then killed. None: as long
  // as it takes, for work that must not be torn off.
  std::optional<std::chrono::seconds> patience;
  // Called on the job's thread when the state changed, the last time with the exit code. It must
  // not destroy the job.
  std::function<void(const JobState&)> on_change;
};

// One run of a program as a child, in a process group of its own, with our environment, no standard
// input and none of our descriptors. Its progress is read from descriptor 3 as `--progress-fd 3`
// writes it: a child whose server died stops by itself. Any thread.
class Job {
 public:
  // kIo when it cannot be started.
  static Result<std::unique_ptr<Job>> Start(JobRequest request);
  // Stops it, and waits until it ended.
  ~Job();
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // Asks it to stop, as Ctrl-C does; does not wait.
  void Stop();
  JobState state() const;

 private:
  explicit Job(JobRequest request) : request_(std::move(request)) {}
  Result<void> Spawn();
  void Watch();
  bool TakeProgress(std::string& pending);
  bool TakeLines(std::string& pending, bool is_end);
  void StopHarder();
  void Changed();

  const JobRequest request_;
  int errors_ = -1;  // descriptors, of the thread alone once it runs
  int progress_ = -1;
  mutable std::mutex mutex_;
  pid_t pid_ = 0;  // 0: it was waited for
  JobState state_;
  std::chrono::steady_clock::time_point stop_time_;
  int stops_ = 0;  // how often it was told
  std::thread thread_;
};

}  // namespace ekshume::server
