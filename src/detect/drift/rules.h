// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace ekshume::detect::drift {

// A built-in check, as findings name it.
struct Rule {
  std::string_view id;  // "drift.setuid_added"
  std::string_view title;
  std::string_view level;  // as a rule; what else is known of a file raises or lowers it
  std::string_view tags;   // with spaces between: "attack.privilege-escalation attack.t1548.001"
  std::string_view about;  // a sentence on why it matters
};

// The one of `rules` with that id, which must be there.
const Rule& RuleIn(std::span<const Rule> rules, std::string_view id);

// All checks, in the order of docs/detect.md.
std::span<const Rule> Rules();

// The check with that id, which must be one of ours.
const Rule& RuleOf(std::string_view id);

}  // namespace ekshume::detect::drift
