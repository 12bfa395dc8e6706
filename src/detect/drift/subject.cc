// SPDX-License-Identifier: Apache-2.0
#include "detect/drift/subject.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/text.h"
#include "detect/drift/places.h"

namespace ekshume::detect::drift {
namespace {

constexpr size_t kMostNamed = 5;

void AddTags(std::string_view tags, Finding& finding) {
  for (const std::string_view tag : SplitNonEmpty(tags, ' ')) {
    if (std::ranges::find(finding.tags, tag) == finding.tags.end()) finding.tags.emplace_back(tag);
  }
}

std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

// The group as one finding: the first, with the folder for its path and the names of some.
Finding Folded(const std::vector<Finding>& group) {
  Finding folded = group.front();
  const std::string folder = FolderOf(folded.path);
  std::string names;
  for (size_t i = 0; i < group.size(); ++i) {
    const Finding& one = group[i];
    if (i < kMostNamed) names += (i == 0 ? "" : ", ") + std::string(FileName(one.path));
    if (one.first && (!folded.first || *one.first < *folded.first)) folded.first = one.first;
    if (one.last && (!folded.last || *folded.last < *one.last)) folded.last = one.last;
  }
  folded.count = group.size();
  folded.path = folder.size() > 1 ? folder.substr(0, folder.size() - 1) : folder;
  folded.explanation =
      fmt::format("{} files in {}: {}{}. The first of them: {}", group.size(), folded.path, names,
                  group.size() > kMostNamed ? ", ..." : "", folded.explanation);
  folded.id = FindingId({"drift", folded.rule, folded.node, folded.container_id, folder, "folded"});
  return folded;
}

}  // namespace

Finding MakeFinding(const Verdict& verdict, const Subject& subject, std::string path,
                    std::string what, std::string_view key) {
  Finding finding;
  const Rule& rule = *verdict.rule;
  finding.detector = "drift";
  finding.rule = rule.id;
  finding.title = rule.title;
  finding.level = verdict.level.empty() ? rule.level : verdict.level;
  AddTags(rule.tags, finding);
  for (const std::string_view tags : verdict.tags) AddTags(tags, finding);
  finding.count = 1;
  finding.cluster = subject.cluster;
  finding.node = subject.node;
  finding.name_space = subject.name_space;
  finding.pod = subject.pod;
  finding.container_id = subject.container_id;
  finding.id = FindingId({"drift", rule.id, subject.node, subject.container_id, path, key});
  finding.path = std::move(path);
  finding.explanation = std::move(what);
  if (!verdict.reasons.empty()) {
    finding.explanation += fmt::format(" What stands out: {}.", fmt::join(verdict.reasons, "; "));
  }
  finding.explanation += fmt::format(" {}", rule.about);
  return finding;
}

std::string_view Lower(std::string_view level) {
  if (level == "critical") return "high";
  if (level == "high") return "medium";
  return level == "medium" ? "low" : level;
}

std::vector<Finding> Fold(std::vector<Finding> findings, size_t most) {
  using Key = std::tuple<std::string, std::string, std::string, std::string>;
  std::map<Key, std::vector<Finding>> groups;
  for (Finding& finding : findings) {
    const Key key(finding.rule, finding.level, finding.container_id, FolderOf(finding.path));
    groups[key].push_back(std::move(finding));
  }
  std::vector<Finding> folded;
  for (auto& [key, group] : groups) {
    std::ranges::stable_sort(group, {}, &Finding::path);
    if (group.size() > most) {
      folded.push_back(Folded(group));
      continue;
    }
    for (Finding& finding : group) folded.push_back(std::move(finding));
  }
  SortFindings(folded);
  return folded;
}

}  // namespace ekshume::detect::drift
