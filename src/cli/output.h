// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/byte_view.h"
#include "base/result.h"
#include "casefile/atomic_file.h"

namespace ekshume::cli {

enum class OutputFormat { kTable, kJson, kJsonLines, kCsv };

// Where a verb's output goes: standard output, or a file that appears only when it is complete. One
// thread at a time. The first failed write is kept and returned by Finish(); what follows is
// dropped.
class Output {
 public:
  // `path` empty: standard output.
  static Result<std::unique_ptr<Output>> Open(const std::string& path);

  void Write(std::string_view text);
  // True when a write failed: producing more is pointless.
  bool failed() const { return failed_; }
  // Flushes; makes the file appear. A closed pipe (`| head`) is no error.
  Result<void> Finish();
  // The descriptor beneath, for writers that stream to it; flushes what was written before.
  Result<int> Descriptor();

 private:
  explicit Output(std::unique_ptr<casefile::AtomicFile> file) : file_(std::move(file)) {}
  void Flush();
  void WriteThrough(std::string_view text);

  std::unique_ptr<casefile::AtomicFile> file_;  // null: standard output
  std::string buffer_;
  Result<void> status_;
  bool failed_ = false;
  bool pipe_closed_ = false;
};

}  // namespace ekshume::cli
