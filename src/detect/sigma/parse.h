// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "detect/sigma/rule.h"

namespace ekshume::detect::sigma {

// Why a document was refused, or what of it can do nothing.
struct Problem {
  std::string file;
  size_t line = 0;   // 0: the file as a whole
  std::string rule;  // its title, where it has one
  std::string reason;
};

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
