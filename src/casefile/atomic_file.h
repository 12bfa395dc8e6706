// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/byte_view.h"
#include "base/result.h"

namespace ekshume::casefile {

// A file that appears under its name only when it is complete: bytes go to a temporary file beside
// it, Commit() flushes and renames, destruction without Commit() removes it. So a full disk or a
// Ctrl-C leaves nothing half-written. One thread at a time.
class AtomicFile {
 public:
  // kNotFound when the folder is missing, kIo with the system's reason. The file gets mode 0600, as
  // what is taken from evidence is confidential.
  static Result<std::unique_ptr<AtomicFile>> Create(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // kNoSpace when the disk is full, kIo otherwise.
  Result<void> Write(ByteView bytes);
  Result<void> Write(std::string_view text) { return Write(ByteView::Of(text)); }
  Result<void> Commit();
  // For writers that need a descriptor; owned by this object.
  int descriptor() const { return descriptor_; }

 private:
  AtomicFile(std::string path, std::string temporary_path, int descriptor);

  const std::string path_;
  const std::string temporary_path_;
  int descriptor_;
  bool committed_ = false;
};

// Writes all of `bytes` to a descriptor; kNoSpace or kIo with `name` in the message.
Result<void> WriteAll(int descriptor, ByteView bytes, std::string_view name);

// The whole of a small file of ours (case.json, custody.jsonl).
Result<std::string> ReadOwnFile(const std::string& path);

}  // namespace ekshume::casefile
