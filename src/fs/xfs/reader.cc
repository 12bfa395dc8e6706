// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/reader.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "fs/xfs/attribute.h"
#include "fs/xfs/directory.h"
#include "fs/xfs/file.h"
#include "fs/xfs/log.h"
#include "fs/xfs/log_area.h"
#include "fs/xfs/log_head.h"
#include "fs/xfs/symlink.h"
#include "fs/xfs/unlinked.h"
#include "fs/xfs/xfs.h"

namespace ekshume::fs::xfs {
namespace {

std::string FormatUuid(const Uuid& uuid) {
  std::string text = ToHex(ByteView(uuid));
  for (const size_t at : {20, 16, 12, 8}) text.insert(at, 1, '-');
  return text;
}

// Whether the log holds changes, found without replaying it.
std::string LogStateOf(const image::Image& device, const Superblock& sb) {
  if (sb.log_start == 0) return "none";
  const auto area = LogArea::Open(device, sb);
  if (!area) return "damaged";
  const auto bounds = FindLogBounds(*area, sb);
  if (!bounds) return "damaged";
  return bounds->clean ? "clean" : "dirty";
}

Error WrongType(NodeId node, std::string_view wanted) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("inode {} is no {}", static_cast<uint64_t>(node), wanted));
}

}  // namespace

Reader::Reader(const image::Image& device, const OpenOptions&)
    : device_(device), cached_(image::MakeCached(device)), patched_(*cached_) {}

Result<std::unique_ptr<Filesystem>> Reader::Open(const image::Image& device,
                                                 const OpenOptions& options) {
  std::unique_ptr<Reader> reader(new Reader(device, options));
  EKSHUME_TRY(reader->Load(options));
  return reader;
}

Result<void> Reader::Load(const OpenOptions& options) {
  sb_ = EKSHUME_TRY(ReadSuperblock(*cached_, options.force, *options.diagnostics));
  ReportOpening(options);
  EKSHUME_TRY(ReplayLogInMemory(options));
  const image::Image& image = is_patched_ ? static_cast<const image::Image&>(patched_) : *cached_;
  context_.reset(new Context{image, sb_, *options.diagnostics, &changes_});
  inodes_ = std::make_unique<InodeReader>(*context_);
  FillInfo();
  return {};
}

void Reader::ReportOpening(const OpenOptions& options) const {
  DiagnosticSink& diagnostics = *options.diagnostics;
  if (sb_.size_bytes() > device_.size_bytes()) {
    diagnostics.Report(
        DiagnosticCode::kImageTruncated, device_.name(),
        fmt::format("XFS of {} bytes on {} bytes", sb_.size_bytes(), device_.size_bytes()),
        device_.size_bytes());
  }
  if (sb_.needs_repair) diagnostics.Report(DiagnosticCode::kXfsNeedsRepair, device_.name(), "");
  const uint32_t unknown = sb_.ro_compat & ~kSbFeatRoCompatKnown;
  if (unknown != 0) {
    diagnostics.Report(DiagnosticCode::kXfsUnknownFeature, device_.name(),
                       fmt::format("ro_compat {:#x}", unknown));
  }
}

Result<void> Reader::ReplayLogInMemory(const OpenOptions& options) {
  DiagnosticSink& diagnostics = *options.diagnostics;
  if (options.raw) {
    diagnostics.Report(DiagnosticCode::kFilesystemReadRaw, device_.name(), "");
    info_.log_state = LogStateOf(*cached_, sb_);
    return {};
  }
  // An error here means that memory ran out of its limit, which was reported: what was replayed so
  // far would be a mixture of old and new, so the disk is read as it lies.
  auto replay = ReplayLog(*cached_, sb_, patched_, diagnostics);
  if (!replay) {
    info_.log_state = "dirty";
    return {};
  }
  info_.log_state = replay->state;
  changes_ = std::move(replay->changes);
  is_patched_ = patched_.patched_sector_count() != 0;
  if (!is_patched_) return {};
  auto superblock = ReadSuperblock(patched_, options.force, diagnostics);
  if (superblock) sb_ = *std::move(superblock);
  return {};
}

void Reader::FillInfo() {
  info_.root = NodeId{sb_.root_inode};
  info_.type = "xfs";
  info_.label = sb_.label;
  info_.uuid = FormatUuid(sb_.uuid);
  info_.block_bytes = sb_.block_bytes;
  info_.total_bytes = sb_.size_bytes();
  info_.features = sb_.FeatureNames();
  // mkfs makes the root directory, so its birth is the filesystem's.
  if (const auto root = GetStat(info_.root)) info_.made = root->created;
}

Result<Stat> Reader::GetStat(NodeId node) const {
  return StatOf(sb_, EKSHUME_TRY(inodes_->Read(static_cast<uint64_t>(node))));
}

Result<void> Reader::ReadDirectory(NodeId directory, const Visitor& visit) const {
  const Inode inode = EKSHUME_TRY(inodes_->Read(static_cast<uint64_t>(directory)));
  if (inode.type() != NodeType::kDirectory) return WrongType(directory, "directory");
  return ReadDirectoryEntries(*context_, inode, visit);
}

Result<std::unique_ptr<File>> Reader::OpenFile(NodeId node) const {
  const Inode inode = EKSHUME_TRY(inodes_->Read(static_cast<uint64_t>(node)));
  if (inode.type() != NodeType::kRegular) return WrongType(node, "regular file");
  return OpenRegularFile(*context_, inode);
}

Result<std::string> Reader::ReadSymlink(NodeId node) const {
  const Inode inode = EKSHUME_TRY(inodes_->Read(static_cast<uint64_t>(node)));
  if (inode.type() != NodeType::kSymlink) return WrongType(node, "symbolic link");
  return ReadLinkTarget(*context_, inode);
}

Result<std::vector<Xattr>> Reader::ReadXattrs(NodeId node) const {
  return ReadAttributes(*context_, EKSHUME_TRY(inodes_->Read(static_cast<uint64_t>(node))));
}

std::vector<DeletedNode> Reader::Deleted() const { return ReadUnlinked(*context_, *inodes_); }

const Format kXfsFormat = {
    .name = "xfs",
    .description = "XFS, versions 4 and 5, with the log replayed in memory",
    .priority = 90,
    .sniff = SniffSuperblock,
    .open = Reader::Open,
};

}  // namespace ekshume::fs::xfs
