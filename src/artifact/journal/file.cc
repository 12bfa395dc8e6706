// SPDX-License-Identifier: Apache-2.0
#include "artifact/journal/file.h"

#include <fmt/format.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>

#include "base/byte_view.h"
#include "base/limits.h"

namespace ekshume::artifact::journal {
namespace {

constexpr size_t kCopyBytes = size_t{1} << 20;
// Names and values of one entry; journald itself takes no more than 1024 fields.
constexpr size_t kMaxFields = 1024;

Error FromErrno(std::string_view what, int negative_errno) {
  return Fail(ErrorCode::kCorrupt,
              fmt::format("{}: {}", what,
                          std::error_code(-negative_errno, std::generic_category()).message()));
}

Result<void> WriteAt(int descriptor, ByteView bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written =
        pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written <= 0) return Fail(ErrorCode::kIo, "cannot write a temporary file");
    bytes = bytes.From(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
  return {};
}

// A block of zeros is a hole of the copy.
Result<image::NamedTemporaryFile> Copy(const fs::File& file) {
  auto copy = EKSHUME_TRY(image::NamedTemporaryFile::Open());
  const uint64_t size = file.size_bytes();
  if (ftruncate(copy.number(), static_cast<off_t>(size)) != 0) {
    return Fail(ErrorCode::kIo, "cannot make a temporary file as large as the journal");
  }
  std::string block(kCopyBytes, '\0');
  for (uint64_t at = 0; at < size;) {
    const size_t read = EKSHUME_TRY(file.ReadAt(at, AsWritableBytes(block)));
    if (read == 0) break;
    const std::string_view bytes = std::string_view(block).substr(0, read);
    if (bytes.find_first_not_of('\0') != std::string_view::npos) {
      EKSHUME_TRY(WriteAt(copy.number(), ByteView::Of(bytes), at));
    }
    at += read;
  }
  return copy;
}

}  // namespace

JournalFile::JournalFile(image::NamedTemporaryFile copy, sd_journal* journal)
    : copy_(std::move(copy)), journal_(journal) {}

JournalFile::~JournalFile() { sd_journal_close(journal_); }

Result<std::unique_ptr<JournalFile>> JournalFile::Open(const fs::File& file, uint64_t most_bytes) {
  if (file.size_bytes() > most_bytes) return Fail(ErrorCode::kLimit, "kMaxJournalFileBytes");
  auto copy = EKSHUME_TRY(Copy(file));
  int descriptor = copy.number();
  sd_journal* journal = nullptr;
  // It refuses files whose link count is 0 (journal_file_fstat()), but looks only while opening.
  const int opened = sd_journal_open_files_fd(&journal, &descriptor, 1, 0);
  copy.RemoveName();
  if (opened < 0) return FromErrno("no journal that can be read", opened);
  std::unique_ptr<JournalFile> result(new JournalFile(std::move(copy), journal));
  sd_journal_set_data_threshold(journal, limits::kMaxSmallFileBytes);
  const int sought = sd_journal_seek_head(journal);
  if (sought < 0) return FromErrno("cannot find the first entry", sought);
  return result;
}

Result<bool> JournalFile::Next(Entry& entry) {
  entry.fields.clear();
  entry.cursor.clear();
  entry.time = {};
  const int moved = sd_journal_next(journal_);
  if (moved < 0) return FromErrno("cannot go to the next entry", moved);
  if (moved == 0) return false;
  uint64_t microseconds = 0;
  const int timed = sd_journal_get_realtime_usec(journal_, &microseconds);
  if (timed < 0) return FromErrno("an entry without time", timed);
  entry.time = {static_cast<int64_t>(microseconds / 1000000),
                static_cast<uint32_t>(microseconds % 1000000 * 1000)};
  char* cursor = nullptr;
  if (sd_journal_get_cursor(journal_, &cursor) >= 0) {
    entry.cursor = cursor;
    std::free(cursor);  // NOLINT(cppcoreguidelines-no-malloc): libsystemd's contract
  }
  sd_journal_restart_data(journal_);
  for (size_t i = 0; i < kMaxFields; ++i) {
    const void* data = nullptr;
    size_t length = 0;
    const int got = sd_journal_enumerate_available_data(journal_, &data, &length);
    if (got == 0) break;
    if (got < 0) return FromErrno("a field of an entry", got);
    const std::string_view field(static_cast<const char*>(data), length);
    const size_t equals = field.find('=');
    if (equals == std::string_view::npos) continue;
    entry.fields.try_emplace(std::string(field.substr(0, equals)), field.substr(equals + 1));
  }
  return true;
}

}  // namespace ekshume::artifact::journal
