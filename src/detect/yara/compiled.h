// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <yara.h>

#include <memory>
#include <mutex>
#include <vector>

#include "detect/yara/rules.h"

// What Rules and Scanner share: libyara's own types.
namespace ekshume::detect::yara {

struct CompiledDelete {
  void operator()(YR_RULES* rules) const { yr_rules_destroy(rules); }
};
using Compiled = std::unique_ptr<YR_RULES, CompiledDelete>;

// Compiles files into one set; null when one of them does not compile. `problems` gets why,
// `doubtful` what the compiler warns of.
Compiled CompileSources(const std::vector<const Source*>& sources, std::vector<Problem>& problems,
                        std::vector<Problem>& doubtful);

struct Rules::State {
  std::vector<Source> sources;  // those that compile
  Compiled all;                 // of all sources; null when there are none
  size_t rule_count = 0;
  std::vector<Problem> refused;
  std::vector<Problem> doubtful;

  // Each source as a set of its own, for a file on which `all` cannot be finished: one rule that
  // fails there then costs only its own file's rules. Compiled when first needed; any thread.
  const std::vector<Compiled>& Single() const;

 private:
  mutable std::once_flag once_;
  mutable std::vector<Compiled> single_;
};

}  // namespace ekshume::detect::yara
