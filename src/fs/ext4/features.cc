// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/features.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace ekshume::fs::ext4 {
namespace {

struct Name {
  uint32_t bit;
  std::string_view name;
};

constexpr Name kCompatNames[] = {
    {0x1, "dir_prealloc"},    {0x2, "imagic_inodes"},  {0x4, "has_journal"},
    {0x8, "ext_attr"},        {0x10, "resize_inode"},  {0x20, "dir_index"},
    {0x40, "lazy_bg"},        {0x80, "exclude_inode"}, {0x100, "snapshot_bitmap"},
    {0x200, "sparse_super2"}, {0x400, "fast_commit"},  {0x800, "stable_inodes"},
    {0x1000, "orphan_file"},
};
constexpr Name kIncompatNames[] = {
    {0x1, "compression"},  {0x2, "filetype"},       {0x4, "needs_recovery"},
    {0x8, "journal_dev"},  {0x10, "meta_bg"},       {0x40, "extent"},
    {0x80, "64bit"},       {0x100, "mmp"},          {0x200, "flex_bg"},
    {0x400, "ea_inode"},   {0x1000, "dirdata"},     {0x2000, "metadata_csum_seed"},
    {0x4000, "large_dir"}, {0x8000, "inline_data"}, {0x10000, "encrypt"},
    {0x20000, "casefold"},
};
constexpr Name kRoCompatNames[] = {
    {0x1, "sparse_super"}, {0x2, "large_file"},         {0x4, "btree_dir"},
    {0x8, "huge_file"},    {0x10, "uninit_bg"},         {0x20, "dir_nlink"},
    {0x40, "extra_isize"}, {0x80, "snapshot"},          {0x100, "quota"},
    {0x200, "bigalloc"},   {0x400, "metadata_csum"},    {0x800, "replica"},
    {0x1000, "read-only"}, {0x2000, "project"},         {0x4000, "shared_blocks"},
    {0x8000, "verity"},    {0x10000, "orphan_present"},
};

// Incompatible features whose structures this reader knows.
constexpr uint32_t kReadableIncompat =
    kIncompatFiletype | kIncompatRecover | kIncompatMetaBg | kIncompatExtents | kIncompat64Bit |
    kIncompatMmp | kIncompatFlexBg | kIncompatEaInode | kIncompatCsumSeed | kIncompatLargeDir |
    kIncompatInlineData | kIncompatEncrypt | kIncompatCasefold;

// What ext3 may have; anything else makes it ext4.
constexpr uint32_t kExt3Incompat = kIncompatFiletype | kIncompatRecover | kIncompatMetaBg;
constexpr uint32_t kExt3RoCompat = kRoCompatSparseSuper | kRoCompatLargeFile | 0x4;

// tune2fs' word for a bit without a name: FEATURE_I18.
std::string NameOf(std::span<const Name> names, char word, int bit_number) {
  for (const Name& name : names) {
    if (name.bit == uint32_t{1} << bit_number) return std::string(name.name);
  }
  return fmt::format("FEATURE_{}{}", word, bit_number);
}

}  // namespace

FeatureReport DescribeFeatures(const SuperBlock& superblock) {
  FeatureReport report;
  const uint32_t compat = superblock.s_feature_compat.value();
  const uint32_t incompat = superblock.s_feature_incompat.value();
  const uint32_t ro_compat = superblock.s_feature_ro_compat.value();
  for (int bit = 0; bit < 32; ++bit) {
    const uint32_t mask = uint32_t{1} << bit;
    if ((compat & mask) != 0) report.names.push_back(NameOf(kCompatNames, 'C', bit));
    if ((incompat & mask) != 0) {
      report.names.push_back(NameOf(kIncompatNames, 'I', bit));
      if ((kReadableIncompat & mask) == 0) {
        report.refused.push_back(fmt::format("{} ({:#x})", report.names.back(), mask));
      }
    }
    if ((ro_compat & mask) != 0) {
      report.names.push_back(NameOf(kRoCompatNames, 'R', bit));
      if (mask > kRoCompatNames[std::size(kRoCompatNames) - 1].bit) {
        report.unknown.push_back(fmt::format("{} ({:#x})", report.names.back(), mask));
      }
    }
  }
  std::sort(report.names.begin(), report.names.end());
  if ((incompat & ~kExt3Incompat) != 0 || (ro_compat & ~kExt3RoCompat) != 0) {
    report.type = "ext4";
  } else {
    report.type = (compat & kCompatHasJournal) != 0 ? "ext3" : "ext2";
  }
  return report;
}

}  // namespace ekshume::fs::ext4
