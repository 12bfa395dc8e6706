// SPDX-License-Identifier: Apache-2.0
#include "image/decoded_cache.h"

#include <algorithm>

#include "base/byte_view.h"

namespace ekshume::image {

Result<DecodedCache::Part> DecodedCache::Get(uint64_t number) {
  const auto find = [&] { return std::ranges::find(recent_, number, &Kept::number); };
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = find(); found != recent_.end()) {
      recent_.splice(recent_.begin(), recent_, found);
      return recent_.front().part;
    }
  }
  auto part = std::make_shared<const std::vector<std::byte>>(EKSHUME_TRY(decode_(number)));
  const std::lock_guard lock(mutex_);
  if (find() != recent_.end()) return part;  // another thread was faster
  recent_.push_front({number, part});
  kept_bytes_ += part->size();
  while (kept_bytes_ > capacity_bytes_ && recent_.size() > 1) {
    kept_bytes_ -= recent_.back().part->size();
    recent_.pop_back();
  }
  return part;
}

bool IsZero(std::span<const std::byte> bytes) {
  // What begins with zero and equals itself shifted by one byte is all zero; memcmp is fast.
  const ByteView view(bytes);
  return view.empty() || (bytes[0] == std::byte{0} &&
                          view.From(1).AsText() == view.First(view.size() - 1).AsText());
}

}  // namespace ekshume::image
