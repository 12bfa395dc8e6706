// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "collection/byte_sink.h"

namespace ekshume::collect {

// Writes to a descriptor, at most so many bytes a second (0: as fast as it goes). Waits for a slow
// reader. The descriptor stays the caller's.
class DescriptorSink : public collection::ByteSink {
 public:
  DescriptorSink(int descriptor, std::string name, uint64_t bytes_per_second);
  Result<void> Write(ByteView bytes) override;

 private:
  const int descriptor_;
  const std::string name_;
  const uint64_t bytes_per_second_;
  const int64_t began_;
  uint64_t written_ = 0;
};

}  // namespace ekshume::collect
