// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/ext4.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "fs/ext4/content.h"
#include "fs/ext4/directory.h"
#include "fs/ext4/features.h"
#include "fs/ext4/orphan.h"
#include "fs/ext4/recovery.h"
#include "fs/ext4/symlink.h"
#include "fs/ext4/volume.h"
#include "fs/ext4/xattr.h"

namespace ekshume::fs::ext4 {
namespace {

template <size_t kSize>
std::string TextField(const std::array<char, kSize>& field) {
  const std::string_view text(field.data(), field.size());
  return std::string(text.substr(0, text.find('\0')));
}

std::string FormatUuid(const std::array<std::byte, 16>& uuid) {
  std::string text = ToHex(ByteView(uuid));
  for (const size_t position : {8, 13, 18, 23}) text.insert(position, 1, '-');
  return text;
}

// Superblock times are unsigned seconds with eight more bits on top.
std::optional<Timestamp> SuperBlockTime(le32 low, uint8_t high) {
  const int64_t seconds = low.value() | int64_t{high} << 32;
  if (seconds == 0) return std::nullopt;
  return Timestamp{seconds, 0};
}

FilesystemInfo MakeInfo(const Volume& volume, std::string log_state) {
  const SuperBlock& superblock = volume.superblock();
  FeatureReport features = DescribeFeatures(superblock);
  FilesystemInfo info;
  info.root = NodeId{kRootInode};
  info.type = features.type;
  info.label = TextField(superblock.s_volume_name);
  info.uuid = FormatUuid(superblock.s_uuid);
  info.block_bytes = volume.geometry().block_bytes;
  info.total_bytes = volume.geometry().total_bytes();
  info.features = std::move(features.names);
  info.log_state = std::move(log_state);
  info.last_mounted_on = TextField(superblock.s_last_mounted);
  info.made = SuperBlockTime(superblock.s_mkfs_time, superblock.s_mkfs_time_hi);
  info.last_mounted = SuperBlockTime(superblock.s_mtime, superblock.s_mtime_hi);
  info.last_written = SuperBlockTime(superblock.s_wtime, superblock.s_wtime_hi);
  return info;
}

class Ext4Filesystem final : public Filesystem {
 public:
  static Result<std::unique_ptr<Filesystem>> Open(const image::Image& device,
                                                  const OpenOptions& options) {
    auto filesystem = std::unique_ptr<Ext4Filesystem>(new Ext4Filesystem);
    filesystem->device_ = EKSHUME_TRY(Recover(device, options));
    const RecoveredDevice& recovered = filesystem->device_;
    filesystem->volume_ =
        EKSHUME_TRY(Volume::Open(recovered.image(), *options.diagnostics, options.force));
    if (!recovered.changes.empty()) {
      filesystem->volume_->set_fast_commit_changes(&recovered.changes);
    }
    filesystem->info_ = MakeInfo(*filesystem->volume_, std::string(recovered.log_state));
    return filesystem;
  }

  const FilesystemInfo& info() const override { return info_; }

  Result<Stat> GetStat(NodeId node) const override {
    const InodeNumber number = EKSHUME_TRY(ToInode(node));
    const Result<Inode> inode = volume_->ReadInode(number);
    if (!inode) return inode.error();
    if (inode->mode == 0) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("ext4: inode {} is not in use", ToInteger(number)));
    }
    return MakeStat(volume_->geometry(), *inode);
  }

  Result<void> ReadDirectory(NodeId directory, const Visitor& visit) const override {
    const Loaded loaded = EKSHUME_TRY(Load(directory, NodeType::kDirectory, "directory"));
    return ReadDirectoryEntries(*volume_, loaded.inode, loaded.bytes.view(), visit);
  }

  Result<std::unique_ptr<File>> OpenFile(NodeId node) const override {
    const Loaded loaded = EKSHUME_TRY(Load(node, NodeType::kRegular, "regular file"));
    if (loaded.inode.Has(kInodeEncrypted)) {
      volume_->ReportInode(DiagnosticCode::kExt4Encrypted, loaded.inode.number, "file");
    }
    return OpenContent(*volume_, loaded.inode, loaded.bytes.view());
  }

  Result<std::string> ReadSymlink(NodeId node) const override {
    const Loaded loaded = EKSHUME_TRY(Load(node, NodeType::kSymlink, "symbolic link"));
    return ReadSymlinkTarget(*volume_, loaded.inode, loaded.bytes.view());
  }

  Result<std::vector<Xattr>> ReadXattrs(NodeId node) const override {
    const InodeNumber number = EKSHUME_TRY(ToInode(node));
    const InodeBytes bytes = EKSHUME_TRY(volume_->ReadInodeBytes(number));
    const Inode inode = EKSHUME_TRY(volume_->CheckInode(number, bytes.view()));
    return ReadInodeXattrs(*volume_, inode, bytes.view());
  }

  std::vector<DeletedNode> Deleted() const override { return FindOrphans(*volume_); }

 private:
  struct Loaded {
    InodeBytes bytes;
    Inode inode;
  };

  Ext4Filesystem() = default;

  static Result<InodeNumber> ToInode(NodeId node) {
    const auto value = static_cast<uint64_t>(node);
    if (value > UINT32_MAX) {
      return Fail(ErrorCode::kOutOfRange, fmt::format("ext4: there is no inode {}", value));
    }
    return InodeNumber{static_cast<uint32_t>(value)};
  }

  Result<Loaded> Load(NodeId node, NodeType type, std::string_view what) const {
    const InodeNumber number = EKSHUME_TRY(ToInode(node));
    Loaded loaded{EKSHUME_TRY(volume_->ReadInodeBytes(number)), {}};
    loaded.inode = EKSHUME_TRY(volume_->CheckInode(number, loaded.bytes.view()));
    if (loaded.inode.type != type) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("ext4: inode {} is no {}", ToInteger(number), what));
    }
    return loaded;
  }

  RecoveredDevice device_;
  std::unique_ptr<Volume> volume_;
  FilesystemInfo info_;
};

}  // namespace

const Format kExt4Format = {
    .name = "ext4",
    .description = "ext2, ext3 and ext4, with the journal replayed in memory",
    .priority = 50,
    .sniff = LooksLikeExt4,
    .open = Ext4Filesystem::Open,
};

}  // namespace ekshume::fs::ext4
