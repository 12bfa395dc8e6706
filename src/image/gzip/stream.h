// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "image/gzip/inflater.h"
#include "image/sequential_reader.h"

namespace ekshume::image::gzip {

// The content of a gzip file, member after member, from its start or from a point inside. One
// thread at a time; `file` must outlive it.
class MemberStream {
 public:
  // Begins at the member header at `position`.
  MemberStream(const EvidenceFile& file, uint64_t position)
      : file_(file), reader_(file, position) {}

  // Goes to a block: see Inflater::StartInside. `position` is that of the byte after the `bits`.
  Result<void> StartInside(uint64_t position, int bits, ByteView window);

  struct Step {
    size_t produced = 0;
    bool at_member = false;  // stands before a member's header
    bool at_block = false;   // stands before a block
    bool ended = false;      // no member follows
  };
  // Decodes into `out` until it is full or a step's flag says why it is not. Blocks are only
  // stopped at when asked for. kCorrupt where the file is damaged or ends inside a member; what
  // was produced before was returned by earlier steps.
  Result<Step> Run(std::span<std::byte> out, bool stop_at_blocks);

  // In the file.
  uint64_t position() const { return reader_.position(); }
  const Inflater& inflater() const { return inflater_; }

  // The first member whose CRC or length does not match its content; empty when all do. Only
  // members that were read from their start are checked.
  const std::string& mismatch() const { return mismatch_; }

 private:
  enum class State { kHeader, kBody, kTrailer, kEnd };

  Result<void> ReadHeader();
  Result<Step> RunBody(std::span<std::byte> out, bool stop_at_blocks);
  Result<void> ReadTrailer();
  Result<bool> OnlyZerosFollow();

  const EvidenceFile& file_;
  SequentialReader reader_;
  Inflater inflater_;
  State state_ = State::kHeader;
  bool any_member_ = false;
  bool checked_ = false;  // the member was read from its start
  uint32_t crc_ = 0;
  uint64_t length_ = 0;
  std::string mismatch_;
};

// The length of the member header at the start of `bytes`. kCorrupt when it is none or
// does not end within them (limits::kMaxGzipHeaderBytes).
Result<size_t> MemberHeaderLength(ByteView bytes);

}  // namespace ekshume::image::gzip
