// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/progress.h"
#include "casefile/live_evidence.h"
#include "detect/yara/scanner.h"

namespace ekshume::casefile {

// What was kept of a process's memory, as stretches of at most kMemoryWindowBytes. Parts that
// adjoin in one mapping are one; what is longer than a window is cut into several, of which each
// begins with the last kMemoryOverlapBytes of the one before. Holes of the archive (pages that were
// never written) are left out. One thread. The evidence must outlive it.
class ProcessMemory final : public detect::yara::Memory {
 public:
  // At most `most_bytes` are taken, in order of addresses; left_out_bytes() says how much was not.
  // `progress` counts the bytes that are read for the first time; after a cancellation nothing is
  // read.
  ProcessMemory(const LiveEvidence& live, const process::Process& process, uint64_t most_bytes,
                Progress& progress);

  std::span<const Stretch> stretches() const override { return stretches_; }
  std::optional<ByteView> Read(size_t index) override;

  uint64_t size_bytes() const { return size_bytes_; }
  uint64_t left_out_bytes() const { return left_out_bytes_; }
  // Sentences on what could not be read, each once for a member.
  const std::vector<std::string>& failures() const { return failures_; }
  // "0x7f12a000 in /usr/lib/libc.so (r-xp)", "0x55c0 in anonymous memory (rw-p)"
  std::string PlaceText(uint64_t address) const;

 private:
  // Bytes of the archive.
  struct Piece {
    uint64_t address = 0;
    process::Extent bytes;
  };
  void AddPart(const process::MemoryPart& part);
  void AddPieces(const process::MemoryPart& part, std::span<const fs::Run> runs);
  void MakeStretches(uint64_t most_bytes);
  const process::Mapping* MappingOf(uint64_t address) const;

  const LiveEvidence& live_;
  const process::Process& process_;
  Progress& progress_;
  std::vector<Piece> pieces_;  // ascending, not overlapping
  std::vector<Stretch> stretches_;
  std::vector<std::byte> buffer_;
  std::optional<size_t> held_;  // the stretch that buffer_ holds
  size_t first_unread_ = 0;
  std::optional<fs::NodeId> opened_;
  std::unique_ptr<fs::File> file_;
  uint64_t size_bytes_ = 0;
  uint64_t left_out_bytes_ = 0;
  std::vector<std::string> failures_;
};

inline constexpr uint64_t kMemoryWindowBytes = uint64_t{16} << 20;
inline constexpr uint64_t kMemoryOverlapBytes = uint64_t{64} << 10;
// Zeros that nobody stored and that are shorter are read as such.
inline constexpr uint64_t kMinMemoryHoleBytes = uint64_t{64} << 10;

}  // namespace ekshume::casefile
