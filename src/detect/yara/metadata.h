// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// What authors of YARA rules write into metadata, each in their own way.
namespace ekshume::detect::yara {

// The level that a `level` or `severity` names, or "".
std::string LevelOfWord(std::string_view word);
// That of a `score` from 0 to 100, as LOKI and THOR rate it.
std::string LevelOfScore(int64_t score);

// Adds the ATT&CK techniques (T1059.004), tactics (impact, defense-evasion) and finished tags
// (attack.t1496) that a text names, as Sigma writes them.
void AddAttackTags(std::string_view text, std::vector<std::string>& tags);

}  // namespace ekshume::detect::yara
