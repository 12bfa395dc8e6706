// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"
#include "fs/ext4/content.h"
#include "fs/ext4/fast_commit.h"
#include "fs/ext4/journal.h"

// The input is a journal's file, with blocks of 1 KiB.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ekshume;
  using namespace ekshume::fs::ext4;
  constexpr uint32_t kBlockBytes = 1024;
  constexpr uint64_t kHomeBlocks = uint64_t{1} << 20;
  const auto input = std::as_bytes(std::span(data, size));
  const auto image = image::MakeMemory({input.begin(), input.end()}, "fuzz");
  const auto file = MakeRunFile(*image, size, {{0, size, fs::Run::Kind::kData, 0}});
  JournalBlocks blocks(*file, kBlockBytes);
  const auto first = blocks.Read(0);
  if (!first) return 0;
  const auto shape = ParseJournalSuperBlock(*first, kBlockBytes, blocks.block_count());
  if (!shape || shape->start_block == 0) return 0;
  const ReplayOutcome outcome = ReplayJournal(*shape, blocks, kHomeBlocks);
  for (const JournalledBlock& block : outcome.blocks) {
    EKSHUME_CHECK(block.home_block < kHomeBlocks);
    EKSHUME_CHECK(block.source_offset_bytes + kBlockBytes <= size);
  }
  (void)ReadFastCommits(*shape, blocks, outcome.end_sequence);
  return 0;
}
