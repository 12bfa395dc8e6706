// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/attribute.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/limits.h"
#include "fs/xfs/da_format.h"
#include "fs/xfs/extent.h"
#include "fs/xfs/inode_changes.h"

namespace ekshume::fs::xfs {
namespace {

class AttributeReader {
 public:
  AttributeReader(const Context& context, const Inode& inode)
      : context_(context), inode_(inode), change_(context.ChangeOf(inode.number)) {}

  Result<void> ReadShortForm();
  Result<void> ReadTree();
  // Adds what finished intents set.
  void AddChanged();
  std::vector<Xattr> TakeSorted();

 private:
  struct HashBlock {
    std::vector<std::byte> bytes;
    uint64_t byte_offset;
    uint16_t magic;
  };

  Result<HashBlock> ReadHashBlock(uint64_t file_block);
  // Appends the blocks that a node points to and returns its level.
  Result<uint16_t> ParseNode(const HashBlock& block, std::vector<uint64_t>& children);
  void ParseLeaf(const HashBlock& block);
  Result<void> ParseLeafEntry(ByteView block, size_t offset);
  Result<std::string> ReadRemoteValue(uint64_t value_block, size_t length);
  // Whether AddChanged() says what becomes of it.
  bool IsChanged(uint8_t flags, std::string_view name) const;
  void Add(uint8_t flags, std::string_view name, std::string value);
  bool AtLimit();
  void ReportLimit(std::string_view limit);
  uint64_t OffsetOf(uint64_t file_block) const;
  void ReportBad(std::string_view what, uint64_t byte_offset) {
    context_.Report(DiagnosticCode::kXfsBadStructure,
                    fmt::format("attributes of inode {}: {}", inode_.number, what), byte_offset);
  }

  const Context& context_;
  const Inode& inode_;
  const InodeChange* const change_;  // null when there is none
  std::vector<Extent> extents_;
  std::vector<Xattr> found_;
};

bool IsListed(uint8_t flags) { return (flags & (kAttrIncomplete | kAttrParent)) == 0; }

bool AttributeReader::IsChanged(uint8_t flags, std::string_view name) const {
  if (change_ == nullptr || change_->attributes.empty()) return false;
  const auto name_space = static_cast<uint8_t>(flags & (kAttrRoot | kAttrSecure));
  return change_->attributes.contains({name_space, std::string(name)});
}

void AttributeReader::AddChanged() {
  if (change_ == nullptr) return;
  for (const auto& [name, value] : change_->attributes) {
    if (!value) continue;
    if (AtLimit()) return;
    Add(name.name_space, name.name, *value);
  }
}

void AttributeReader::Add(uint8_t flags, std::string_view name, std::string value) {
  const bool root = (flags & kAttrRoot) != 0;
  if (root && (name == "SGI_ACL_FILE" || name == "SGI_ACL_DEFAULT")) {
    if (auto acl = ConvertAcl(ByteView::Of(value))) {
      found_.push_back(
          {name == "SGI_ACL_FILE" ? "system.posix_acl_access" : "system.posix_acl_default",
           *std::move(acl)});
      return;
    }
    ReportBad("malformed ACL, shown as it lies on disk", inode_.byte_offset);
  }
  std::string_view prefix = "user.";
  if (root) {
    prefix = "trusted.";
  } else if ((flags & kAttrSecure) != 0) {
    prefix = "security.";
  }
  std::string full(prefix);
  full += name;
  found_.push_back({std::move(full), std::move(value)});
}

bool AttributeReader::AtLimit() {
  if (found_.size() < limits::kMaxXattrsPerNode) return false;
  ReportLimit("kMaxXattrsPerNode");
  return true;
}

void AttributeReader::ReportLimit(std::string_view limit) {
  context_.Report(DiagnosticCode::kFilesystemLimit,
                  fmt::format("inode {}: {}", inode_.number, limit), inode_.byte_offset);
}

// xfs_attr_sf_hdr: the size of all, the count, then entries of name length, value length, flags,
// name and value.
Result<void> AttributeReader::ReadShortForm() {
  const ByteView fork = inode_.attr_fork;
  const auto header = EKSHUME_TRY(fork.Read<AttrSfHdr>(0));
  size_t offset = sizeof(AttrSfHdr);
  for (unsigned i = 0; i < header.count; ++i) {
    const auto entry = fork.Read<AttrSfEntry>(offset);
    const size_t name_offset = offset + sizeof(AttrSfEntry);
    const size_t length = entry ? size_t{entry->namelen} + entry->valuelen : 0;
    if (!entry || !fork.Contains(name_offset, length)) {
      ReportBad(fmt::format("short form ends after {} of {}", i, header.count), inode_.byte_offset);
      return {};
    }
    const auto text = EKSHUME_TRY(fork.Sub(name_offset, length)).AsText();
    const std::string_view name = text.substr(0, entry->namelen);
    if (IsListed(entry->flags) && !IsChanged(entry->flags, name)) {
      Add(entry->flags, name, std::string(text.substr(entry->namelen)));
    }
    offset = name_offset + length;
  }
  return {};
}

uint64_t AttributeReader::OffsetOf(uint64_t file_block) const {
  const size_t index = FindExtent(extents_, file_block);
  if (index >= extents_.size() || extents_[index].file_block > file_block) {
    return inode_.byte_offset;
  }
  return extents_[index].byte_offset +
         ((file_block - extents_[index].file_block) << context_.sb.block_log);
}

Result<AttributeReader::HashBlock> AttributeReader::ReadHashBlock(uint64_t file_block) {
  HashBlock block{std::vector<std::byte>(context_.sb.block_bytes), OffsetOf(file_block), 0};
  EKSHUME_TRY(ReadForkBlocks(context_, extents_, file_block, block.bytes));
  const ByteView bytes(block.bytes);
  block.magic = EKSHUME_TRY(bytes.Read<DaBlkinfo>(0)).magic.value();
  if (context_.sb.has_crc) {
    const auto info = EKSHUME_TRY(bytes.Read<Da3Blkinfo>(0));
    if (info.owner.value() != inode_.number) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("block belongs to inode {}", info.owner.value()));
    }
    context_.VerifyChecksum(bytes, offsetof(Da3Blkinfo, crc),
                            fmt::format("attributes of inode {}", inode_.number),
                            block.byte_offset);
  }
  return block;
}

Result<uint16_t> AttributeReader::ParseNode(const HashBlock& block,
                                            std::vector<uint64_t>& children) {
  const ByteView bytes(block.bytes);
  const bool crc = context_.sb.has_crc;
  const size_t header_bytes = crc ? sizeof(Da3NodeHdr) : sizeof(DaNodeHdr);
  const auto counts =
      EKSHUME_TRY(bytes.Read<DaNodeCounts>(crc ? sizeof(Da3Blkinfo) : sizeof(DaBlkinfo)));
  for (size_t i = 0; i < counts.count.value(); ++i) {
    const auto entry = EKSHUME_TRY(bytes.Read<DaNodeEntry>(header_bytes + i * sizeof(DaNodeEntry)));
    children.push_back(entry.before.value());
  }
  return counts.level.value();
}

// Follows the hash tree from its root, level by level, rather than taking every block of the fork:
// remote values lie in the same fork, and in version 4 their content is the file owner's choice.
Result<void> AttributeReader::ReadTree() {
  extents_ = EKSHUME_TRY(ReadExtents(context_, inode_, Fork::kAttr));
  if (extents_.empty()) return {};
  const uint16_t leaf_magic = context_.sb.has_crc ? kAttr3LeafMagic : kAttrLeafMagic;
  const uint16_t node_magic = context_.sb.has_crc ? kDa3NodeMagic : kDaNodeMagic;
  std::vector<uint64_t> pending = {0};
  std::unordered_set<uint64_t> visited;
  std::optional<uint16_t> level;  // of the nodes in `pending`, once known
  for (int depth = 0; depth <= limits::kMaxTreeDepth && !pending.empty(); ++depth) {
    std::vector<uint64_t> children;
    std::optional<uint16_t> this_level;
    for (const uint64_t file_block : pending) {
      if (AtLimit()) return {};
      auto block = visited.insert(file_block).second ? ReadHashBlock(file_block)
                                                     : Fail(ErrorCode::kCorrupt, "tree loops");
      if (!block) {
        ReportBad(block.error().message, OffsetOf(file_block));
        continue;
      }
      if (block->magic == leaf_magic && level.value_or(0) == 0) {
        ParseLeaf(*block);
        continue;
      }
      if (block->magic != node_magic || level == 0) {
        ReportBad(fmt::format("bad block magic {:#06x}", block->magic), block->byte_offset);
        continue;
      }
      const auto node_level = ParseNode(*block, children);
      if (!node_level || *node_level == 0 || (level && *node_level != *level)) {
        ReportBad("bad level in tree", block->byte_offset);
        continue;
      }
      this_level = *node_level;
      // Each leaf holds an attribute, so no tree that is kept whole has more.
      if (children.size() > limits::kMaxXattrsPerNode) {
        ReportLimit("kMaxXattrsPerNode");
        return {};
      }
    }
    if (this_level) level = static_cast<uint16_t>(*this_level - 1);
    pending = std::move(children);
  }
  if (!pending.empty()) ReportLimit("kMaxTreeDepth");
  return {};
}

void AttributeReader::ParseLeaf(const HashBlock& block) {
  const ByteView bytes(block.bytes);
  const bool crc = context_.sb.has_crc;
  const size_t header_bytes = crc ? sizeof(Attr3LeafHdr) : sizeof(AttrLeafHdr);
  const auto count =
      bytes.Read<be16>(crc ? offsetof(Attr3LeafHdr, count) : offsetof(AttrLeafHdr, count));
  if (!count) return;
  for (size_t i = 0; i < count->value(); ++i) {
    if (AtLimit()) return;
    const auto parsed = ParseLeafEntry(bytes, header_bytes + i * sizeof(AttrLeafEntry));
    if (!parsed) {
      ReportBad(fmt::format("entry {}: {}", i, parsed.error().message), block.byte_offset);
    }
  }
}

Result<void> AttributeReader::ParseLeafEntry(ByteView block, size_t offset) {
  const auto entry = EKSHUME_TRY(block.Read<AttrLeafEntry>(offset));
  if (!IsListed(entry.flags)) return {};
  const size_t at = entry.nameidx.value();
  if ((entry.flags & kAttrLocal) != 0) {
    const auto local = EKSHUME_TRY(block.Read<AttrLeafNameLocal>(at));
    const auto text = EKSHUME_TRY(block.Sub(at + sizeof(AttrLeafNameLocal),
                                            size_t{local.namelen} + local.valuelen.value()))
                          .AsText();
    const std::string_view name = text.substr(0, local.namelen);
    if (!IsChanged(entry.flags, name)) {
      Add(entry.flags, name, std::string(text.substr(local.namelen)));
    }
    return {};
  }
  const auto remote = EKSHUME_TRY(block.Read<AttrLeafNameRemote>(at));
  const auto name = EKSHUME_TRY(block.Sub(at + sizeof(AttrLeafNameRemote), remote.namelen));
  if (IsChanged(entry.flags, name.AsText())) return {};
  const size_t length = remote.valuelen.value();
  if (length > limits::kMaxXattrValueBytes) {
    return Fail(ErrorCode::kLimit, fmt::format("kMaxXattrValueBytes: value of {} bytes", length));
  }
  Add(entry.flags, name.AsText(), EKSHUME_TRY(ReadRemoteValue(remote.valueblk.value(), length)));
  return {};
}

// Version 4: the bare value. Version 5: each block has a header that says which part it holds.
Result<std::string> AttributeReader::ReadRemoteValue(uint64_t value_block, size_t length) {
  const Superblock& sb = context_.sb;
  const size_t header_bytes = sb.has_crc ? sizeof(Attr3RmtHdr) : 0;
  const size_t room = sb.block_bytes - header_bytes;
  const size_t block_count = (length + room - 1) / room;
  std::vector<std::byte> buffer(block_count << sb.block_log);
  EKSHUME_TRY(ReadForkBlocks(context_, extents_, value_block, buffer));
  std::string value;
  value.reserve(length);
  for (size_t i = 0; i < block_count; ++i) {
    const ByteView block = EKSHUME_TRY(ByteView(buffer).Sub(i << sb.block_log, sb.block_bytes));
    const size_t part = std::min(room, length - value.size());
    if (sb.has_crc) {
      const auto header = EKSHUME_TRY(block.Read<Attr3RmtHdr>(0));
      if (header.rm_magic.value() != kAttr3RmtMagic || header.rm_owner.value() != inode_.number ||
          header.rm_offset.value() != value.size() || header.rm_bytes.value() != part) {
        return Fail(ErrorCode::kCorrupt,
                    fmt::format("remote value block {} is damaged", value_block + i));
      }
      context_.VerifyChecksum(block, offsetof(Attr3RmtHdr, rm_crc),
                              fmt::format("attribute value of inode {}", inode_.number),
                              OffsetOf(value_block + i));
    }
    value += EKSHUME_TRY(block.Sub(header_bytes, part)).AsText();
  }
  return value;
}

std::vector<Xattr> AttributeReader::TakeSorted() {
  std::stable_sort(found_.begin(), found_.end(),
                   [](const Xattr& a, const Xattr& b) { return a.name < b.name; });
  return std::move(found_);
}

template <typename T>
void AppendStruct(std::string& out, const T& value) {
  out += AsBytes(value).AsText();
}

}  // namespace

std::optional<std::string> ConvertAcl(ByteView acl) {
  constexpr uint16_t kAclUser = 0x02;
  constexpr uint16_t kAclGroup = 0x08;
  constexpr uint32_t kPosixAclXattrVersion = 2;
  constexpr uint32_t kAclUndefinedId = 0xffffffff;
  const auto count = acl.Read<be32>(0);
  if (!count || count->value() > acl.size() / sizeof(XfsAclEntry)) return {};
  std::string out;
  AppendStruct(out, le32::Of(kPosixAclXattrVersion));
  for (size_t i = 0; i < count->value(); ++i) {
    const auto entry = acl.Read<XfsAclEntry>(sizeof(be32) + i * sizeof(XfsAclEntry));
    if (!entry) return {};
    const auto tag = static_cast<uint16_t>(entry->ae_tag.value());
    const bool named = tag == kAclUser || tag == kAclGroup;
    AppendStruct(out, le16::Of(tag));
    AppendStruct(out, le16::Of(entry->ae_perm.value()));
    AppendStruct(out, le32::Of(named ? entry->ae_id.value() : kAclUndefinedId));
  }
  return out;
}

Result<std::vector<Xattr>> ReadAttributes(const Context& context, const Inode& inode) {
  AttributeReader reader(context, inode);
  if (inode.attr_fork.empty()) {
    // Recovery makes a fork for what it sets.
  } else if (inode.core.di_aformat == kDinodeFmtLocal) {
    EKSHUME_TRY(reader.ReadShortForm());
  } else {
    EKSHUME_TRY(reader.ReadTree());
  }
  reader.AddChanged();
  return reader.TakeSorted();
}

}  // namespace ekshume::fs::xfs
