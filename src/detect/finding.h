// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

// What all detectors give: findings.
namespace ekshume::detect {

// What one rule or check found of one actor in one place. A text is empty where the events or files
// differ in it or do not say.
struct Finding {
  std::string id;        // the same on every run over the same evidence
  std::string detector;  // what kind of rule it is: "sigma", "yara", "indicator", "drift",
                         // "running"
  std::string rule;      // its id, or its title where it has none
  std::string title;
  std::string level;              // informational, low, medium, high, critical
  std::string rule_level;         // before other findings were considered
  std::vector<std::string> tags;  // as Sigma writes them: "attack.t1610", "attack.execution"
  std::optional<Timestamp> first;
  std::optional<Timestamp> last;
  uint64_t count = 0;  // events or files
  std::string actor, object, cluster, node, name_space, pod, container_id, path, source_ip;
  std::vector<std::string> events;  // the earliest limits::kMaxFindingEvents
  std::string explanation;
};

// 0 informational ... 4 critical; none for other words.
std::optional<int> LevelRank(std::string_view level);

// The id of a finding that these parts make the one it is.
std::string FindingId(std::initializer_list<std::string_view> parts);
// The same in steps: the parts with their lengths, so that no two lists give the same key, and the
// id of a key.
void AppendToKey(std::string& key, std::string_view part);
std::string IdOfKey(std::string_view key);

// The worst first, then in order of time.
void SortFindings(std::vector<Finding>& findings);

}  // namespace ekshume::detect
