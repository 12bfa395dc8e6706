// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/recovery.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "fs/ext4/block_map.h"
#include "fs/ext4/content.h"
#include "fs/ext4/fast_commit_apply.h"
#include "fs/ext4/journal.h"
#include "fs/ext4/volume.h"

namespace ekshume::fs::ext4 {
namespace {

// The journal's file from the copy of its block map in the superblock (s_jnl_blocks).
Result<std::unique_ptr<File>> OpenJournalBackup(const Volume& volume) {
  const SuperBlock& superblock = volume.superblock();
  if (superblock.s_jnl_backup_type != 1) {
    return Fail(ErrorCode::kCorrupt, "the superblock has no copy of the journal's block map");
  }
  Inode inode;
  inode.number = InodeNumber{kJournalInode};
  inode.type = NodeType::kRegular;
  inode.block = superblock.s_jnl_blocks;
  inode.size_bytes = superblock.s_jnl_size_lo.value() | uint64_t{superblock.s_jnl_size_high.value()}
                                                            << 32;
  const auto magic = ByteView(inode.block).Read<le16>(0);
  if (magic && magic->value() == kExtentMagic) inode.flags = kInodeExtents;
  return MakeRunFile(volume.image(), inode.size_bytes, MapInode(volume, inode));
}

// An opened journal.
struct Journal {
  std::unique_ptr<File> file;
  std::unique_ptr<JournalBlocks> blocks;
  JournalShape shape;
};

Result<Journal> MakeJournal(const Volume& volume, std::unique_ptr<File> file) {
  const uint32_t block_bytes = volume.geometry().block_bytes;
  Journal journal;
  journal.blocks = std::make_unique<JournalBlocks>(*file, block_bytes);
  const ByteView first = EKSHUME_TRY(journal.blocks->Read(0));
  journal.shape =
      EKSHUME_TRY(ParseJournalSuperBlock(first, block_bytes, journal.blocks->block_count()));
  journal.file = std::move(file);
  return journal;
}

Result<Journal> OpenJournal(const Volume& volume) {
  const InodeNumber number{volume.superblock().s_journal_inum.value()};
  if (ToInteger(number) == 0) {
    return Fail(ErrorCode::kUnsupported, "the journal is on another device");
  }
  auto inode = volume.ReadInode(number);
  if (inode && inode->type == NodeType::kRegular) {
    auto file = OpenContent(volume, number);
    if (file) {
      auto journal = MakeJournal(volume, *std::move(file));
      if (journal || journal.error().code != ErrorCode::kCorrupt) return journal;
    }
  }
  auto backup = OpenJournalBackup(volume);
  if (!backup) return std::move(backup).error();
  return MakeJournal(volume, *std::move(backup));
}

class Recovery {
 public:
  Recovery(const image::Image& device, const OpenOptions& options)
      : device_(device), options_(options) {}

  Result<RecoveredDevice> Run() {
    auto cached = image::MakeCached(device_);
    // What this first look finds may be repaired by the replay, and is reported only if not.
    DiagnosticSink before;
    const auto volume = EKSHUME_TRY(Volume::Open(*cached, before, options_.force));
    const Geometry& geometry = volume->geometry();
    recovered_.log_state = "clean";
    if (!geometry.Has(kCompatHasJournal)) {
      recovered_.log_state = "none";
    } else if (geometry.Has(kIncompatRecover)) {
      if (options_.raw) {
        recovered_.log_state = "dirty";
        Report(DiagnosticCode::kFilesystemReadRaw, "the journal is dirty");
      } else {
        Replay(*volume, before);
      }
    }
    if (recovered_.images.empty()) {
      recovered_.images.push_back(std::move(cached));
    } else {
      recovered_.images.push_back(image::MakeCached(*recovered_.images.back()));
    }
    return std::move(recovered_);
  }

 private:
  void Report(DiagnosticCode code, std::string detail) {
    options_.diagnostics->Report(code, device_.name(), std::move(detail));
  }

  void Replay(const Volume& volume, DiagnosticSink& before) {
    auto journal = OpenJournal(volume);
    if (!journal) {
      recovered_.log_state = "dirty";
      return Report(DiagnosticCode::kExt4JournalNotReplayed, journal.error().message);
    }
    if (!journal->shape.checksum_ok) {
      Report(DiagnosticCode::kExt4BadChecksum, "superblock of the journal");
    }
    if (journal->shape.start_block == 0) return;
    ReplayOutcome outcome =
        ReplayJournal(journal->shape, *journal->blocks, volume.geometry().block_count);
    auto replayed = std::make_unique<ReplayedImage>(device_, volume.geometry().block_bytes,
                                                    std::move(outcome.blocks));
    std::string summary = fmt::format("{} transactions, {} blocks", outcome.transaction_count,
                                      replayed->block_count());
    recovered_.images.push_back(std::move(replayed));
    if (outcome.damage.empty()) {
      const FastCommitLog log =
          ReadFastCommits(journal->shape, *journal->blocks, outcome.end_sequence);
      outcome.damage = log.damage;
      if (!log.records.empty()) {
        ApplyFastCommits(log, before, outcome.damage);
        summary += fmt::format(", {} fast commits", log.commit_count);
      }
    }
    recovered_.log_state = outcome.damage.empty() ? "replayed" : "damaged";
    if (!outcome.damage.empty()) Report(DiagnosticCode::kExt4JournalDamaged, outcome.damage);
    Report(DiagnosticCode::kExt4JournalReplayed, std::move(summary));
  }

  void ApplyFastCommits(const FastCommitLog& log, DiagnosticSink& before, std::string& damage) {
    auto patched = std::make_unique<image::PatchedImage>(*recovered_.images.back());
    const auto volume = Volume::Open(*patched, before, options_.force);
    if (volume) {
      recovered_.changes = ext4::ApplyFastCommits(**volume, *patched, log, damage);
    } else {
      damage = volume.error().message;
    }
    recovered_.images.push_back(std::move(patched));
  }

  const image::Image& device_;
  const OpenOptions& options_;
  RecoveredDevice recovered_;
};

}  // namespace

Result<RecoveredDevice> Recover(const image::Image& device, const OpenOptions& options) {
  return Recovery(device, options).Run();
}

}  // namespace ekshume::fs::ext4
