// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

// MITRE ATT&CK's tactics and techniques as Sigma's tags name them.
namespace ekshume::detect::story {

struct TacticName {
  std::string_view name;  // "privilege-escalation"
  std::string_view id;    // "TA0004"
};

// Those of ATT&CK for Enterprise, in the order of its matrix.
std::span<const TacticName> AllTactics();

// "attack.privilege-escalation" or "attack.privilege_escalation" -> "privilege-escalation"; in the
// order of the matrix, each once.
std::vector<std::string> TacticsOf(const std::vector<std::string>& tags);

// "attack.t1098.006" -> "T1098.006"; sorted, each once.
std::vector<std::string> TechniquesOf(const std::vector<std::string>& tags);

}  // namespace ekshume::detect::story
