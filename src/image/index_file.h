// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "image/evidence_file.h"
#include "image/format.h"

namespace ekshume::image {

// What an index is of: the evidence's size, modification time and a digest over samples of its
// content. Hashing all of it would cost more than the index saves.
Result<Sha256Digest> IdentityOf(const EvidenceFile& file);

// What a reader of compressed evidence keeps beside it, so that a second opening is instant: a data
// area that is written piece by piece, and a table that is written last. Lies in the case's scratch
// folder, or in an anonymous temporary file that goes away with the process.
//
// The header is written after all else and holds the identity and a digest of the table, so a half
// built, foreign, damaged or older file is never taken for an index. The data area is not covered:
// readers keep checksums of it in their tables and verify what they read.
//
// Building is for one thread; afterwards any number of threads may ReadData.
class IndexFile {
 public:
  // Opens the index of `evidence` for `format_name`; `version` is the layout of data and table.
  // `has_table()` tells whether it is complete. An index that cannot be used is emptied.
  static Result<IndexFile> Open(const OpenOptions& options, std::string_view format_name,
                                uint32_t version, const EvidenceFile& evidence);

  bool has_table() const { return has_table_; }
  // The table found at opening.
  ByteView table() const { return ByteView(table_); }
  // Frees the memory of the table, once it has been parsed.
  void DropTable() { table_ = {}; }
  // Empties it, as when the table makes no sense after all.
  Result<void> Reset();

  Result<void> WriteData(uint64_t offset_bytes, ByteView bytes);
  Result<void> ReadData(uint64_t offset_bytes, std::span<std::byte> out) const;
  // Completes it: `data_bytes` is the size of the data area. kLimit when the table is larger than
  // limits::kMaxIndexTableBytes.
  Result<void> Finish(uint64_t data_bytes, ByteView table);

 private:
  IndexFile(FileDescriptor descriptor, std::string_view format_name, uint32_t version,
            const Sha256Digest& identity);
  Result<void> Load();

  FileDescriptor descriptor_;
  std::string name_;  // for errors
  std::string_view format_name_;
  uint32_t version_;
  Sha256Digest identity_;
  bool has_table_ = false;
  std::vector<std::byte> table_;
};

}  // namespace ekshume::image
