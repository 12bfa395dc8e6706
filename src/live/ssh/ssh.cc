// SPDX-License-Identifier: Apache-2.0
#include "live/ssh/ssh.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/text.h"

namespace ekshume::live::ssh {
namespace {

constexpr size_t kMaxErrorBytes = size_t{8} << 10;
constexpr int kPollMilliseconds = 200;

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    Close();
    value_ = std::exchange(other.value_, -1);
    return *this;
  }
  ~Descriptor() { Close(); }
  void Close() {
    if (value_ >= 0) close(value_);
    value_ = -1;
  }
  int value() const { return value_; }
  bool open() const { return value_ >= 0; }

 private:
  int value_ = -1;
};

struct Pipe {
  Descriptor read;
  Descriptor write;
};

Result<Pipe> MakePipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return Fail(ErrorCode::kIo, "cannot make a pipe");
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

void DoNotBlock(const Descriptor& descriptor) {
  fcntl(descriptor.value(), F_SETFL, fcntl(descriptor.value(), F_GETFL) | O_NONBLOCK);
}

// A running ssh; killed when it is let go of before it has ended.
class Child {
 public:
  static Result<Child> Start(std::vector<std::string> words) {
    Child child;
    Pipe in = EKSHUME_TRY(MakePipe());
    Pipe out = EKSHUME_TRY(MakePipe());
    Pipe errors = EKSHUME_TRY(MakePipe());
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in.read.value(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out.write.value(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, errors.write.value(), STDERR_FILENO);
    // Ctrl-C is ours to handle, and a broken pipe is not to be ignored there as it is here.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    const int failed =
        posix_spawnp(&child.id_, pointers[0], &actions, &attributes, pointers.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
      child.id_ = 0;
      return Fail(ErrorCode::kIo,
                  fmt::format("cannot run {}: {}", words[0], std::strerror(failed)));
    }
    child.in = std::move(in.write);
    child.out = std::move(out.read);
    child.errors = std::move(errors.read);
    DoNotBlock(child.in);
    DoNotBlock(child.out);
    DoNotBlock(child.errors);
    return child;
  }
  Child(Child&& other) noexcept
      : in(std::move(other.in)),
        out(std::move(other.out)),
        errors(std::move(other.errors)),
        id_(std::exchange(other.id_, 0)) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (id_ == 0) return;
    kill(id_, SIGTERM);
    Wait();
  }
  int Wait() {
    in.Close();
    out.Close();
    errors.Close();
    int status = 0;
    while (waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    id_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  Descriptor in;
  Descriptor out;
  Descriptor errors;

 private:
  Child() = default;
  pid_t id_ = 0;
};

// What is left to be sent.
class Input {
 public:
  explicit Input(const std::vector<std::string_view>& pieces) : pieces_(pieces) { Skip(); }
  // Sends what the pipe takes; closes it at the end, or when nobody reads any more.
  void Send(Descriptor& to) {
    while (next_ < pieces_.size()) {
      const ssize_t sent = write(to.value(), pieces_[next_].data(), pieces_[next_].size());
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (sent < 0) break;
      pieces_[next_].remove_prefix(static_cast<size_t>(sent));
      Skip();
    }
    to.Close();
  }

 private:
  void Skip() {
    while (next_ < pieces_.size() && pieces_[next_].empty()) ++next_;
  }
  std::vector<std::string_view> pieces_;
  size_t next_ = 0;
};

// Reads what is there; closes the descriptor at its end.
Result<void> Take(Descriptor& from, const std::function<Result<void>(ByteView)>& sink) {
  std::array<char, size_t{64} << 10> buffer;
  for (;;) {
    const ssize_t got = read(from.value(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return {};
    if (got <= 0) {
      from.Close();
      return {};
    }
    EKSHUME_TRY(sink(ByteView::Of(std::string_view(buffer.data(), static_cast<size_t>(got)))));
  }
}

}  // namespace

Result<SshOutcome> Run(const SshTarget& target, const std::string& command,
                       const std::vector<std::string_view>& input,
                       const std::function<Result<void>(ByteView)>& output,
                       const Progress* progress) {
  if (target.host.empty() || target.host.starts_with('-')) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no host", EscapeForTerminal(target.host)));
  }
  std::vector<std::string> words{target.program};
  words.insert(words.end(), target.arguments.begin(), target.arguments.end());
  words.insert(words.end(), {"-T", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=15", "--",
                             target.host, command});
  Child child = EKSHUME_TRY(Child::Start(std::move(words)));
  Input rest(input);
  SshOutcome outcome;
  const auto keep_errors = [&](ByteView bytes) -> Result<void> {
    if (outcome.errors.size() < kMaxErrorBytes) outcome.errors += bytes.AsText();
    return {};
  };
  while (child.out.open() || child.errors.open()) {
    if (progress != nullptr && progress->cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
    std::array<pollfd, 3> waiting{{{child.out.value(), POLLIN, 0},
                                   {child.errors.value(), POLLIN, 0},
                                   {child.in.value(), POLLOUT, 0}}};
    if (poll(waiting.data(), waiting.size(), kPollMilliseconds) < 0 && errno != EINTR) {
      return Fail(ErrorCode::kIo, "cannot wait for ssh");
    }
    if (waiting[0].revents != 0) EKSHUME_TRY(Take(child.out, output));
    if (waiting[1].revents != 0) EKSHUME_TRY(Take(child.errors, keep_errors));
    if (waiting[2].revents != 0) rest.Send(child.in);
  }
  outcome.exit_code = child.Wait();
  return outcome;
}

}  // namespace ekshume::live::ssh
