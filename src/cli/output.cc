// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <unistd.h>

#include <cerrno>

namespace ekshume::cli {
namespace {
constexpr size_t kBufferBytes = size_t{64} << 10;
}  // namespace

Result<std::unique_ptr<Output>> Output::Open(const std::string& path) {
  std::unique_ptr<casefile::AtomicFile> file;
  if (!path.empty()) file = EKSHUME_TRY(casefile::AtomicFile::Create(path));
  return std::unique_ptr<Output>(new Output(std::move(file)));
}

void Output::Write(std::string_view text) {
  if (failed_) return;
  // Large pieces need no copy.
  if (text.size() >= kBufferBytes / 2) {
    Flush();
    WriteThrough(text);
    return;
  }
  buffer_.append(text);
  if (buffer_.size() >= kBufferBytes) Flush();
}

void Output::Flush() {
  if (!buffer_.empty()) WriteThrough(buffer_);
  buffer_.clear();
}

void Output::WriteThrough(std::string_view text) {
  if (failed_) return;
  errno = 0;
  status_ = file_ ? file_->Write(text)
                  : casefile::WriteAll(STDOUT_FILENO, ByteView::Of(text), "standard output");
  if (!status_) {
    failed_ = true;
    pipe_closed_ = errno == EPIPE;
  }
}

Result<void> Output::Finish() {
  Flush();
  if (pipe_closed_) return {};
  if (!status_) return status_.error();
  if (file_) EKSHUME_TRY(file_->Commit());
  return {};
}

Result<int> Output::Descriptor() {
  Flush();
  if (!status_) return status_.error();
  return file_ ? file_->descriptor() : STDOUT_FILENO;
}

}  // namespace ekshume::cli
