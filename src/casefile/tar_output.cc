// SPDX-License-Identifier: Apache-2.0
#include "casefile/tar_output.h"

#include <algorithm>

#include "casefile/atomic_file.h"

namespace ekshume::casefile {

TarOutput::TarOutput(int descriptor, std::string name, Progress* progress)
    : descriptor_(descriptor), name_(std::move(name)), progress_(progress) {
  current_.bytes.resize(kBufferBytes);
  for (size_t i = 1; i < kBuffers; ++i) {
    free_.push_back({std::vector<std::byte>(kBufferBytes), 0});
  }
  thread_ = std::thread([this] { Run(); });
}

TarOutput::~TarOutput() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    full_.clear();  // without Finish() the output is given up
  }
  changed_.notify_all();
  thread_.join();
}

void TarOutput::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    idle_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return closing_ || !full_.empty(); });
    if (full_.empty()) return;
    idle_ = false;
    Buffer buffer = std::move(full_.front());
    full_.pop_front();
    if (!error_) {
      lock.unlock();
      auto written = WriteAll(descriptor_, ByteView(buffer.bytes).First(buffer.used), name_);
      lock.lock();
      if (!written) error_ = std::move(written).error();
      if (progress_ != nullptr) progress_->AddBytes(buffer.used);
    }
    buffer.used = 0;
    free_.push_back(std::move(buffer));
  }
}

Result<void> TarOutput::Push() {
  std::unique_lock lock(mutex_);
  if (current_.used != 0) {
    full_.push_back(std::move(current_));
    changed_.notify_all();
    changed_.wait(lock, [this] { return !free_.empty(); });
    current_ = std::move(free_.front());
    free_.pop_front();
  }
  if (error_) return *error_;
  return {};
}

Result<std::span<std::byte>> TarOutput::Room() {
  if (current_.used == kBufferBytes) EKSHUME_TRY(Push());
  return std::span<std::byte>(current_.bytes).subspan(current_.used);
}

void TarOutput::Filled(size_t count) {
  current_.used += count;
  bytes_ += count;
}

Result<void> TarOutput::Append(ByteView bytes) {
  while (!bytes.empty()) {
    const std::span<std::byte> room = EKSHUME_TRY(Room());
    const ByteView part = bytes.First(room.size());
    CopyBytes(room, part);
    Filled(part.size());
    bytes = bytes.From(part.size());
  }
  return {};
}

Result<void> TarOutput::AppendZeros(uint64_t count) {
  while (count != 0) {
    const std::span<std::byte> room = EKSHUME_TRY(Room());
    const size_t part = std::min<uint64_t>(count, room.size());
    std::ranges::fill(room.first(part), std::byte{0});
    Filled(part);
    count -= part;
  }
  return {};
}

Result<void> TarOutput::Finish() {
  EKSHUME_TRY(Push());
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return full_.empty() && idle_; });
  if (error_) return *error_;
  return {};
}

}  // namespace ekshume::casefile
