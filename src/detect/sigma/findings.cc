// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/findings.h"

namespace ekshume::detect::sigma {

void AddMatch(Findings& findings, const Head& rule, const std::vector<EventRef>& events) {
  const std::string& name = rule.id.empty() ? rule.title : rule.id;
  Finding* const finding = findings.Add({name}, events);
  if (finding == nullptr) return;
  finding->detector = "sigma";
  finding->rule = name;
  finding->title = rule.title;
  finding->level = finding->rule_level = rule.level;
  finding->tags = rule.tags;
  finding->explanation = rule.description;
}

}  // namespace ekshume::detect::sigma
