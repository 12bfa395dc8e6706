// SPDX-License-Identifier: Apache-2.0
#include "collect/system.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <memory>
#include <utility>

#include "base/byte_view.h"

namespace ekshume::collect {
namespace {

constexpr size_t kReadBytes = size_t{64} << 10;
constexpr size_t kMaxLineBytes = size_t{64} << 10;

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (number_ >= 0) close(number_);
  number_ = std::exchange(other.number_, -1);
  return *this;
}
Descriptor::~Descriptor() {
  if (number_ >= 0) close(number_);
}

std::string ErrnoName(int number) {
  const char* name = strerrorname_np(number);
  return name != nullptr ? name : fmt::format("{}", number);
}

Error SystemError(std::string_view what, std::string_view path, int number) {
  const bool missing = number == ENOENT || number == ESRCH;
  return Fail(
      missing ? ErrorCode::kNotFound : ErrorCode::kIo,
      fmt::format("{} {}: {} ({})", what, path, ErrnoName(number), strerrordesc_np(number)));
}

Descriptor OpenForReading(const std::string& path, bool follow, bool* kept_atime) {
  const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (follow ? 0 : O_NOFOLLOW);
  int number = open(path.c_str(), flags | O_NOATIME);
  if (kept_atime != nullptr) *kept_atime = number >= 0;
  // Only the owner and root may leave the access time alone.
  if (number < 0 && errno == EPERM) number = open(path.c_str(), flags);
  return Descriptor(number);
}

Result<std::string> ReadText(const std::string& path, size_t limit, bool* truncated) {
  if (truncated != nullptr) *truncated = false;
  const Descriptor file = OpenForReading(path, /*follow=*/true);
  if (!file.is_open()) return SystemError("open", path, errno);
  std::string text;
  size_t used = 0;
  while (true) {
    if (used == limit) {
      std::array<char, 1> more{};
      if (truncated != nullptr) *truncated = read(file.number(), more.data(), 1) > 0;
      break;
    }
    // Files of /proc do not say how long they are; most are short.
    const size_t room = std::min(limit - used, used == 0 ? size_t{4096} : kReadBytes);
    text.resize(used + room);
    const ssize_t count = read(file.number(), text.data() + used, room);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError("read", path, errno);
    if (count == 0) break;
    used += static_cast<size_t>(count);
  }
  text.resize(used);
  return text;
}

std::string TextOrEmpty(const std::string& path, size_t limit) {
  Result<std::string> text = ReadText(path, limit);
  return text ? std::move(*text) : std::string();
}

std::string TrimmedText(const std::string& path) {
  std::string text = TextOrEmpty(path);
  while (!text.empty() && std::string_view(" \n\t\r\0", 5).contains(text.back())) text.pop_back();
  return text;
}

std::optional<std::string> LinkTarget(const std::string& path) {
  std::string target(256, '\0');
  while (true) {
    const ssize_t length = readlink(path.c_str(), target.data(), target.size());
    if (length < 0) return std::nullopt;
    if (static_cast<size_t>(length) < target.size()) {
      target.resize(static_cast<size_t>(length));
      return target;
    }
    if (target.size() >= kReadBytes) return std::nullopt;
    target.resize(target.size() * 4);
  }
}

Result<std::vector<std::string>> ListDirectory(const std::string& path, size_t limit) {
  const int number = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOATIME);
  const int plain = number < 0 && errno == EPERM
                        ? open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                        : number;
  if (plain < 0) return SystemError("open", path, errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(fdopendir(plain), closedir);
  if (directory == nullptr) {
    close(plain);
    return SystemError("list", path, errno);
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && names.size() < limit) names.emplace_back(name);
  }
  if (errno != 0) return SystemError("list", path, errno);
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> ForEachLine(const std::string& path,
                         const std::function<bool(std::string_view)>& line) {
  const Descriptor file = OpenForReading(path, /*follow=*/true);
  if (!file.is_open()) return SystemError("open", path, errno);
  return ForEachLine(file.number(), path, line);
}

Result<void> ForEachLine(int descriptor, std::string_view name,
                         const std::function<bool(std::string_view)>& line) {
  std::string buffer(kReadBytes, '\0');
  std::string rest;
  while (true) {
    const ssize_t count = read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      pollfd ready{.fd = descriptor, .events = POLLIN};
      poll(&ready, 1, -1);
      continue;
    }
    if (count < 0) return SystemError("read", name, errno);
    if (count == 0) break;
    std::string_view text(buffer.data(), static_cast<size_t>(count));
    for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
      bool more = true;
      if (rest.empty()) {
        more = line(text.substr(0, end));
      } else {
        rest.append(text.substr(0, end));
        more = line(rest);
        rest.clear();
      }
      if (!more) return {};
      text.remove_prefix(end + 1);
    }
    if (rest.size() < kMaxLineBytes) rest.append(text);
  }
  if (!rest.empty()) line(rest);
  return {};
}

std::optional<uint64_t> ParseNumber(std::string_view text, int base) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Timestamp TimeOf(const timespec& time) {
  return {static_cast<int64_t>(time.tv_sec), static_cast<uint32_t>(time.tv_nsec)};
}

Timestamp Now() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return TimeOf(now);
}

int64_t ClockNanoseconds(int clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

char TypeLetter(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return 'f';
    case S_IFDIR: return 'd';
    case S_IFLNK: return 'l';
    case S_IFCHR: return 'c';
    case S_IFBLK: return 'b';
    case S_IFIFO: return 'p';
    case S_IFSOCK: return 's';
    default: return 'a';  // anonymous inodes have no type
  }
}

}  // namespace ekshume::collect
