// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/log.h"

#include <fmt/format.h>

#include <functional>
#include <optional>

#include "fs/xfs/log_area.h"
#include "fs/xfs/log_head.h"
#include "fs/xfs/log_records.h"
#include "fs/xfs/log_recover.h"
#include "fs/xfs/log_transactions.h"

namespace ekshume::fs::xfs {
namespace {

std::string FormatLsn(Lsn lsn) { return fmt::format("{:#x}:{:#x}", LsnCycle(lsn), LsnBlock(lsn)); }

// What one pass over the valid part of the log saw, and why it ended early, if it did.
struct PassOutcome {
  uint64_t record_count = 0;
  uint64_t uncommitted_count = 0;
  std::optional<Error> stopped_by;
};

PassOutcome ReadTransactions(const LogArea& area, const LogBounds& bounds, bool has_crc,
                             const TransactionAssembler::OnCommit& on_commit) {
  PassOutcome outcome;
  TransactionAssembler assembler(on_commit);
  LogRecordReader reader(area, bounds.tail, bounds.head, LogRecordReader::Check::kNone, has_crc);
  while (!outcome.stopped_by) {
    const Result<bool> next = reader.Next();
    if (!next) {
      outcome.stopped_by = next.error();
    } else if (!*next) {
      break;
    } else {
      ++outcome.record_count;
      const Result<void> added = assembler.AddRecord(reader.record(), reader.data());
      if (!added) outcome.stopped_by = added.error();
    }
  }
  outcome.uncommitted_count = assembler.pending_count();
  return outcome;
}

// Both passes over the valid part.
PassOutcome ReplayRecords(const LogArea& area, const LogBounds& bounds, bool has_crc,
                          LogRecovery& recovery) {
  const PassOutcome collected =
      ReadTransactions(area, bounds, has_crc, [&](const LogTransaction& transaction) {
        recovery.Collect(transaction);
        return Result<void>();
      });
  // A pass that stops early stops at the same place in the second pass.
  PassOutcome outcome = ReadTransactions(
      area, bounds, has_crc,
      [&](const LogTransaction& transaction) { return recovery.Replay(transaction); });
  if (!outcome.stopped_by) outcome.stopped_by = collected.stopped_by;
  return outcome;
}

void NotReplayed(LogReplay& replay, const std::string& evidence, const std::string& why,
                 DiagnosticSink& diagnostics) {
  replay.state = "dirty";
  diagnostics.Report(DiagnosticCode::kXfsLogNotReplayed, evidence, why);
}

void ReportReplayed(const LogReplay& replay, const LogBounds& bounds, const std::string& evidence,
                    DiagnosticSink& diagnostics) {
  std::string detail = fmt::format(
      "xfs: {} transactions with {} items in {} log records from LSN {} to {}; {} buffers and {} "
      "inodes changed, {} were newer on disk, {} were freed later; {} unfinished intents, {} "
      "transactions without a commit",
      replay.transaction_count, replay.item_count, replay.record_count, FormatLsn(replay.tail_lsn),
      FormatLsn(replay.head_lsn), replay.buffer_count, replay.inode_count,
      replay.newer_on_disk_count, replay.cancelled_count, replay.unfinished_intent_count,
      replay.uncommitted_transaction_count);
  if (bounds.torn)
    detail += fmt::format("; the log ends before incomplete records ({})", *bounds.torn);
  diagnostics.Report(DiagnosticCode::kXfsLogReplayed, evidence, detail);
}

}  // namespace

Result<LogReplay> ReplayLog(const image::Image& device, const Superblock& superblock,
                            image::PatchedImage& patched, DiagnosticSink& diagnostics) {
  LogReplay replay;
  if (superblock.log_start == 0) {
    replay.state = "none";
    diagnostics.Report(DiagnosticCode::kXfsLogExternal, device.name(),
                       "xfs: the superblock names no log on this device");
    return replay;
  }
  const Result<LogArea> area = LogArea::Open(device, superblock);
  if (!area) {
    NotReplayed(replay, device.name(), area.error().message, diagnostics);
    return replay;
  }
  const Result<LogBounds> bounds = FindLogBounds(*area, superblock);
  if (!bounds) {
    NotReplayed(replay, device.name(), bounds.error().message, diagnostics);
    return replay;
  }
  replay.head_lsn = bounds->head_lsn;
  replay.tail_lsn = bounds->tail_lsn;
  if (bounds->clean) return replay;
  const uint32_t unknown = superblock.log_incompat & ~kSbFeatLogIncompatXattrs;
  if (unknown != 0) {
    NotReplayed(replay, device.name(),
                fmt::format("xfs: unsupported XFS log feature {:#x}", unknown), diagnostics);
    return replay;
  }

  LogRecovery recovery(superblock, patched, replay, diagnostics);
  const PassOutcome outcome = ReplayRecords(*area, *bounds, superblock.has_crc, recovery);
  replay.record_count = outcome.record_count;
  replay.uncommitted_transaction_count = outcome.uncommitted_count;
  const Result<void> finished = recovery.Finish();

  replay.state = "replayed";
  for (const std::optional<std::string>& damage :
       {bounds->damage,
        outcome.stopped_by ? std::optional(outcome.stopped_by->message) : std::nullopt,
        finished ? std::nullopt : std::optional(finished.error().message)}) {
    if (!damage) continue;
    replay.state = "damaged";
    diagnostics.Report(DiagnosticCode::kXfsLogDamaged, device.name(), *damage);
  }
  if (recovery.damaged()) replay.state = "damaged";
  ReportReplayed(replay, *bounds, device.name(), diagnostics);
  if (outcome.stopped_by && outcome.stopped_by->code == ErrorCode::kLimit) {
    return *outcome.stopped_by;
  }
  if (!finished) return finished.error();
  return replay;
}

}  // namespace ekshume::fs::xfs
