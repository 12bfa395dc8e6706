// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/log_intents.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "base/limits.h"
#include "fs/xfs/log_intent_finish.h"

namespace ekshume::fs::xfs {
namespace {

struct IntentType {
  uint16_t intent;
  uint16_t done;
  std::string_view name;
  bool changes_files;  // what a reader can see depends on it
};
constexpr std::array<IntentType, 9> kIntentTypes = {{
    {kLiEfi, kLiEfd, "extent free", false},
    {kLiRui, kLiRud, "reverse mapping", false},
    {kLiCui, kLiCud, "reference count", false},
    {kLiBui, kLiBud, "file mapping", true},
    {kLiAttri, kLiAttrd, "extended attribute", true},
    {kLiXmi, kLiXmd, "range exchange", true},
    {kLiEfiRt, kLiEfdRt, "realtime extent free", false},
    {kLiRuiRt, kLiRudRt, "realtime reverse mapping", false},
    {kLiCuiRt, kLiCudRt, "realtime reference count", false},
}};

const IntentType* Find(uint16_t type) {
  for (const IntentType& candidate : kIntentTypes) {
    if (candidate.intent == type || candidate.done == type) return &candidate;
  }
  return nullptr;
}

}  // namespace

bool LogIntents::IsIntentType(uint16_t type) { return Find(type) != nullptr; }

void LogIntents::Remove(const Key& key) {
  const auto found = pending_.find(key);
  if (found == pending_.end()) return;
  bytes_left_ += found->second.kept_bytes;
  pending_.erase(found);
}

Result<void> LogIntents::Add(const LogTransaction& transaction, const LogTransaction::Item& item) {
  const auto header = EKSHUME_TRY(transaction.Region(item, 0).Read<IntentLogHeader>(0));
  const uint16_t type = header.type.value();
  const IntentType* known = Find(type);
  if (known == nullptr) return Fail(ErrorCode::kUnsupported, "is of an unknown type");
  const Key key{known->intent, header.id.value()};
  Remove(key);
  if (type == known->done) return {};
  if (pending_.size() >= limits::kMaxLogIntents) {
    return Fail(ErrorCode::kLimit, fmt::format("xfs: the log has more than {} unfinished intents "
                                               "(kMaxLogIntents)",
                                               limits::kMaxLogIntents));
  }
  Intent& intent = pending_[key];
  intent.sequence = next_sequence_++;
  intent.lsn = transaction.lsn();
  if (!known->changes_files) return {};
  for (uint32_t i = 0; i < item.region_count; ++i) {
    const auto bytes = transaction.Region(item, i).AsSpan();
    // The vector itself counts too, for there may be many empty ones.
    const size_t cost = bytes.size() + sizeof(std::vector<std::byte>);
    if (cost > bytes_left_) {
      bytes_left_ += intent.kept_bytes;
      intent = {.sequence = intent.sequence, .lsn = intent.lsn, .regions = {}, .is_dropped = true};
      break;
    }
    bytes_left_ -= cost;
    intent.kept_bytes += cost;
    intent.regions.emplace_back(bytes.begin(), bytes.end());
  }
  return {};
}

InodeChanges LogIntents::Finish(const image::Image& replayed, const Superblock& superblock,
                                DiagnosticSink& diagnostics) {
  std::vector<std::pair<const IntentType*, const Intent*>> ordered;
  std::map<std::string_view, size_t> invisible;
  for (const auto& [key, intent] : pending_) {
    const IntentType* known = Find(key.first);
    if (known->changes_files) {
      ordered.emplace_back(known, &intent);
    } else {
      ++invisible[known->name];
    }
  }
  std::ranges::sort(ordered, {}, [](const auto& entry) { return entry.second->sequence; });
  for (const auto& [name, count] : invisible) {
    diagnostics.Report(DiagnosticCode::kXfsIntentUnfinished, replayed.name(),
                       fmt::format("xfs: {} unfinished {} intents, which change nothing that is "
                                   "readable",
                                   count, name));
  }
  if (ordered.empty()) {
    pending_.clear();
    return {};
  }
  const Context context{replayed, superblock, diagnostics};
  const auto finisher = std::make_unique<IntentFinisher>(context);
  for (const auto& [known, intent] : ordered) {
    const std::vector<ByteView> regions(intent->regions.begin(), intent->regions.end());
    const Result<std::string> outcome =
        intent->is_dropped ? Fail(ErrorCode::kLimit, "was not kept (kMaxLogIntentBytes)")
                           : finisher->Finish(known->intent, regions);
    const std::string which = fmt::format("xfs: the {} intent at LSN {:#x}:{:#x}", known->name,
                                          LsnCycle(intent->lsn), LsnBlock(intent->lsn));
    if (outcome) {
      diagnostics.Report(DiagnosticCode::kXfsIntentUnfinished, replayed.name(),
                         fmt::format("{} {}", which, *outcome));
    } else {
      diagnostics.Report(
          DiagnosticCode::kXfsIntentFailed, replayed.name(),
          fmt::format("{} could not be finished: {}", which, outcome.error().message));
    }
  }
  pending_.clear();
  return finisher->Take();
}

}  // namespace ekshume::fs::xfs
