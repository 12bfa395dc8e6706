// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/result.h"
#include "casefile/detection/detection.h"
#include "detect/sigma/load.h"

namespace ekshume::cli {

// What the verbs over rules share.
struct RulesOptions {
  std::vector<std::string> paths;
  std::vector<std::string> placeholders;  // NAME=VALUE
  std::string placeholder_file;
  std::vector<std::string> yara;
  std::vector<std::string> indicators;
};

void AddPlaceholderOptions(CLI::App& verb, RulesOptions& options);
void AddFileRuleOptions(CLI::App& verb, RulesOptions& options);

// Loads the rules with their placeholders. What is wrong with single rules is reported and is in
// the set.
Result<detect::sigma::RuleSet> LoadRules(const RulesOptions& options, DiagnosticSink& diagnostics);

// The folder of the rules that ship with ekshume, beside the program.
std::optional<std::string> ShippedRules();

// Loads the rules that ship with ekshume (`with_shipped`) and those given.
Result<casefile::DetectionRules> RulesToAsk(const RulesOptions& options, bool with_shipped,
                                            DiagnosticSink& diagnostics);

// A JSON array of texts.
std::string JsonList(const std::vector<std::string>& texts);

}  // namespace ekshume::cli
