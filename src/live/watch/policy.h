// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "live/wire/json.h"

// What `ekshume watch` does about findings of GuardDuty: which of them start which acquisition.
namespace ekshume::live::watch {

// One rule of the policy file:
//   webhook: https://hooks.example.org/ir      (called after each acquisition; optional)
//   rules:
//     - type: "Execution:Kubernetes/*"         (a pattern with * and ?; default: every finding)
//       min_severity: 4                        (default 0)
//       acquire: pod                           (pod, node or snapshot)
//       arguments: ["--memory", "anonymous"]   (further ones of that verb)
struct Rule {
  std::string type = "*";
  double min_severity = 0;
  std::string acquire;
  std::vector<std::string> arguments;
};

struct Policy {
  std::string webhook;
  std::vector<Rule> rules;
};

// kInvalidArgument with the reason for a file that makes no sense, also for members of other names:
// a rule that is misspelt would do nothing. The limits of runtime/yaml.h.
Result<Policy> ReadPolicy(std::string_view text);

// Whether a text fits a pattern of * (anything) and ? (one character).
bool FitsPattern(std::string_view text, std::string_view pattern);

// What a finding is about, as far as it can be acquired.
struct FindingObject {
  std::string finding_id;
  std::string type;
  double severity = 0;
  bool archived = false;
  bool sample = false;
  std::string cluster;   // EKS
  std::string pod;       // "NAMESPACE/NAME", or ""
  std::string instance;  // "i-...", or ""
};
// Reads a finding as GetFindings gives it or EventBridge carries it (`detail`). Nothing when it has
// no id and type.
std::optional<FindingObject> ReadFinding(const wire::Json& finding);

// One acquisition that a rule asks for.
struct Task {
  std::string acquire;                 // "pod"
  std::string object;                  // "shop/web", "i-..."
  std::vector<std::string> arguments;  // of ekshume: acquire pod shop/web --memory anonymous
};
// The tasks for a finding, one for each rule that fits it and whose object it names. Archived
// findings and samples start nothing.
std::vector<Task> TasksFor(const Policy& policy, const FindingObject& finding);

}  // namespace ekshume::live::watch
