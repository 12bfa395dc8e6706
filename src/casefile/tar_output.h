// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/byte_view.h"
#include "base/progress.h"
#include "base/result.h"

namespace ekshume::casefile {

// A stream to a descriptor with a thread of its own for write(2), so that reading evidence and
// writing go on side by side. One thread fills it. After an error every call returns it.
class TarOutput {
 public:
  // `descriptor` stays the caller's and must stay open as long as this object. `name` is for
  // messages.
  TarOutput(int descriptor, std::string name, Progress* progress);
  ~TarOutput();
  TarOutput(const TarOutput&) = delete;
  TarOutput& operator=(const TarOutput&) = delete;

  Result<void> Append(ByteView bytes);
  Result<void> AppendZeros(uint64_t count);
  // Room of at least one byte to fill in place; Filled() says how much of it was.
  Result<std::span<std::byte>> Room();
  void Filled(size_t count);
  // Writes what is left and waits for it.
  Result<void> Finish();

  uint64_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kBufferBytes = size_t{1} << 20;
  static constexpr size_t kBuffers = 6;

  struct Buffer {
    std::vector<std::byte> bytes;
    size_t used = 0;
  };

  Result<void> Push();  // hands the current buffer over and takes a free one
  void Run();

  const int descriptor_;
  const std::string name_;
  Progress* const progress_;
  uint64_t bytes_ = 0;
  Buffer current_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Buffer> full_;
  std::deque<Buffer> free_;
  std::optional<Error> error_;
  bool closing_ = false;
  bool idle_ = true;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace ekshume::casefile
