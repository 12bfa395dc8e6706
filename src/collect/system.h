// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "collection/proc_text.h"

// What the collector asks of the kernel. Nothing here writes to a disk.
namespace ekshume::collect {

// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

// The symbol of an errno: "EACCES".
std::string ErrnoName(int number);
// "open /proc/7/exe: EACCES (Permission denied)". The code is kNotFound for what does not exist.
Error SystemError(std::string_view what, std::string_view path, int number);

// Opens for reading, without changing the access time where the kernel allows that; `kept_atime`
// says whether it did. Never follows a final symbolic link when `follow` is false, never blocks on
// a pipe. On failure errno is set and the descriptor is not open.
Descriptor OpenForReading(const std::string& path, bool follow, bool* kept_atime = nullptr);

// The whole of a small file, at most `limit` bytes of it; `truncated` says whether there was more.
Result<std::string> ReadText(const std::string& path, size_t limit, bool* truncated = nullptr);
// The same, empty when it cannot be read.
std::string TextOrEmpty(const std::string& path, size_t limit = size_t{64} << 10);
// Without white space at its end.
std::string TrimmedText(const std::string& path);

// The target of a symbolic link; nothing when it cannot be read.
std::optional<std::string> LinkTarget(const std::string& path);

// Names in a directory without "." and "..", in the order of bytes; at most `limit`.
Result<std::vector<std::string>> ListDirectory(const std::string& path, size_t limit);

// Calls `line` for each line of a file of any length, without its newline, until it returns false.
// A line of more than 64 KiB is cut.
Result<void> ForEachLine(const std::string& path,
                         const std::function<bool(std::string_view)>& line);

// The same of an open descriptor, from where it is; `name` is for messages. Waits for what is still
// to come, and may read more than the lines that it gives.
Result<void> ForEachLine(int descriptor, std::string_view name,
                         const std::function<bool(std::string_view)>& line);

// Fields between spaces and tabs.
using collection::Fields;
// A whole number; nothing for other text.
std::optional<uint64_t> ParseNumber(std::string_view text, int base = 10);

Timestamp TimeOf(const timespec& time);
Timestamp Now();
int64_t ClockNanoseconds(int clock);

// The letter of find(1) for a mode.
char TypeLetter(mode_t mode);

}  // namespace ekshume::collect
