// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/log_intents.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/limits.h"

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

Result<void> LogIntents::Add(const LogTransaction& transaction, const LogTransaction::Item& item) {
  const ByteView description = transaction.Region(item, 0);
  const auto header = EKSHUME_TRY(description.Read<IntentLogHeader>(0));
  const uint16_t type = header.type.value();
  const IntentType* known = Find(type);
  if (known == nullptr) return Fail(ErrorCode::kUnsupported, "is of an unknown type");
  const Key key{known->intent, header.id.value()};
  if (type == known->done) {
    pending_.erase(key);
    return {};
  }
  if (pending_.size() >= limits::kMaxLogIntents) {
    return Fail(ErrorCode::kLimit, fmt::format("xfs: the log has more than {} unfinished intents "
                                               "(kMaxLogIntents)",
                                               limits::kMaxLogIntents));
  }
  Intent intent{next_sequence_++, transaction.lsn(), {}};
  // Only the fixed part is looked at later; names and values of attributes are not kept.
  constexpr size_t kMaxKeptBytes = 256;
  if (known->changes_files) {
    const auto bytes = description.First(kMaxKeptBytes).AsSpan();
    intent.description.assign(bytes.begin(), bytes.end());
  }
  pending_.insert_or_assign(key, std::move(intent));
  return {};
}

Result<void> LogIntents::Finish() {
  std::vector<std::pair<Key, const Intent*>> ordered;
  std::map<std::string_view, size_t> invisible;
  for (const auto& [key, intent] : pending_) {
    const IntentType* known = Find(key.first);
    if (known->changes_files) {
      ordered.emplace_back(key, &intent);
    } else {
      ++invisible[known->name];
    }
  }
  std::ranges::sort(ordered, {}, [](const auto& entry) { return entry.second->sequence; });
  for (const auto& [name, count] : invisible) {
    diagnostics_.Report(DiagnosticCode::kXfsIntentUnfinished, patched_.name(),
                        fmt::format("xfs: {} unfinished {} intents, which change nothing that is "
                                    "readable",
                                    count, name));
  }
  for (const auto& [key, intent] : ordered) {
    const Result<std::string> outcome = FinishIntent(key.first, ByteView(intent->description));
    if (!outcome && outcome.error().code == ErrorCode::kLimit) return outcome.error();
    diagnostics_.Report(
        DiagnosticCode::kXfsIntentUnfinished, patched_.name(),
        fmt::format("xfs: the {} intent at LSN {:#x}:{:#x} {}", Find(key.first)->name,
                    LsnCycle(intent->lsn), LsnBlock(intent->lsn),
                    outcome ? *outcome : "could not be finished: " + outcome.error().message));
  }
  pending_.clear();
  return {};
}

Result<std::string> LogIntents::FinishIntent(uint16_t type, ByteView description) {
  switch (type) {
    case kLiBui: return FinishBmap(description);
    case kLiAttri: {
      const auto format = EKSHUME_TRY(description.Read<AttriLogFormat>(0));
      return fmt::format(
          "was not finished: an extended attribute of inode {} is as it was before "
          "or in between",
          format.alfi_ino.value());
    }
    case kLiXmi: {
      const auto format = EKSHUME_TRY(description.Read<XmiLogFormat>(0));
      return fmt::format(
          "was not finished: inodes {} and {} have exchanged a part of their "
          "blocks only",
          format.xmi_inode1.value(), format.xmi_inode2.value());
    }
    default: return Fail(ErrorCode::kUnsupported, fmt::format("unknown type {:#06x}", type));
  }
}

}  // namespace ekshume::fs::xfs
