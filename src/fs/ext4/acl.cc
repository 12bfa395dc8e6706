// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/acl.h"

#include <fmt/format.h>

#include "base/byte_view.h"
#include "base/endian.h"

namespace ekshume::fs::ext4 {
namespace {

constexpr uint32_t kOnDiskVersion = 1;   // EXT4_ACL_VERSION
constexpr uint32_t kSyscallVersion = 2;  // POSIX_ACL_XATTR_VERSION
constexpr uint32_t kUndefinedId = 0xFFFFFFFF;

struct ShortEntry {
  le16 e_tag;
  le16 e_perm;
};
struct LongEntry {
  le16 e_tag;
  le16 e_perm;
  le32 e_id;
};
static_assert(sizeof(ShortEntry) == 4 && sizeof(LongEntry) == 8);

bool HasId(uint16_t tag) { return tag == 0x02 || tag == 0x08; }  // ACL_USER, ACL_GROUP
bool IsKnown(uint16_t tag) {
  return HasId(tag) || tag == 0x01 || tag == 0x04 || tag == 0x10 || tag == 0x20;
}

}  // namespace

Result<std::string> ConvertAcl(std::string_view on_disk) {
  const ByteView bytes = ByteView::Of(on_disk);
  const auto version = EKSHUME_TRY(bytes.Read<le32>(0));
  if (version.value() != kOnDiskVersion) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("ACL has version {}, expected {}", version.value(), kOnDiskVersion));
  }
  std::string converted(AsBytes(le32::Of(kSyscallVersion)).AsText());
  for (size_t offset = sizeof(le32); offset < bytes.size();) {
    const auto entry = EKSHUME_TRY(bytes.Read<ShortEntry>(offset));
    if (!IsKnown(entry.e_tag.value())) {
      return Fail(ErrorCode::kCorrupt, fmt::format("ACL entry has tag {:#x}", entry.e_tag.value()));
    }
    LongEntry full{entry.e_tag, entry.e_perm, le32::Of(kUndefinedId)};
    if (HasId(entry.e_tag.value())) {
      full = EKSHUME_TRY(bytes.Read<LongEntry>(offset));
      offset += sizeof(LongEntry);
    } else {
      offset += sizeof(ShortEntry);
    }
    converted += AsBytes(full).AsText();
  }
  return converted;
}

}  // namespace ekshume::fs::ext4
