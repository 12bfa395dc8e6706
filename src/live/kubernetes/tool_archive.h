// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "collection/writer.h"
#include "image/image.h"
#include "live/kubernetes/tool_rows.h"

namespace ekshume::live::kubernetes {

inline constexpr size_t kToolCopyBytes = size_t{1} << 20;  // copied at a time

// Names below a folder of a collection that lead nowhere else.
bool IsSafePath(std::string_view path);

// The collection that is made of what a container's own tools answered: the stream, what was not
// had, and the rows of its files. One thread.
class ToolArchive {
 public:
  explicit ToolArchive(Timestamp began) : began_(began) {}

  // Where members go. To be called before one is added; the writer must outlive it.
  void WriteTo(collection::Writer& writer) { writer_ = &writer; }
  collection::Writer& writer() { return *writer_; }
  std::vector<Json>& skipped() { return skipped_; }
  std::vector<Json>& files() { return files_; }

  // A row of skipped.jsonl. `severity`: "loss", "gone", "limit".
  void Skip(std::string_view severity, std::string_view what, std::string_view reason,
            int64_t pid = 0);
  // A loss that is written down, unless it is one that ends everything: that is returned.
  Result<void> SkipOr(const Error& error, const std::string& member, int64_t pid);

  Result<void> Table(const std::string& name, const std::vector<Json>& rows);
  // A member that holds this range of an answer; zeros where `size_bytes` is more than `length`.
  Result<void> AddRange(std::string_view member, uint64_t size_bytes, const image::Image& answer,
                        uint64_t offset_bytes, uint64_t length);
  Result<void> AddEmpty(std::string_view member);

 private:
  collection::TarMember FileMember(std::string_view path, uint64_t size_bytes) const;

  collection::Writer* writer_ = nullptr;
  const Timestamp began_;
  std::vector<Json> skipped_;
  std::vector<Json> files_;
};

}  // namespace ekshume::live::kubernetes
