// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "detect/sigma/parse.h"

namespace ekshume::detect::sigma {

// The rules of some files, as they work together.
struct RuleSet {
  size_t files = 0;
  size_t documents = 0;  // loaded and refused ones
  std::vector<Rule> rules;
  std::vector<Correlation> correlations;
  size_t filters = 0;  // those that were applied
  std::vector<Problem> refused;
  std::vector<Problem> doubtful;

  size_t loaded() const { return rules.size() + correlations.size() + filters; }
};

// Loads the rules of files and of all .yml and .yaml files below folders, in order of their paths,
// on several threads. kNotFound or kIo when a path cannot be read, or holds no rules file. What is
// wrong with a rule is in RuleSet::refused: an id that occurs twice, a correlation or filter of
// rules that are not there, or that leads back to itself, among it.
Result<RuleSet> LoadRules(const std::vector<std::string>& paths, const Placeholders& placeholders);

// The same of files that have been parsed.
RuleSet JoinRules(std::vector<RuleFile> files);

// Placeholders from YAML: a map of names to values or lists of values.
Result<Placeholders> ParsePlaceholders(std::string_view yaml);

}  // namespace ekshume::detect::sigma
