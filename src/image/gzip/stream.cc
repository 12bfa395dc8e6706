// SPDX-License-Identifier: Apache-2.0
#include "image/gzip/stream.h"

#include <fmt/format.h>

#include <array>

#include "base/limits.h"
#include "image/decoded_cache.h"
#include "image/gzip/format.h"

namespace ekshume::image::gzip {
namespace {

static_assert(limits::kMaxGzipHeaderBytes <= SequentialReader::kBufferBytes);

Error CutOff(uint64_t position) {
  return Fail(ErrorCode::kCorrupt,
              fmt::format("gzip: the file ends in a member, at {:#x}", position));
}

// The offset behind the zero-terminated text at `offset`.
Result<size_t> SkipText(ByteView bytes, size_t offset) {
  const size_t end = bytes.From(offset).AsText().find('\0');
  if (end == std::string_view::npos) {
    return Fail(ErrorCode::kCorrupt, "gzip: the header does not end (kMaxGzipHeaderBytes)");
  }
  return offset + end + 1;
}

}  // namespace

Result<size_t> MemberHeaderLength(ByteView bytes) {
  const auto header = EKSHUME_TRY(bytes.Read<MemberHeader>(0));
  if (header.id1 != kId1 || header.id2 != kId2) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("gzip: bad magic {:#04x} {:#04x}, expected {:#04x} "
                            "{:#04x}",
                            header.id1, header.id2, kId1, kId2));
  }
  if (header.cm != kDeflate || (header.flg & kFlagsReserved) != 0) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("gzip: method {} with flags {:#04x}", header.cm, header.flg));
  }
  size_t offset = sizeof(MemberHeader);
  if ((header.flg & kFlagExtra) != 0) {
    const auto length = EKSHUME_TRY(bytes.Read<le16>(offset));
    offset += sizeof(le16) + length.value();
  }
  if ((header.flg & kFlagName) != 0) offset = EKSHUME_TRY(SkipText(bytes, offset));
  if ((header.flg & kFlagComment) != 0) offset = EKSHUME_TRY(SkipText(bytes, offset));
  if ((header.flg & kFlagHeaderCrc) != 0) offset += sizeof(le16);
  EKSHUME_TRY(bytes.Sub(0, offset));
  return offset;
}

Result<void> MemberStream::StartInside(uint64_t position, int bits, ByteView window) {
  std::array<std::byte, 1> before{};
  if (bits != 0) EKSHUME_TRY(file_.ReadAt(position - 1, before));
  EKSHUME_TRY(inflater_.StartInside(bits, before[0], window));
  reader_.Rewind(position);
  state_ = State::kBody;
  any_member_ = true;
  checked_ = false;
  return {};
}

Result<MemberStream::Step> MemberStream::Run(std::span<std::byte> out, bool stop_at_blocks) {
  switch (state_) {
    case State::kHeader: EKSHUME_TRY(ReadHeader()); break;
    case State::kBody: return RunBody(out, stop_at_blocks);
    case State::kTrailer: EKSHUME_TRY(ReadTrailer()); break;
    case State::kEnd: break;
  }
  Step step;
  step.at_member = state_ == State::kHeader;
  step.ended = state_ == State::kEnd;
  return step;
}

Result<void> MemberStream::ReadHeader() {
  if (any_member_ && EKSHUME_TRY(OnlyZerosFollow())) {
    state_ = State::kEnd;
    return {};
  }
  const ByteView bytes = EKSHUME_TRY(reader_.Peek(limits::kMaxGzipHeaderBytes));
  const auto length = MemberHeaderLength(bytes.First(limits::kMaxGzipHeaderBytes));
  if (!length) {
    return WithContext(length.error(), fmt::format("member at {:#x}", reader_.position()));
  }
  reader_.Skip(*length);
  inflater_.Start();
  state_ = State::kBody;
  any_member_ = true;
  checked_ = true;
  crc_ = 0;
  length_ = 0;
  return {};
}

Result<MemberStream::Step> MemberStream::RunBody(std::span<std::byte> out, bool stop_at_blocks) {
  const ByteView in = EKSHUME_TRY(reader_.Peek());
  const auto run = inflater_.Run(in, out, stop_at_blocks);
  if (!run) return WithContext(run.error(), fmt::format("at or behind {:#x}", reader_.position()));
  reader_.Skip(run->consumed);
  if (checked_) {
    crc_ = ContinueCrc(crc_, ByteView(out.first(run->produced)));
    length_ += run->produced;
  }
  if (run->ended) state_ = State::kTrailer;
  if (!run->ended && run->consumed == 0 && run->produced == 0 && in.empty()) {
    return CutOff(reader_.position());
  }
  Step step;
  step.produced = run->produced;
  step.at_block = run->at_block;
  return step;
}

Result<void> MemberStream::ReadTrailer() {
  const uint64_t position = reader_.position();
  const auto trailer = EKSHUME_TRY(reader_.Peek(sizeof(MemberTrailer))).Read<MemberTrailer>(0);
  if (!trailer) return CutOff(position);
  reader_.Skip(sizeof(MemberTrailer));
  state_ = State::kHeader;
  if (!checked_ || !mismatch_.empty()) return {};
  if (trailer->crc32.value() != crc_) {
    mismatch_ =
        fmt::format("gzip: the member that ends at {:#x} has CRC {:#010x}, its content {:#010x}",
                    position, trailer->crc32.value(), crc_);
  } else if (trailer->isize.value() != static_cast<uint32_t>(length_)) {
    mismatch_ =
        fmt::format("gzip: the member that ends at {:#x} declares {} bytes, its content has {}",
                    position, trailer->isize.value(), static_cast<uint32_t>(length_));
  }
  return {};
}

// Tapes and some tools pad the last member with zeros.
Result<bool> MemberStream::OnlyZerosFollow() {
  const uint64_t position = reader_.position();
  while (!reader_.at_end()) {
    const ByteView bytes = EKSHUME_TRY(reader_.Peek());
    if (!IsZero(bytes.AsSpan())) {
      reader_.Rewind(position);
      return false;
    }
    reader_.Skip(bytes.size());
  }
  return true;
}

}  // namespace ekshume::image::gzip
