// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/volume.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "fs/ext4/checksum.h"
#include "fs/ext4/features.h"

namespace ekshume::fs::ext4 {
namespace {

// The groups that have a backup with sparse_super, as far as it is worth looking.
constexpr uint32_t kBackupGroups[] = {1, 3, 5, 7, 9, 25, 27, 49, 81, 125};

Result<void> CheckFeatures(const SuperBlock& superblock, const image::Image& image, bool force,
                           DiagnosticSink& diagnostics) {
  const FeatureReport features = DescribeFeatures(superblock);
  if ((superblock.s_feature_incompat.value() & kIncompatJournalDev) != 0) {
    return Fail(ErrorCode::kUnsupported,
                "this is an external ext4 journal (feature journal_dev), not a filesystem");
  }
  for (const std::string& feature : features.refused) {
    if (!force) {
      return Fail(ErrorCode::kUnsupported,
                  fmt::format("unsupported ext4 incompat feature {}", feature));
    }
    diagnostics.Report(DiagnosticCode::kExt4UnknownFeature, image.name(),
                       fmt::format("incompatible feature {}, read by force", feature));
  }
  for (const std::string& feature : features.unknown) {
    diagnostics.Report(DiagnosticCode::kExt4UnknownFeature, image.name(), feature);
  }
  return {};
}

}  // namespace

Result<SuperBlock> ReadSuperBlockCopy(const image::Image& image, uint32_t group,
                                      uint32_t block_bytes) {
  uint64_t offset = kSuperBlockOffset;
  if (group != 0) {
    // mke2fs gives a group as many blocks as a bitmap block has bits; with 1 KiB blocks groups
    // begin at block 1.
    const uint64_t block = uint64_t{group} * block_bytes * 8 + (block_bytes == 1024 ? 1 : 0);
    offset = block * block_bytes;
  }
  auto superblock = EKSHUME_TRY(image::ReadStruct<SuperBlock>(image, offset));
  if (superblock.s_magic.value() != kSuperBlockMagic) {
    return Fail(ErrorCode::kCorrupt, fmt::format("ext4: no superblock at {:#x}", offset));
  }
  if (group != 0 && (superblock.s_block_group_nr.value() != group ||
                     1024ULL << (superblock.s_log_block_size.value() & 31) != block_bytes)) {
    return Fail(
        ErrorCode::kCorrupt,
        fmt::format("ext4: the superblock at {:#x} is not that of group {}", offset, group));
  }
  return superblock;
}

Result<SuperBlock> FindBackupSuperBlock(const image::Image& image) {
  for (const uint32_t group : kBackupGroups) {
    for (uint32_t block_bytes = 1024; block_bytes <= 65536; block_bytes *= 2) {
      const auto superblock = ReadSuperBlockCopy(image, group, block_bytes);
      if (superblock && SuperBlockChecksumMatches(*superblock) && MakeGeometry(*superblock)) {
        return *superblock;
      }
    }
  }
  return Fail(ErrorCode::kCorrupt, "ext4: no usable superblock, primary or backup");
}

bool LooksLikeExt4(const image::Image& image) {
  if (ReadSuperBlockCopy(image, 0, 0)) return true;
  const auto primary = image::ReadStruct<SuperBlock>(image, kSuperBlockOffset);
  if (!primary) return false;
  const auto backup = FindBackupSuperBlock(image);
  if (!backup) return false;
  const std::span<const std::byte> ours = AsBytes(*primary).AsSpan();
  const std::span<const std::byte> theirs = AsBytes(*backup).AsSpan();
  size_t zeros = 0;
  size_t equal = 0;  // without zeros, which prove nothing
  size_t meaningful = 0;
  for (size_t index = 0; index < ours.size(); ++index) {
    if (ours[index] == std::byte{0}) ++zeros;
    if (theirs[index] == std::byte{0}) continue;
    ++meaningful;
    if (ours[index] == theirs[index]) ++equal;
  }
  return zeros == ours.size() || equal * 2 > meaningful;
}

Result<std::unique_ptr<Volume>> Volume::Open(const image::Image& image, DiagnosticSink& diagnostics,
                                             bool force) {
  auto volume = std::unique_ptr<Volume>(new Volume(image, diagnostics));
  EKSHUME_TRY(volume->ReadSuperBlock(force));
  EKSHUME_TRY(volume->ReadGroups());
  return volume;
}

Result<void> Volume::ReadSuperBlock(bool force) {
  auto primary = ReadSuperBlockCopy(image_, 0, 0);
  std::string problem;
  if (!primary) {
    problem = primary.error().message;
  } else {
    superblock_ = *primary;
    auto geometry = MakeGeometry(superblock_);
    if (geometry && SuperBlockChecksumMatches(superblock_)) {
      geometry_ = *std::move(geometry);
      return CheckFeatures(superblock_, image_, force, diagnostics_);
    }
    problem = geometry ? std::string("ext4: the superblock's checksum does not match")
                       : geometry.error().message;
    const auto backup = FindBackupSuperBlock(image_);
    if (!backup) {
      if (!geometry) return geometry.error();
      Report(DiagnosticCode::kExt4BadChecksum, "superblock", kSuperBlockOffset);
      geometry_ = *std::move(geometry);
      return CheckFeatures(superblock_, image_, force, diagnostics_);
    }
  }
  superblock_ = EKSHUME_TRY(FindBackupSuperBlock(image_));
  geometry_ = EKSHUME_TRY(MakeGeometry(superblock_));
  superblock_group_ = superblock_.s_block_group_nr.value();
  Report(DiagnosticCode::kExt4BackupSuperblock,
         fmt::format("{}; the copy in group {} was used", problem, superblock_group_),
         kSuperBlockOffset);
  return CheckFeatures(superblock_, image_, force, diagnostics_);
}

Result<uint64_t> Volume::ReadDescriptor(uint32_t group, uint64_t offset_bytes,
                                        bool& checksum_ok) const {
  const auto raw = EKSHUME_TRY(image::ReadBytes(image_, offset_bytes, geometry_.descriptor_bytes));
  const ByteView view(raw);
  const auto low = EKSHUME_TRY(view.Read<GroupDescriptor>(0));
  uint64_t table = low.bg_inode_table_lo.value();
  if (geometry_.descriptor_bytes > sizeof(GroupDescriptor)) {
    const auto high = EKSHUME_TRY(view.Read<GroupDescriptorHigh>(sizeof(GroupDescriptor)));
    table |= uint64_t{high.bg_inode_table_hi.value()} << 32;
  }
  constexpr size_t kSumOffset = offsetof(GroupDescriptor, bg_checksum);
  checksum_ok = true;
  if (geometry_.Has(kRoCompatMetadataCsum)) {
    const uint32_t sum = Crc32cWithoutField(Crc32cOfLe32(geometry_.checksum_seed, group), view,
                                            kSumOffset, sizeof(low.bg_checksum));
    checksum_ok = low.bg_checksum.value() == (sum & 0xFFFF);
  } else if (geometry_.Has(kRoCompatGdtCsum)) {
    uint16_t sum = Crc16(0xFFFF, ByteView(geometry_.uuid));
    sum = Crc16(sum, AsBytes(le32::Of(group)));
    sum = Crc16(sum, view.First(kSumOffset));
    sum = Crc16(sum, view.From(kSumOffset + sizeof(low.bg_checksum)));
    checksum_ok = low.bg_checksum.value() == sum;
  }
  const uint64_t table_blocks =
      (uint64_t{geometry_.inodes_per_group} * geometry_.inode_bytes + geometry_.block_bytes - 1) /
      geometry_.block_bytes;
  if (table == 0 || !geometry_.ContainsBlocks(table, table_blocks)) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("ext4: group {} has its inode table at block {} of {}", group, table,
                            geometry_.block_count));
  }
  return table;
}

Result<void> Volume::ReadGroups() {
  // Before the allocation: a superblock must not claim more descriptors than the image can hold.
  const uint64_t descriptors_bytes = uint64_t{geometry_.group_count} * geometry_.descriptor_bytes;
  if (descriptors_bytes > image_.size_bytes()) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("ext4: {} group descriptors do not fit an image of {} bytes",
                            geometry_.group_count, image_.size_bytes()));
  }
  inode_tables_.assign(geometry_.group_count, 0);
  for (uint32_t group = 0; group < geometry_.group_count; ++group) {
    bool good = false;
    // The copy beside the superblock in use first, then the backups that a filesystem of any size
    // has, then the first one again, whatever its checksum.
    const uint32_t copies[] = {
        superblock_group_, superblock_group_ == 0 ? 1U : 0U,
        geometry_.Has(kCompatSparseSuper2) ? geometry_.backup_groups[1] : 3U};
    uint64_t unchecked = 0;
    for (const uint32_t copy : copies) {
      const auto offset = geometry_.DescriptorOffset(group, copy);
      if (!offset) continue;
      bool checksum_ok = false;
      const auto table = ReadDescriptor(group, *offset, checksum_ok);
      if (table && checksum_ok) {
        inode_tables_[group] = *table;
        good = true;
        break;
      }
      if (table && unchecked == 0) unchecked = *table;
      Report(checksum_ok ? DiagnosticCode::kExt4BadStructure : DiagnosticCode::kExt4BadChecksum,
             table ? fmt::format("descriptor of group {}", group) : table.error().message, *offset);
    }
    if (!good) inode_tables_[group] = unchecked;
  }
  return {};
}

Result<uint64_t> Volume::InodeOffset(InodeNumber number) const {
  const uint32_t value = ToInteger(number);
  if (value == 0 || value > geometry_.inode_count) {
    return Fail(ErrorCode::kOutOfRange, fmt::format("ext4: inode {} is outside the {} inodes",
                                                    value, geometry_.inode_count));
  }
  const uint32_t group = (value - 1) / geometry_.inodes_per_group;
  const uint32_t index = (value - 1) % geometry_.inodes_per_group;
  if (inode_tables_[group] == 0) {
    return Fail(
        ErrorCode::kCorrupt,
        fmt::format("ext4: inode {} lies in group {}, whose descriptor is damaged", value, group));
  }
  return inode_tables_[group] * geometry_.block_bytes + uint64_t{index} * geometry_.inode_bytes;
}

Result<InodeBytes> Volume::ReadInodeBytes(InodeNumber number) const {
  const uint64_t offset = EKSHUME_TRY(InodeOffset(number));
  InodeBytes bytes(geometry_.inode_bytes);
  EKSHUME_TRY(image_.ReadAt(offset, bytes.span()));
  return bytes;
}

Result<Inode> Volume::CheckInode(InodeNumber number, ByteView raw) const {
  auto inode = ParseInode(geometry_, number, raw);
  if (inode && !InodeChecksumMatches(geometry_, *inode, raw)) [[unlikely]] {
    ReportInode(DiagnosticCode::kExt4BadChecksum, number, "inode");
  }
  return inode;
}

Result<Inode> Volume::ReadInode(InodeNumber number) const {
  // Not through ReadInodeBytes(): every name of a listing comes by here, and a copy is saved.
  const uint64_t offset = EKSHUME_TRY(InodeOffset(number));
  InodeBytes bytes(geometry_.inode_bytes);
  EKSHUME_TRY(image_.ReadAt(offset, bytes.span()));
  return CheckInode(number, bytes.view());
}

Result<std::vector<std::byte>> Volume::ReadBlock(uint64_t block) const {
  if (!geometry_.ContainsBlocks(block, 1)) {
    return Fail(ErrorCode::kOutOfRange, fmt::format("ext4: block {} is outside the {} blocks",
                                                    block, geometry_.block_count));
  }
  return image::ReadBytes(image_, block * geometry_.block_bytes, geometry_.block_bytes);
}

void Volume::ReportInode(DiagnosticCode code, InodeNumber number, std::string_view detail) const {
  diagnostics_.Report(code, image_.name(), fmt::format("inode {}: {}", ToInteger(number), detail));
}

}  // namespace ekshume::fs::ext4
