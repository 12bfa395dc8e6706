// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ekshume::event {

// The records of a case as found: a file of zstd frames, one after the other, each with the records
// of one batch (`zstd -d` makes one text of the whole). A row knows its frame's place in the file
// and its own place in the frame. Append() and Read() may be called by any thread.
class Pack {
 public:
  // Opens the file, making it when `write`. What lies behind `committed_bytes` is cut off when
  // writing: an ingest that was interrupted left it. kCorrupt when the file is shorter than that.
  static Result<std::unique_ptr<Pack>> Open(const std::string& path, bool write,
                                            uint64_t committed_bytes);
  ~Pack();

  // Compresses and appends; returns where the frame begins. Safe on disk only after Sync().
  Result<uint64_t> Append(std::string_view records);
  Result<void> Sync();
  uint64_t size_bytes() const;

  // A part of a frame's content. Each thread keeps the last frame that it read.
  Result<std::string> Read(uint64_t frame, uint32_t offset, uint32_t length) const;
  // The whole content of a frame.
  Result<std::shared_ptr<const std::string>> Frame(uint64_t frame) const;

 private:
  Pack(int descriptor, uint64_t size);

  const uint64_t serial_;  // tells packs apart for what threads keep
  const int descriptor_;
  mutable std::mutex mutex_;
  uint64_t size_;
};

}  // namespace ekshume::event
