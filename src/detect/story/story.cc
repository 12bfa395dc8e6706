// SPDX-License-Identifier: Apache-2.0
#include "detect/story/story.h"

#include <algorithm>
#include <tuple>

#include "base/limits.h"
#include "detect/story/incident.h"
#include "detect/story/summary.h"

namespace ekshume::detect::story {

Story Tell(const std::vector<Finding>& findings, const Facts& facts) {
  Actors actors(facts);
  const Places places(facts, findings);
  const std::vector<Item> items = MakeItems(findings, facts, actors, places);
  Joined joined = Join(items, actors, places, facts);
  const Case input{items, actors, places, facts};

  // The gravest first; of those that are alike, the one with more findings.
  const auto weight = [&](const Group& group) {
    int worst = 0;
    for (const size_t i : group.items) {
      if (!items[i].condition) worst = std::max(worst, items[i].rank);
    }
    return std::pair(worst, group.items.size());
  };
  std::ranges::stable_sort(joined.groups, [&](const Group& left, const Group& right) {
    return weight(left) > weight(right);
  });

  Story story;
  if (joined.groups.size() > limits::kMaxIncidents) {
    story.incidents_left_out = joined.groups.size() - limits::kMaxIncidents;
    joined.groups.resize(limits::kMaxIncidents);
  }
  for (const Group& group : joined.groups) story.incidents.push_back(MakeIncident(input, group));
  std::ranges::stable_sort(story.incidents, [](const Incident& left, const Incident& right) {
    return left.verdict == "compromised" && right.verdict != "compromised";
  });
  story.to_confirm = MakeQuestions(input, joined.alone);
  if (story.to_confirm.size() > limits::kMaxIncidents) {
    story.to_confirm_left_out = story.to_confirm.size() - limits::kMaxIncidents;
    story.to_confirm.resize(limits::kMaxIncidents);
  }
  Conclude(story);
  return story;
}

}  // namespace ekshume::detect::story
