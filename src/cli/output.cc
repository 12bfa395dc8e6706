// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <unistd.h>

#include <cerrno>

namespace ekshume::cli {
namespace {
constexpr size_t kBufferBytes = size_t{256} << 10;
}  // namespace

Result<std::unique_ptr<Output>> Output::Open(const std::string& path) {
  std::unique_ptr<casefile::AtomicFile> file;
  if (!path.empty()) file = EKSHUME_TRY(casefile::AtomicFile::Create(path));
  return std::unique_ptr<Output>(new Output(std::move(file)));
}

void Output::Write(std::string_view text) {
  if (failed_) return;
  buffer_.append(text);
  if (buffer_.size() >= kBufferBytes) Flush();
}

void Output::Flush() {
  if (failed_ || buffer_.empty()) return;
  errno = 0;
  status_ = file_ ? file_->Write(buffer_)
                  : casefile::WriteAll(STDOUT_FILENO, ByteView::Of(buffer_), "standard output");
  if (!status_) {
    failed_ = true;
    pipe_closed_ = errno == EPIPE;
  }
  buffer_.clear();
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
