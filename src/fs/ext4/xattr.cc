// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/xattr.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/limits.h"
#include "base/text.h"
#include "fs/ext4/acl.h"
#include "fs/ext4/checksum.h"
#include "fs/ext4/content.h"

namespace ekshume::fs::ext4 {
namespace {

// The prefix of an attribute that the kernel lists; nothing for internal ones (inline data,
// encryption contexts, verity descriptors) and unknown ones.
std::optional<std::string_view> ListedPrefix(uint8_t index) {
  switch (index) {
    case kXattrUser: return "user.";
    case kXattrPosixAclAccess: return "system.posix_acl_access";
    case kXattrPosixAclDefault: return "system.posix_acl_default";
    case kXattrTrusted: return "trusted.";
    case kXattrSecurity: return "security.";
    case kXattrHurd: return "gnu.";
    default: return std::nullopt;
  }
}

struct Entry {
  XattrEntry header;
  ByteView name;
};

// Where entries lie: in an inode or in a block.
struct Area {
  ByteView bytes;       // value offsets count from its start
  size_t first_offset;  // of the entries
};

// Calls `visit` for each entry until it returns false. An error when the list runs out of its area.
// `count` goes on over the areas of one inode.
Result<void> ForEachEntry(const Area& area, size_t& count,
                          const std::function<bool(const Entry&)>& visit) {
  size_t offset = area.first_offset;
  for (;; ++count) {
    // The list ends with four zero bytes; a full area may end without.
    const auto end = area.bytes.Read<le32>(offset);
    if (!end || end->value() == 0) return {};
    if (count == limits::kMaxXattrsPerNode) return Fail(ErrorCode::kLimit, "kMaxXattrsPerNode");
    Entry entry;
    entry.header = EKSHUME_TRY(area.bytes.Read<XattrEntry>(offset));
    entry.name = EKSHUME_TRY(area.bytes.Sub(offset + sizeof(XattrEntry), entry.header.e_name_len));
    if (!visit(entry)) return {};
    offset += (sizeof(XattrEntry) + entry.header.e_name_len + 3) / 4 * 4;
  }
}

// The attributes inside the inode; nothing when there are none.
std::optional<Area> InodeArea(const Inode& inode, ByteView raw) {
  if (inode.extra_bytes == 0) return std::nullopt;
  const ByteView after_fields = raw.From(kGoodOldInodeBytes + inode.extra_bytes);
  const auto magic = after_fields.Read<le32>(0);
  if (!magic || magic->value() != kXattrMagic) return std::nullopt;
  return Area{after_fields.From(sizeof(le32)), 0};
}

class XattrReader {
 public:
  XattrReader(const Volume& volume, const Inode& inode) : volume_(volume), inode_(inode) {}

  void ReadArea(const Area& area) {
    const auto walked = ForEachEntry(area, count_, [&](const Entry& entry) {
      const auto prefix = ListedPrefix(entry.header.e_name_index);
      if (!prefix) return true;
      const std::string name = std::string(*prefix) + std::string(entry.name.AsText());
      auto value = ReadValue(area, entry.header);
      if (value && !prefix->ends_with('.')) value = ConvertAcl(*value);
      if (value) {
        xattrs_.push_back({name, *std::move(value)});
      } else {
        Report(fmt::format("attribute {}: {}", EscapeForTerminal(name), value.error().message));
      }
      return true;
    });
    if (!walked) Report(fmt::format("attributes: {}", walked.error().message));
  }

  void ReadAttributeBlock() {
    const uint64_t number = inode_.xattr_block;
    const auto block = volume_.ReadBlock(number);
    if (!block) return Report(fmt::format("attribute block: {}", block.error().message));
    const ByteView bytes(*block);
    const auto header = bytes.Read<XattrHeader>(0);
    if (!header || header->h_magic.value() != kXattrMagic) {
      return Report(fmt::format("attribute block {} has no magic", number));
    }
    if (volume_.geometry().Has(kRoCompatMetadataCsum)) {
      const uint32_t sum =
          Crc32cWithoutField(Crc32cOfLe64(volume_.geometry().checksum_seed, number), bytes,
                             offsetof(XattrHeader, h_checksum), sizeof(header->h_checksum));
      if (sum != header->h_checksum.value()) {
        volume_.Report(DiagnosticCode::kExt4BadChecksum,
                       fmt::format("attribute block of inode {}", ToInteger(inode_.number)),
                       number * volume_.geometry().block_bytes);
      }
    }
    ReadArea({bytes, sizeof(XattrHeader)});
  }

  std::vector<Xattr> Finish() {
    std::stable_sort(xattrs_.begin(), xattrs_.end(),
                     [](const Xattr& a, const Xattr& b) { return a.name < b.name; });
    return std::move(xattrs_);
  }

 private:
  Result<std::string> ReadValue(const Area& area, const XattrEntry& entry) {
    const size_t size = entry.e_value_size.value();
    if (size > limits::kMaxXattrValueBytes) {
      return Fail(ErrorCode::kLimit, fmt::format("kMaxXattrValueBytes: {} bytes", size));
    }
    total_bytes_ += size;
    if (total_bytes_ > limits::kMaxXattrBytesPerNode) {
      return Fail(ErrorCode::kLimit, "kMaxXattrBytesPerNode");
    }
    const InodeNumber value_inode{entry.e_value_inum.value()};
    if (ToInteger(value_inode) == 0) {
      // The kernel does not look at the offset of an empty value.
      if (size == 0) return std::string();
      return std::string(EKSHUME_TRY(area.bytes.Sub(entry.e_value_offs.value(), size)).AsText());
    }
    const Inode inode = EKSHUME_TRY(volume_.ReadInode(value_inode));
    // An attribute inode is never inline: without this, one that names itself would recurse.
    if (!inode.Has(kInodeEaInode) || inode.Has(kInodeInlineData)) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("inode {} holds no attribute value", ToInteger(value_inode)));
    }
    const auto file = EKSHUME_TRY(OpenContent(volume_, inode, {}));
    std::string value(size, '\0');
    if (EKSHUME_TRY(file->ReadAt(0, AsWritableBytes(value))) != size) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("inode {} holds less than {} bytes", ToInteger(value_inode), size));
    }
    return value;
  }

  void Report(std::string_view what) {
    volume_.ReportInode(DiagnosticCode::kExt4BadStructure, inode_.number, what);
  }

  const Volume& volume_;
  const Inode& inode_;
  std::vector<Xattr> xattrs_;
  size_t count_ = 0;
  size_t total_bytes_ = 0;
};

}  // namespace

std::vector<Xattr> ReadInodeXattrs(const Volume& volume, const Inode& inode, ByteView raw) {
  XattrReader reader(volume, inode);
  if (const auto area = InodeArea(inode, raw)) reader.ReadArea(*area);
  if (inode.xattr_block != 0) reader.ReadAttributeBlock();
  return reader.Finish();
}

std::vector<std::byte> InlineBytes(const Volume& volume, const Inode& inode, ByteView raw) {
  std::vector<std::byte> bytes(inode.block.begin(), inode.block.end());
  const auto area = InodeArea(inode, raw);
  if (!area) return bytes;
  size_t count = 0;
  const auto walked = ForEachEntry(*area, count, [&](const Entry& entry) {
    if (entry.header.e_name_index != kXattrSystem || entry.name.AsText() != "data") return true;
    const auto value =
        area->bytes.Sub(entry.header.e_value_offs.value(), entry.header.e_value_size.value());
    if (value) {
      bytes.insert(bytes.end(), value->AsSpan().begin(), value->AsSpan().end());
    } else if (entry.header.e_value_size.value() != 0) {
      volume.ReportInode(DiagnosticCode::kExt4BadStructure, inode.number,
                         fmt::format("inline data: {}", value.error().message));
    }
    return false;
  });
  if (!walked) {
    volume.ReportInode(DiagnosticCode::kExt4BadStructure, inode.number, walked.error().message);
  }
  return bytes;
}

}  // namespace ekshume::fs::ext4
