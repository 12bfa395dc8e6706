// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/byte_view.h"
#include "base/result.h"

namespace ekshume::collection {

// Where a stream goes: a descriptor, parts in S3, memory. One thread writes.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // All of `bytes` or an error, after which nothing more is written.
  virtual Result<void> Write(ByteView bytes) = 0;
};

}  // namespace ekshume::collection
