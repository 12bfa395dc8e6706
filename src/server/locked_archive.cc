// SPDX-License-Identifier: Apache-2.0
#include "server/locked_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "base/byte_view.h"
#include "base/hash.h"
#include "server/limits.h"

namespace ekshume::server {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 18;

// The writing side of libarchive, into a descriptor.
class Zip {
 public:
  explicit Zip(int descriptor, const std::string& password) {
    Check(archive_write_set_format_zip(handle_.get()));
    Check(archive_write_set_options(handle_.get(), "zip:encryption=aes256"));
    Check(archive_write_set_passphrase(handle_.get(), password.c_str()));
    Check(archive_write_set_bytes_in_last_block(handle_.get(), 1));
    Check(archive_write_open_fd(handle_.get(), descriptor));
  }
  void Begin(const char* name, uint64_t size) {
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(),
                                                                         archive_entry_free);
    archive_entry_set_pathname(entry.get(), name);
    archive_entry_set_size(entry.get(), static_cast<int64_t>(size));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0600);
    archive_entry_set_mtime(entry.get(), 0, 0);
    Check(archive_write_header(handle_.get(), entry.get()));
  }
  void Add(std::string_view bytes) {
    if (problem_.empty() && archive_write_data(handle_.get(), bytes.data(), bytes.size()) !=
                                static_cast<la_ssize_t>(bytes.size())) {
      Keep();
    }
  }
  Result<void> Close() {
    Check(archive_write_close(handle_.get()));
    if (problem_.empty()) return {};
    return Fail(ErrorCode::kIo, "the archive cannot be written: " + problem_);
  }
  bool failed() const { return !problem_.empty(); }

 private:
  // A warning counts: "encryption is not there" is none that may be passed over.
  void Check(int status) {
    if (problem_.empty() && status != ARCHIVE_OK) Keep();
  }
  void Keep() {
    const char* text = archive_error_string(handle_.get());
    problem_ = text != nullptr ? text : "no reason given";
  }

  const std::unique_ptr<archive, int (*)(archive*)> handle_{archive_write_new(),
                                                            archive_write_free};
  std::string problem_;
};

}  // namespace

Result<LockedArchive> LockFile(const fs::File& file, Json about, std::string_view password) {
  if (password.empty() || password.size() > limits::kMostArchivePasswordBytes ||
      password.find('\0') != std::string_view::npos) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the archive's password has 1 to {} bytes, none of them NUL",
                            limits::kMostArchivePasswordBytes));
  }
  const uint64_t size = file.size_bytes();
  if (size > limits::kMostArchivedBytes) {
    return Fail(
        ErrorCode::kLimit,
        fmt::format("{} bytes are too many for an archive ({} at most): download it as it is", size,
                    limits::kMostArchivedBytes));
  }
  LockedArchive locked;
  locked.file = EKSHUME_TRY(image::OpenTemporaryFile());
  Zip zip(locked.file.number(), std::string(password));
  zip.Begin("evidence.bin", size);
  Sha256 hash;
  std::string piece(kPieceBytes, '\0');
  for (uint64_t at = 0; at < size && !zip.failed();) {
    const size_t most = std::min<uint64_t>(piece.size(), size - at);
    const size_t count = EKSHUME_TRY(file.ReadAt(at, AsWritableBytes(piece.data(), most)));
    if (count == 0) {
      return Fail(ErrorCode::kCorrupt, fmt::format("the file ends at {} of {} bytes", at, size));
    }
    const std::string_view read(piece.data(), count);
    hash.Update(ByteView::Of(read));
    zip.Add(read);
    at += count;
  }
  locked.sha256 = ToHex(hash.Finish());
  about["size"] = size;
  about["sha256"] = locked.sha256;
  const std::string text = about.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  zip.Begin("metadata.json", text.size());
  zip.Add(text);
  EKSHUME_TRY(zip.Close());
  struct stat written = {};
  if (fstat(locked.file.number(), &written) != 0) {
    return Fail(ErrorCode::kIo, "the archive's size cannot be read");
  }
  locked.size_bytes = static_cast<uint64_t>(written.st_size);
  return locked;
}

}  // namespace ekshume::server
