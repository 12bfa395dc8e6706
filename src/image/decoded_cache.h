// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/result.h"

namespace ekshume::image {

// The most recently used decoded parts of a compressed image, at most `capacity_bytes` of them (and
// always the newest one). Any number of threads may call Get at a time.
class DecodedCache {
 public:
  using Part = std::shared_ptr<const std::vector<std::byte>>;
  using Decode = std::function<Result<std::vector<std::byte>>(uint64_t number)>;

  DecodedCache(size_t capacity_bytes, Decode decode)
      : capacity_bytes_(capacity_bytes), decode_(std::move(decode)) {}

  // Part `number`, decoded now when it is not kept. Two threads may decode the same part at the
  // same time; decoding does not hold the lock.
  Result<Part> Get(uint64_t number);

 private:
  struct Kept {
    uint64_t number;
    Part part;
  };

  const size_t capacity_bytes_;
  const Decode decode_;
  std::mutex mutex_;
  std::list<Kept> recent_;  // most recent first; short, so it is searched in order
  size_t kept_bytes_ = 0;
};

// True when every byte is zero.
bool IsZero(std::span<const std::byte> bytes);

}  // namespace ekshume::image
