// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "detect/sigma/rule.h"

namespace ekshume::detect::sigma {

// A parsed condition: nodes whose kSearch leaves index `names`.
struct Condition {
  std::vector<ConditionNode> nodes;
  uint32_t root = 0;
};

// Parses a condition over the search identifiers `names` (specification 2.1, "Condition"): `or`,
// `and`, `not`, `N of pattern`, `all of pattern`, `them`, parentheses, in that order of strength.
// kInvalidArgument with the place in words; kUnsupported for the aggregations of old
// (`| count() by`, `| near`); kLimit (kMaxRuleDepth).
Result<Condition> ParseCondition(std::string_view text, const std::vector<std::string>& names);

}  // namespace ekshume::detect::sigma
