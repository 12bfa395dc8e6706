// SPDX-License-Identifier: Apache-2.0
#include "server/job.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "casefile/json.h"
#include "server/limits.h"

namespace ekshume::server {
namespace {

constexpr int kProgressDescriptor = 3;
constexpr int kPollMilliseconds = 100;
constexpr size_t kPieceBytes = size_t{1} << 14;

// Appends what can be read now. False at the end.
bool ReadSome(int descriptor, std::string& pending) {
  std::array<char, kPieceBytes> piece;
  const ssize_t got = read(descriptor, piece.data(), piece.size());
  if (got > 0) {
    pending.append(piece.data(), static_cast<size_t>(got));
    return true;
  }
  return got < 0 && (errno == EAGAIN || errno == EINTR);
}

uint64_t CountOf(const casefile::Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

void Close(int& descriptor) {
  if (descriptor >= 0) close(descriptor);
  descriptor = -1;
}

}  // namespace

Result<std::unique_ptr<Job>> Job::Start(JobRequest request) {
  std::unique_ptr<Job> job(new Job(std::move(request)));
  EKSHUME_TRY(job->Spawn());
  job->thread_ = std::thread([raw = job.get()] { raw->Watch(); });
  return job;
}

Job::~Job() {
  if (thread_.joinable()) {
    Stop();
    thread_.join();
  }
  Close(errors_);
  Close(progress_);
}

Result<void> Job::Spawn() {
  std::array<int, 2> errors{};
  std::array<int, 2> progress{};
  if (pipe2(errors.data(), O_CLOEXEC) != 0) return Fail(ErrorCode::kIo, "cannot make a pipe");
  errors_ = errors[0];
  if (pipe2(progress.data(), O_CLOEXEC) != 0) {
    close(errors[1]);
    return Fail(ErrorCode::kIo, "cannot make a pipe");
  }
  progress_ = progress[0];
  for (const int descriptor : {errors_, progress_}) {
    fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  }
  std::vector<std::string> words = {"ekshume"};
  words.insert(words.end(), request_.arguments.begin(), request_.arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, errors[1], STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&actions, progress[1], kProgressDescriptor);
  // Sockets of the server above all: its port would stay taken.
  posix_spawn_file_actions_addclosefrom_np(&actions, kProgressDescriptor + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  // Ctrl-C on the terminal is ours to hand on: two of them end the program at once.
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  const int failed =
      posix_spawn(&pid_, request_.program.c_str(), &actions, &attributes, pointers.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(errors[1]);
  close(progress[1]);
  if (failed != 0) {
    pid_ = 0;
    return Fail(ErrorCode::kIo,
                fmt::format("cannot run {}: {}", request_.program, std::strerror(failed)));
  }
  return {};
}

void Job::Stop() {
  const std::lock_guard lock(mutex_);
  if (pid_ == 0 || stops_ > 0) return;
  state_.stop_was_asked = true;
  stop_time_ = std::chrono::steady_clock::now();
  stops_ = 1;
  kill(pid_, SIGTERM);
}

// A second SIGTERM ends the program where it stands, and the last word is not its own.
void Job::StopHarder() {
  const std::lock_guard lock(mutex_);
  if (pid_ == 0 || stops_ == 0 || stops_ > 2 || !request_.patience) return;
  if (std::chrono::steady_clock::now() - stop_time_ < stops_ * *request_.patience) return;
  kill(pid_, stops_ == 1 ? SIGTERM : SIGKILL);
  ++stops_;
}

JobState Job::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void Job::Changed() {
  if (request_.on_change) request_.on_change(state());
}

bool Job::TakeProgress(std::string& pending) {
  const size_t end = pending.rfind('\n');
  if (end == std::string::npos) {
    if (pending.size() > limits::kMostJobLineBytes) pending.clear();
    return false;
  }
  bool changed = false;
  // Only the newest is of interest; empty lines say nothing.
  size_t at = end;
  while (at > 0) {
    const size_t before = pending.rfind('\n', at - 1);
    const size_t start = before == std::string::npos ? 0 : before + 1;
    const auto json = casefile::Json::parse(pending.substr(start, at - start), nullptr, false);
    if (json.is_object()) {
      const std::lock_guard lock(mutex_);
      const auto stage = json.find("stage");
      if (stage != json.end() && stage->is_string()) state_.stage = stage->get<std::string>();
      state_.bytes = CountOf(json, "bytes");
      state_.total_bytes = CountOf(json, "total_bytes");
      state_.items = CountOf(json, "items");
      changed = true;
      break;
    }
    if (start == 0) break;
    at = start - 1;
  }
  pending.erase(0, end + 1);
  return changed;
}

bool Job::TakeLines(std::string& pending, bool is_end) {
  bool changed = false;
  const std::lock_guard lock(mutex_);
  size_t start = 0;
  for (;;) {
    size_t end = pending.find('\n', start);
    const bool too_long = pending.size() - start > limits::kMostJobLineBytes;
    if (end == std::string::npos) {
      if (start == pending.size() || (!is_end && !too_long)) break;
      end = pending.size();
    }
    state_.lines.push_back(pending.substr(start, std::min(end - start, limits::kMostJobLineBytes)));
    changed = true;
    if (state_.lines.size() > limits::kKeptJobLines) {
      state_.lines.pop_front();
      ++state_.dropped_lines;
    }
    start = std::min(end + 1, pending.size());
  }
  pending.erase(0, start);
  return changed;
}

void Job::Watch() {
  std::string lines;
  std::string progress;
  int status = 0;
  bool ended = false;
  // Once more after its end: what it said last may still lie in the pipe.
  for (bool last = false; !last;) {
    last = ended;
    std::array<pollfd, 2> waits = {pollfd{errors_, POLLIN, 0}, pollfd{progress_, POLLIN, 0}};
    poll(waits.data(), waits.size(), last ? 0 : kPollMilliseconds);
    bool changed = false;
    // At the end all that a pipe holds, but not for ever: a child of the child may still write.
    for (int piece = 0; waits[0].revents != 0 && errors_ >= 0 && piece < (last ? 8 : 1); ++piece) {
      const size_t before = lines.size();
      if (!ReadSome(errors_, lines)) Close(errors_);
      const bool came = lines.size() > before;
      changed |= TakeLines(lines, false);
      if (!came) break;
    }
    if (waits[1].revents != 0) {
      if (!ReadSome(progress_, progress)) Close(progress_);
      changed |= TakeProgress(progress);
    }
    if (changed) Changed();
    if (!ended) {
      StopHarder();
      const std::lock_guard lock(mutex_);
      ended = waitpid(pid_, &status, WNOHANG) == pid_;
      if (ended) pid_ = 0;
    }
  }
  TakeLines(lines, true);
  {
    const std::lock_guard lock(mutex_);
    state_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  Changed();
}

}  // namespace ekshume::server
