// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/endian.h"

// The framing of collections: docs/formats/collection.md, "Frames". A stream is zstd frames (RFC
// 8878); the structs below are the payloads of skippable frames between them.
namespace ekshume::collection {

inline constexpr uint32_t kSkippableMagic = 0x184D2A5E;  // RFC 8878, 3.1.2; the nibble is ours
inline constexpr uint32_t kZstdMagic = 0xFD2FB528;       // RFC 8878, 3.1.1
inline constexpr std::array<unsigned char, 4> kFrameMark = {'E', 'K', 'S', 'C'};
inline constexpr uint8_t kFormatVersion = 1;

enum FrameKind : uint8_t { kOpeningFrame = 1, kHeaderFrame = 2, kTrailerFrame = 3 };

// In the flags of a trailer: the collector ended before it had all that was asked for.
inline constexpr uint16_t kTrailerEndedEarly = 1;

// The start of every payload, after the skippable frame's own eight bytes.
struct FrameStart {
  le32 magic;         // kSkippableMagic
  le32 length_bytes;  // of what follows
  std::array<unsigned char, 4> mark;
  uint8_t version;
  uint8_t kind;
  le16 flags;
};
static_assert(sizeof(FrameStart) == 16 && offsetof(FrameStart, flags) == 14);

using FrameCheck = std::array<unsigned char, 8>;  // first bytes of the SHA-256 of the payload

struct OpeningFrame {
  FrameStart start;
  std::array<unsigned char, 16> stream_id;
  std::array<unsigned char, 16> continues_id;  // zeros: this is the first part
  le32 part;                                   // from 1
  le32 reserved;
  le64 began_nanoseconds;  // since 1970
  FrameCheck check;
};
static_assert(sizeof(OpeningFrame) == 72 && offsetof(OpeningFrame, check) == 64);

// HeaderFrame::first_member of a frame that lies inside one member.
inline constexpr uint32_t kNoMember = 0xFFFFFFFF;

struct HeaderFrame {
  FrameStart start;
  le64 sequence;
  le64 tar_offset;
  le32 stored_bytes;   // of the data frame that follows
  le32 content_bytes;  // of what it decodes to
  le32 first_member;   // where in its content the first member begins; kNoMember
  le32 reserved;
  std::array<unsigned char, 32> sha256;
  FrameCheck check;
};
static_assert(sizeof(HeaderFrame) == 88 && offsetof(HeaderFrame, check) == 80);

struct TrailerFrame {
  FrameStart start;
  le64 frame_count;
  le64 tar_bytes;
  le64 stream_bytes;  // before this frame
  std::array<unsigned char, 32> tar_sha256;
  FrameCheck check;
};
static_assert(sizeof(TrailerFrame) == 80 && offsetof(TrailerFrame, check) == 72);

}  // namespace ekshume::collection
