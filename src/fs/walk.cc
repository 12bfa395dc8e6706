// SPDX-License-Identifier: Apache-2.0
#include "fs/walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "fs/path.h"

namespace ekshume::fs {
namespace {

// The entries of one directory by name. The names lie in one string: an allocation for each would
// be a good part of what a walk costs.
class Entries {
 public:
  struct Entry {
    size_t name_offset;
    size_t name_length;
    NodeId node;
    NodeType type;
  };

  static Result<Entries> Read(const Filesystem& filesystem, NodeId directory) {
    Entries entries;
    EKSHUME_TRY(filesystem.ReadDirectory(directory, [&](DirectoryEntry&& entry) {
      entries.entries_.emplace_back(entries.names_.size(), entry.name.size(), entry.node,
                                    entry.type);
      entries.names_ += entry.name;
      return true;
    }));
    const auto by_name = [&](const Entry& a, const Entry& b) {
      return entries.Name(a) < entries.Name(b);
    };
    // Often they lie in the order in which they were made, which often is that of their names.
    if (!std::ranges::is_sorted(entries.entries_, by_name)) {
      std::ranges::stable_sort(entries.entries_, by_name);
    }
    return entries;
  }

  // The next in order, or null at the end.
  const Entry* Next() { return next_ == entries_.size() ? nullptr : &entries_[next_++]; }
  std::string_view Name(const Entry& entry) const {
    return std::string_view(names_).substr(entry.name_offset, entry.name_length);
  }

 private:
  std::string names_;
  std::vector<Entry> entries_;
  size_t next_ = 0;
};

// A directory whose entries are being visited.
struct Level {
  Entries entries;
  size_t path_length;  // of the directory's own path
};

}  // namespace

Result<void> Walk(const Filesystem& filesystem, NodeId start, DiagnosticSink& diagnostics,
                  const std::function<WalkStep(const WalkItem&)>& visit, Progress* progress,
                  WalkStat wanted) {
  const auto report = [&](DiagnosticCode code, const std::string& path, std::string detail) {
    diagnostics.Report(code, "/" + path, std::move(detail));
  };
  WalkItem item{"", start, EKSHUME_TRY(filesystem.GetStat(start))};
  std::vector<Level> levels;
  // Told to `progress` once for each directory: to count where all threads look takes its time.
  uint64_t uncounted = 0;
  std::unordered_set<uint64_t> entered;  // all directories ever entered

  // Pushes the directory `item` unless it is an ancestor of itself, was entered by another name
  // (directories have one name; a second one is damage), or lies too deep.
  const auto enter = [&] {
    const auto id = static_cast<uint64_t>(item.node);
    if (!entered.insert(id).second) {
      report(DiagnosticCode::kFilesystemLoop, item.path, fmt::format("node {} again", id));
      return;
    }
    if (levels.size() >= static_cast<size_t>(limits::kMaxDirectoryDepth)) {
      report(DiagnosticCode::kFilesystemLimit, item.path, "kMaxDirectoryDepth");
      return;
    }
    auto entries = Entries::Read(filesystem, item.node);
    if (!entries) {
      report(DiagnosticCode::kFilesystemNodeUnreadable, item.path, entries.error().message);
      return;
    }
    levels.push_back({*std::move(entries), item.path.size()});
  };

  WalkStep step = visit(item);
  if (step == WalkStep::kStop) return {};
  if (item.stat.type == NodeType::kDirectory && step == WalkStep::kContinue) enter();
  while (!levels.empty()) {
    if (progress != nullptr && progress->cancelled()) {
      return Fail(ErrorCode::kCancelled, "stopped");
    }
    Level& level = levels.back();
    const Entries::Entry* entry = level.entries.Next();
    if (entry == nullptr) {
      if (progress != nullptr) progress->AddItems(std::exchange(uncounted, 0));
      levels.pop_back();
      continue;
    }
    item.path.resize(level.path_length);
    if (!item.path.empty()) item.path.push_back('/');
    item.path += level.entries.Name(*entry);
    item.node = entry->node;
    const bool type_is_enough = wanted == WalkStat::kDirectories &&
                                entry->type != NodeType::kUnknown &&
                                entry->type != NodeType::kDirectory;
    if (type_is_enough) {
      item.stat = Stat{};
      item.stat.type = entry->type;
    } else {
      auto stat = filesystem.GetStat(entry->node);
      if (!stat) {
        report(DiagnosticCode::kFilesystemNodeUnreadable, item.path, stat.error().message);
        continue;
      }
      item.stat = *std::move(stat);
    }
    ++uncounted;
    step = visit(item);
    if (step == WalkStep::kStop) return {};
    if (item.stat.type == NodeType::kDirectory && step == WalkStep::kContinue) enter();
  }
  return {};
}

}  // namespace ekshume::fs
