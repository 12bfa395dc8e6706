// SPDX-License-Identifier: Apache-2.0
#include "collect/output.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include "collect/system.h"

namespace ekshume::collect {
namespace {

constexpr size_t kWriteBytes = size_t{64} << 10;
constexpr int64_t kSecond = 1000000000;

void SleepUntil(int64_t monotonic) {
  timespec until{.tv_sec = monotonic / kSecond, .tv_nsec = monotonic % kSecond};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) continue;
}

}  // namespace

DescriptorSink::DescriptorSink(int descriptor, std::string name, uint64_t bytes_per_second)
    : descriptor_(descriptor),
      name_(std::move(name)),
      bytes_per_second_(bytes_per_second),
      began_(ClockNanoseconds(CLOCK_MONOTONIC)) {}

Result<void> DescriptorSink::Write(ByteView bytes) {
  while (!bytes.empty()) {
    const ByteView part = bytes.First(kWriteBytes);
    const ssize_t count = write(descriptor_, part.data(), part.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      pollfd ready{.fd = descriptor_, .events = POLLOUT};
      poll(&ready, 1, -1);
      continue;
    }
    if (count < 0) return SystemError("write", name_, errno);
    bytes = bytes.From(static_cast<size_t>(count));
    written_ += static_cast<uint64_t>(count);
    if (bytes_per_second_ != 0) {
      // The time by which so much may have gone out.
      const auto seconds = static_cast<int64_t>(written_ / bytes_per_second_);
      const auto rest =
          static_cast<int64_t>(written_ % bytes_per_second_ * kSecond / bytes_per_second_);
      SleepUntil(began_ + seconds * kSecond + rest);
    }
  }
  return {};
}

}  // namespace ekshume::collect
