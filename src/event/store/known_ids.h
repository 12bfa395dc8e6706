// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <vector>

namespace ekshume::event {

// 128 bits of a SHA-256; as a UUID the first byte is the highest.
struct Id {
  uint64_t high = 0;
  uint64_t low = 0;
  friend bool operator==(const Id&, const Id&) = default;
};

// A set of ids: which records the store has already. 16 bytes and a little for each. Any thread.
class KnownIds {
 public:
  // Fetches from memory what Insert() will look at: it lies anywhere.
  void Prefetch(const Id& id) {
    Shard& shard = shards_[id.high % shards_.size()];
    const std::lock_guard lock(shard.mutex);
    if (!shard.slots.empty()) {
      __builtin_prefetch(&shard.slots[id.low & (shard.slots.size() - 1)]);
    }
  }

  // True when it was not there before.
  bool Insert(const Id& id) {
    Shard& shard = shards_[id.high % shards_.size()];
    const std::lock_guard lock(shard.mutex);
    if ((shard.count + 1) * 4 > shard.slots.size() * 3) Grow(shard);
    if (!Place(shard.slots, id)) return false;
    ++shard.count;
    return true;
  }

 private:
  struct Shard {
    std::mutex mutex;
    std::vector<Id> slots;  // a power of two; all zero is free
    size_t count = 0;
  };

  static bool Place(std::vector<Id>& slots, const Id& id) {
    for (size_t at = id.low & (slots.size() - 1);; at = (at + 1) & (slots.size() - 1)) {
      if (slots[at] == id) return false;
      if (slots[at] == Id{}) {
        slots[at] = id;
        return true;
      }
    }
  }

  static void Grow(Shard& shard) {
    std::vector<Id> larger(shard.slots.empty() ? 64 : shard.slots.size() * 2);
    for (const Id& id : shard.slots) {
      if (id != Id{}) Place(larger, id);
    }
    shard.slots = std::move(larger);
  }

  std::array<Shard, 61> shards_;
};

}  // namespace ekshume::event
