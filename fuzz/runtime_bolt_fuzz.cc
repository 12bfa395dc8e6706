// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "base/limits.h"
#include "runtime/bolt/database.h"
#include "runtime/bolt/stale.h"
#include "runtime/memory_tree.h"

namespace {

using ekshume::runtime::bolt::Bucket;
using ekshume::runtime::bolt::Item;

// Reads all items, four buckets deep: deeper ones add no other code.
// NOLINTNEXTLINE(misc-no-recursion): at most four levels
void Walk(const Bucket& bucket, int depth, size_t& budget) {
  bucket.ForEach([&](const Item& item) {
    if (!item.is_bucket) bucket.Get(item.key);
    if (budget != 0) --budget;
    return budget != 0;
  });
  if (depth == 0) return;
  bucket.ForEachChild([&](std::string_view, const Bucket& child) {
    if (budget != 0) Walk(child, depth - 1, budget);
  });
}

}  // namespace

// The input is a bolt file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ekshume;
  const auto text = ByteView(std::as_bytes(std::span(data, size))).AsText();
  DiagnosticSink diagnostics;
  const auto database = runtime::bolt::Database::Open(
      std::make_unique<runtime::MemoryTree::MemoryFile>(text), "fuzz", diagnostics);
  if (!database) return 0;
  size_t budget = 10000;
  Walk((*database)->root(), 4, budget);
  for (const uint64_t page : runtime::bolt::StalePages(**database)) {
    EKSHUME_CHECK(page < (*database)->state().high_water);
    budget = 100;
    Walk((*database)->BucketAt(page), 1, budget);
  }
  return 0;
}
