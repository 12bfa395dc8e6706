// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "artifact/format.h"
#include "fs/path.h"
#include "runtime/memory_tree.h"

// What the tests of all artifacts share.
namespace ekshume::artifact::testing {

using event::Event;
using event::Number;
using event::Text;

// A tree in memory whose nodes have owners and times.
class Tree : public runtime::MemoryTree {
 public:
  // A file with `change` made to what stat(2) shows of it.
  void AddFileAs(std::string_view path, std::string content,
                 const std::function<void(fs::Stat&)>& change) {
    AddFile(path, std::move(content));
    ChangeStat(path, change);
  }
  void AddFileAt(std::string_view path, std::string content, int64_t modified_seconds) {
    AddFileAs(path, std::move(content),
              [=](fs::Stat& stat) { stat.modified = {modified_seconds, 0}; });
  }
  void ChangeStat(std::string_view path, const std::function<void(fs::Stat&)>& change) {
    changes_[*fs::ResolvePath(*this, path, fs::FollowLast::kNo)].push_back(change);
  }
  void AddDeleted(std::string_view path, std::string how) {
    deleted_.push_back({*fs::ResolvePath(*this, path, fs::FollowLast::kNo), std::move(how)});
  }

  Result<fs::Stat> GetStat(fs::NodeId node) const override {
    fs::Stat stat = EKSHUME_TRY(MemoryTree::GetStat(node));
    const auto found = changes_.find(node);
    if (found == changes_.end()) return stat;
    for (const auto& change : found->second) change(stat);
    return stat;
  }
  std::vector<fs::DeletedNode> Deleted() const override { return deleted_; }

 private:
  std::map<fs::NodeId, std::vector<std::function<void(fs::Stat&)>>> changes_;
  std::vector<fs::DeletedNode> deleted_;
};

struct Row {
  Event event;
  std::string path;
  uint64_t offset = 0;
};

// What an artifact handed over.
struct Collected : Output {
  void Add(const Event& event, std::string_view path, uint64_t offset) override {
    rows.push_back({event, std::string(path), offset});
  }
  std::vector<std::string> Column(Text column) const {
    std::vector<std::string> values;
    for (const Row& row : rows) values.push_back(row.event[column]);
    return values;
  }

  std::vector<Row> rows;
  DiagnosticSink diagnostics;
};

inline View HostView(const fs::Filesystem& tree) {
  View view;
  view.filesystem = &tree;
  view.evidence = "disk.img";
  return view;
}

// A container whose changed paths are these; they must outlive it.
inline View ContainerView(const fs::Filesystem& tree, const ChangedPaths& changed) {
  View view = HostView(tree);
  view.is_container = true;
  view.changed = &changed;
  return view;
}

inline void Read(const Format& format, const View& view, Collected& collected) {
  format.Read(view, collected, collected.diagnostics);
}

// A format reads the file at `path` with every length of the content and with every byte of it
// changed in three ways; under the sanitizers this must simply not fail, and places lie inside.
inline void ReadEveryDamage(const Format& format, std::string_view path, std::string_view content) {
  Tree tree;
  tree.AddFile(path, "");
  const auto try_one = [&](std::string_view damaged) {
    tree.Content(path) = damaged;
    Collected collected;
    Read(format, HostView(tree), collected);
    for (const Row& row : collected.rows) ASSERT_LE(row.offset, damaged.size());
  };
  for (size_t length = 0; length < content.size(); ++length) try_one(content.substr(0, length));
  std::string copy(content);
  for (size_t i = 0; i < copy.size(); ++i) {
    for (const char flip : {'\x01', '\x80', '\x7f'}) {
      copy[i] = static_cast<char>(content[i] ^ flip);
      try_one(copy);
    }
    copy[i] = content[i];
  }
}

}  // namespace ekshume::artifact::testing
