// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "base/hash.h"
#include "collection/format.h"

namespace ekshume::collection {

inline constexpr size_t kSkippableHeaderBytes = 8;  // magic number and length

// The check at the end of a frame's payload, made of what stands before it.
template <typename T>
FrameCheck CheckOf(const T& frame) {
  const ByteView bytes = AsBytes(frame);
  const Sha256Digest digest =
      Sha256::Of(bytes.First(offsetof(T, check)).From(kSkippableHeaderBytes));
  FrameCheck check{};
  std::transform(digest.begin(), digest.begin() + check.size(), check.begin(),
                 [](std::byte b) { return std::to_integer<unsigned char>(b); });
  return check;
}

// Fills in what all frames have: the start, and the check over all other fields.
template <typename T>
void SealFrame(T& frame, FrameKind kind, uint16_t flags) {
  frame.start.magic = le32::Of(kSkippableMagic);
  frame.start.length_bytes = le32::Of(sizeof(T) - kSkippableHeaderBytes);
  frame.start.mark = kFrameMark;
  frame.start.version = kFormatVersion;
  frame.start.kind = kind;
  frame.start.flags = le16::Of(flags);
  frame.check = CheckOf(frame);
}

// True when it is a whole frame of `kind` of this version.
template <typename T>
bool IsSealed(const T& frame, FrameKind kind) {
  return frame.start.magic.value() == kSkippableMagic &&
         frame.start.length_bytes.value() == sizeof(T) - kSkippableHeaderBytes &&
         frame.start.mark == kFrameMark && frame.start.version == kFormatVersion &&
         frame.start.kind == kind && frame.check == CheckOf(frame);
}

}  // namespace ekshume::collection
