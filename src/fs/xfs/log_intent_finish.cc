// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/log_intent_finish.h"

#include <fmt/format.h>

#include <algorithm>

namespace ekshume::fs::xfs {

Result<std::string> IntentFinisher::Finish(uint16_t type, std::span<const ByteView> regions) {
  if (regions.empty()) return Fail(ErrorCode::kCorrupt, "has no description");
  switch (type) {
    case kLiBui: return FinishBmap(regions[0]);
    case kLiXmi: return FinishExchange(regions[0]);
    case kLiAttri: return FinishAttribute(regions);
    default: return Fail(ErrorCode::kUnsupported, fmt::format("is of unknown type {:#06x}", type));
  }
}

Result<void> IntentFinisher::Spend(size_t count) {
  if (count > extents_left_) {
    return Fail(ErrorCode::kLimit,
                fmt::format("intents read or move more than {} extents (kMaxLogIntentExtents)",
                            limits::kMaxLogIntentExtents));
  }
  extents_left_ -= count;
  return {};
}

Result<ForkEdit*> IntentFinisher::EditFork(const Inode& inode, Fork fork) {
  const ForkKey key{inode.number, fork};
  const auto found = forks_.find(key);
  if (found != forks_.end()) return &found->second;
  if (fork == Fork::kData && inode.is_realtime()) {
    return Fail(ErrorCode::kUnsupported, fmt::format("the data of inode {} lies on the realtime "
                                                     "section",
                                                     inode.number));
  }
  if (fork == Fork::kAttr && inode.attr_fork.empty()) {
    return Fail(ErrorCode::kCorrupt, fmt::format("inode {} has no attribute fork", inode.number));
  }
  // What is wrong with the fork is said now, for the reader will not look at it again; but not that
  // it was cut off, for then the reader will.
  DiagnosticSink found_now;
  const Context loading{context_.device, context_.sb, found_now};
  const auto extents = EKSHUME_TRY(
      ReadExtents(loading, inode, fork, std::min(extents_left_, limits::kMaxExtentsPerFile)));
  // A fork that was cut off has as many as are left, so one that just fits counts as too large.
  EKSHUME_TRY(Spend(extents.size() + 1));
  for (const Diagnostic& diagnostic : found_now.Sorted()) context_.diagnostics.Report(diagnostic);
  return &forks_.emplace(key, ForkEdit(extents, context_.sb.block_log)).first->second;
}

void IntentFinisher::Recount(const Inode& inode, uint64_t added, uint64_t removed) {
  std::optional<uint64_t>& count = changes_.by_inode[inode.number].block_count;
  uint64_t now = count.value_or(inode.core.di_nblocks.value());
  now -= std::min(now, removed);
  count = now + std::min(added, UINT64_MAX - now);
}

InodeChanges IntentFinisher::Take() {
  for (const auto& [key, edit] : forks_) {
    changes_.by_inode[key.first].ExtentsOf(key.second) = edit.Extents();
  }
  forks_.clear();
  return std::move(changes_);
}

}  // namespace ekshume::fs::xfs
