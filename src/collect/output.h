// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "collection/byte_sink.h"

namespace ekshume::collect {

// Writes to a descriptor, which stays the caller's. Waits for a slow reader.
class DescriptorSink : public collection::ByteSink {
 public:
  DescriptorSink(int descriptor, std::string name)
      : descriptor_(descriptor), name_(std::move(name)) {}
  Result<void> Write(ByteView bytes) override;

 private:
  const int descriptor_;
  const std::string name_;
};

// Hands on at most so many bytes a second; 0: as fast as it goes. `next` must outlive it.
class PacedSink : public collection::ByteSink {
 public:
  PacedSink(collection::ByteSink& next, uint64_t bytes_per_second);
  Result<void> Write(ByteView bytes) override;

 private:
  collection::ByteSink& next_;
  const uint64_t bytes_per_second_;
  const int64_t began_;  // CLOCK_MONOTONIC, nanoseconds
  uint64_t written_ = 0;
};

}  // namespace ekshume::collect
