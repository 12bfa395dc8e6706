// SPDX-License-Identifier: Apache-2.0
#include "image/zstd/frames.h"

#include <fmt/format.h>

#include <array>

#include "base/checked.h"
#include "base/limits.h"
#include "base/text.h"
#include "image/zstd/format.h"

namespace ekshume::image::zstd {
namespace {

// A little-endian integer of `length` bytes, as frame headers have them in several widths.
Result<uint64_t> ReadInteger(ByteView bytes, size_t offset, size_t length) {
  const ByteView field = EKSHUME_TRY(bytes.Sub(offset, length));
  uint64_t value = 0;
  for (size_t i = length; i-- > 0;) value = value << 8 | std::to_integer<uint64_t>(field.data()[i]);
  return value;
}

// 3.1.1.1.2: an exponent and a mantissa.
uint64_t WindowBytes(uint64_t descriptor) {
  const uint64_t base = uint64_t{1} << (10 + (descriptor >> 3));
  return base + base / 8 * (descriptor & 7);
}

// 3.1.1.1.4: the content size's field by its flag; two bytes count from 256.
Result<std::optional<uint64_t>> ReadContentSize(ByteView bytes, size_t offset, size_t length) {
  if (length == 0) return std::optional<uint64_t>();
  const uint64_t value = EKSHUME_TRY(ReadInteger(bytes, offset, length));
  return std::optional<uint64_t>(length == 2 ? value + 256 : value);
}

Error Damaged(uint64_t offset_bytes, std::string_view what) {
  return Fail(ErrorCode::kCorrupt, fmt::format("zstd: {} at {:#x}", what, offset_bytes));
}

// Walks one frame of `list`; true when there may be another behind it.
Result<bool> ListFrame(SequentialReader& reader, const EvidenceFile& file, FrameList& list) {
  EKSHUME_TRY(SkipSkippable(reader));
  if (reader.at_end()) return false;
  Frame frame;
  frame.offset_bytes = reader.position();
  frame.content_offset = list.content_bytes;
  const ByteView bytes = EKSHUME_TRY(reader.Peek(kMaxFrameHeaderBytes));
  const FrameHeader header = EKSHUME_TRY(ParseFrameHeader(bytes));
  EKSHUME_TRY(CheckHeader(header, file.path()));
  if (!header.content_bytes || *header.content_bytes > limits::kMaxZstdFrameBytes) {
    list.seekable = false;
    return false;
  }
  if (list.frames.size() >= limits::kMaxZstdFrames) {
    return Fail(ErrorCode::kLimit, fmt::format("kMaxZstdFrames: {} has more than {} frames",
                                               file.path(), limits::kMaxZstdFrames));
  }
  const auto skipped = SkipFrame(reader, header);
  frame.cut_off = !skipped;
  frame.stored_bytes = (skipped ? reader.position() : file.size_bytes()) - frame.offset_bytes;
  // Much stored for little content is nothing that a compressor writes; it is not kept in memory.
  if (frame.stored_bytes > 2 * limits::kMaxZstdFrameBytes) {
    list.seekable = false;
    return false;
  }
  frame.content_bytes = *header.content_bytes;
  list.content_bytes += frame.content_bytes;  // bounded by the two limits above
  list.frames.push_back(frame);
  if (!skipped) return skipped.error();
  return true;
}

}  // namespace

bool IsSkippable(uint32_t magic) { return (magic & kSkippableMask) == kSkippableMagic; }

Result<FrameHeader> ParseFrameHeader(ByteView bytes) {
  const uint32_t magic = EKSHUME_TRY(bytes.Read<le32>(0)).value();
  if (magic != kMagic) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("zstd: bad magic {:#010x}, expected {:#010x}", magic, kMagic));
  }
  const uint64_t descriptor = EKSHUME_TRY(ReadInteger(bytes, 4, 1));
  if ((descriptor & kReservedBit) != 0) {
    return Fail(ErrorCode::kCorrupt, "zstd: reserved bit set in a frame header");
  }
  static constexpr std::array<size_t, 4> kContentSizeLengths = {0, 2, 4, 8};
  static constexpr std::array<size_t, 4> kDictionaryIdLengths = {0, 1, 2, 4};
  const bool single_segment = (descriptor & kSingleSegmentBit) != 0;
  FrameHeader header;
  header.has_checksum = (descriptor & kChecksumBit) != 0;
  size_t offset = 5;
  if (!single_segment) {
    header.window_bytes = WindowBytes(EKSHUME_TRY(ReadInteger(bytes, offset++, 1)));
  }
  const size_t id_length = kDictionaryIdLengths.at(descriptor & kDictionaryIdMask);
  header.dictionary_id = static_cast<uint32_t>(EKSHUME_TRY(ReadInteger(bytes, offset, id_length)));
  offset += id_length;
  size_t size_length = kContentSizeLengths.at(descriptor >> kContentSizeFlagShift);
  if (size_length == 0 && single_segment) size_length = 1;
  header.content_bytes = EKSHUME_TRY(ReadContentSize(bytes, offset, size_length));
  if (single_segment) header.window_bytes = *header.content_bytes;
  header.header_bytes = offset + size_length;
  return header;
}

Result<void> CheckHeader(const FrameHeader& header, const std::string& path) {
  if (header.dictionary_id != 0) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{} needs the zstd dictionary {}, which is not in it", path,
                            header.dictionary_id));
  }
  if (header.window_bytes > limits::kMaxZstdWindowBytes) {
    return Fail(ErrorCode::kLimit,
                fmt::format("kMaxZstdWindowBytes: {} needs a window of {} to decompress, more than "
                            "{}; decompress it with `zstd -d --long=31` first",
                            path, HumanBytes(header.window_bytes),
                            HumanBytes(limits::kMaxZstdWindowBytes)));
  }
  return {};
}

Result<void> SkipSkippable(SequentialReader& reader) {
  while (!reader.at_end()) {
    const ByteView bytes = EKSHUME_TRY(reader.Peek(kSkippableHeaderBytes));
    const auto magic = bytes.Read<le32>(0);
    if (!magic || !IsSkippable(magic->value())) return {};
    const auto length = bytes.Read<le32>(4);
    if (!length) return Damaged(reader.position(), "skippable frame cut off");
    reader.Skip(kSkippableHeaderBytes);
    reader.Skip(length->value());
  }
  return {};
}

Result<void> SkipFrame(SequentialReader& reader, const FrameHeader& header) {
  reader.Skip(header.header_bytes);
  bool last = false;
  while (!last) {
    const uint64_t position = reader.position();
    const ByteView bytes = EKSHUME_TRY(reader.Peek(kBlockHeaderBytes + 1));
    const auto raw = ReadInteger(bytes, 0, kBlockHeaderBytes);
    if (!raw) return Damaged(position, "block header cut off");
    last = (*raw & kLastBlockBit) != 0;
    const auto type = static_cast<BlockType>(*raw >> 1 & 3);
    if (type == BlockType::kReserved) return Damaged(position, "block of the reserved type");
    const uint64_t length = kBlockHeaderBytes + (type == BlockType::kRle ? 1 : *raw >> 3);
    reader.Skip(length);
    if (reader.position() - position != length) return Damaged(position, "block cut off");
  }
  const uint64_t position = reader.position();
  if (header.has_checksum) reader.Skip(kChecksumBytes);
  if (header.has_checksum && reader.position() - position != kChecksumBytes) {
    return Damaged(position, "checksum cut off");
  }
  return {};
}

Result<FrameList> ListFrames(const EvidenceFile& file, const Progress* progress) {
  FrameList list;
  SequentialReader reader(file);
  while (true) {
    if (progress != nullptr && progress->cancelled()) {
      return Fail(ErrorCode::kCancelled, "stopped while the frames were listed");
    }
    const uint64_t start = reader.position();
    const auto more = ListFrame(reader, file, list);
    if (more && !*more) return list;
    if (more) continue;
    // What the first frame needs, the image needs; in a later one it is damage like any other.
    if (list.frames.empty()) return more.error();
    list.damage = more.error().message;
    list.damage_offset = start;
    return list;
  }
}

}  // namespace ekshume::image::zstd
