// SPDX-License-Identifier: Apache-2.0
#include "event/store/write_behind.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>

namespace ekshume::event {
namespace {

// Often enough that little is left at the end, seldom enough that blocks which are written again
// soon do not go to the disk each time.
constexpr std::chrono::milliseconds kPause{200};

}  // namespace

WriteBehind::WriteBehind(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor >= 0) descriptors_.push_back(descriptor);
  }
}

WriteBehind::~WriteBehind() {
  Stop();
  for (const int descriptor : descriptors_) ::close(descriptor);
}

void WriteBehind::Start() {
  done_ = false;
  thread_ = std::thread([this] { Work(); });
}

void WriteBehind::Stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void WriteBehind::Work() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kPause, [this] { return done_; })) {
    for (const int descriptor : descriptors_) {
      // Only begins to write; what goes wrong comes again from the sync.
      static_cast<void>(::sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE));
    }
  }
}

}  // namespace ekshume::event
