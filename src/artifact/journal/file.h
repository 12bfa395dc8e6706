// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "fs/filesystem.h"
#include "image/temporary_file.h"

struct sd_journal;

namespace ekshume::artifact::journal {

// One entry: its fields by name; of a field that stands there several times the first value.
struct Entry {
  Timestamp time;  // when journald received it
  std::string cursor;
  std::map<std::string, std::string, std::less<>> fields;

  std::string_view Get(std::string_view name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string_view() : std::string_view(found->second);
  }
};

// An open journal file. One thread.
class JournalFile {
 public:
  // Copies the file's bytes, holes left out; the copy has a name only until libsystemd has it open.
  // kLimit (`most_bytes`), kIo, and kCorrupt when libsystemd does not take it for a journal.
  static Result<std::unique_ptr<JournalFile>> Open(const fs::File& file, uint64_t most_bytes);
  ~JournalFile();
  JournalFile(const JournalFile&) = delete;
  JournalFile& operator=(const JournalFile&) = delete;

  // The next entry, oldest first; false at the end. kCorrupt when it cannot be read: the following
  // call goes on behind it, or fails again when nothing can be read there.
  Result<bool> Next(Entry& entry);

 private:
  JournalFile(image::NamedTemporaryFile copy, sd_journal* journal);

  image::NamedTemporaryFile copy_;  // libsystemd reads it as long as the journal is open
  sd_journal* journal_;
};

}  // namespace ekshume::artifact::journal
