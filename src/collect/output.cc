// SPDX-License-Identifier: Apache-2.0
#include "collect/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "collect/system.h"

namespace ekshume::collect {
namespace {

constexpr size_t kPacedBytes = size_t{64} << 10;
constexpr int64_t kSecond = 1000000000;

void SleepUntil(int64_t monotonic) {
  const timespec until{.tv_sec = monotonic / kSecond, .tv_nsec = monotonic % kSecond};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) continue;
}

}  // namespace

Result<void> DescriptorSink::Write(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      pollfd ready{.fd = descriptor_, .events = POLLOUT};
      poll(&ready, 1, -1);
      continue;
    }
    if (count < 0) return SystemError("write", name_, errno);
    bytes = bytes.From(static_cast<size_t>(count));
  }
  return {};
}

PacedSink::PacedSink(collection::ByteSink& next, uint64_t bytes_per_second)
    : next_(next), bytes_per_second_(bytes_per_second), began_(ClockNanoseconds(CLOCK_MONOTONIC)) {}

Result<void> PacedSink::Write(ByteView bytes) {
  if (bytes_per_second_ == 0) return next_.Write(bytes);
  while (!bytes.empty()) {
    const ByteView piece = bytes.First(kPacedBytes);
    EKSHUME_TRY(next_.Write(piece));
    bytes = bytes.From(piece.size());
    written_ += piece.size();
    // The time by which so much may have gone out.
    const double seconds = static_cast<double>(written_) / static_cast<double>(bytes_per_second_);
    SleepUntil(began_ + static_cast<int64_t>(seconds * kSecond));
  }
  return {};
}

}  // namespace ekshume::collect
