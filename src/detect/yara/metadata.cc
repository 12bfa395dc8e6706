// SPDX-License-Identifier: Apache-2.0
#include "detect/yara/metadata.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace ekshume::detect::yara {
namespace {

constexpr std::array<std::string_view, 14> kTactics = {"reconnaissance",  "resource-development",
                                                       "initial-access",  "execution",
                                                       "persistence",     "privilege-escalation",
                                                       "defense-evasion", "credential-access",
                                                       "discovery",       "lateral-movement",
                                                       "collection",      "command-and-control",
                                                       "exfiltration",    "impact"};

bool IsWord(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || c == '.' || c == '-'; }

// t1496, t1059.004
bool IsTechnique(std::string_view word) {
  if (word.size() != 5 && word.size() != 9) return false;
  for (size_t i = 0; i < word.size(); ++i) {
    const bool fits = i == 0 ? word[i] == 't' : i == 5 ? word[i] == '.' : IsDigit(word[i]);
    if (!fits) return false;
  }
  return true;
}

}  // namespace

std::string LevelOfWord(std::string_view word) {
  std::string lower = AsciiLower(word);
  for (const std::string_view level : {"informational", "low", "medium", "high", "critical"}) {
    if (lower == level) return lower;
  }
  return lower == "info" ? "informational" : "";
}

std::string LevelOfScore(int64_t score) {
  if (score > 80) return "high";
  if (score >= 60) return "medium";
  return score >= 40 ? "low" : "informational";
}

void AddAttackTags(std::string_view text, std::vector<std::string>& tags) {
  std::string lower = AsciiLower(text);
  // A tag cannot hold a dot or a hyphen: T1059_004, defense_evasion.
  std::ranges::replace(lower, '_', '-');
  for (size_t at = 0; at < lower.size();) {
    if (!IsWord(lower[at])) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < lower.size() && IsWord(lower[end])) ++end;
    std::string word = lower.substr(at, end - at);
    at = end;
    if (word.starts_with("attack.")) word.erase(0, 7);
    if (word.size() == 9 && word[5] == '-') word[5] = '.';
    while (!word.empty() && (word.back() == '.' || word.back() == '-')) word.pop_back();
    if (IsTechnique(word) || std::ranges::find(kTactics, word) != kTactics.end()) {
      tags.push_back("attack." + word);
    }
  }
}

}  // namespace ekshume::detect::yara
