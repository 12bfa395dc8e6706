// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "detect/problem.h"
#include "detect/sigma/rule.h"

namespace ekshume::detect::sigma {

// What a file of rules holds.
struct RuleFile {
  std::vector<Rule> rules;
  std::vector<Correlation> correlations;
  std::vector<Filter> filters;
  std::vector<Problem> refused;   // documents that could not be loaded, each once
  std::vector<Problem> doubtful;  // loaded, but
};

// Parses the YAML documents of a file. A document that makes no sense is refused and the others are
// taken; a file that is no YAML, or reaches kMaxRuleFileBytes, kMaxRuleNodes or kMaxRuleDepth, is
// refused whole. `file` is only for problems and heads.
RuleFile ParseRules(std::string_view yaml, const std::string& file,
                    const Placeholders& placeholders);

}  // namespace ekshume::detect::sigma
