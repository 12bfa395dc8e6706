// SPDX-License-Identifier: Apache-2.0
#include "detect/story/tactics.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace ekshume::detect::story {
namespace {

constexpr std::array<TacticName, 14> kTactics = {{{"reconnaissance", "TA0043"},
                                                  {"resource-development", "TA0042"},
                                                  {"initial-access", "TA0001"},
                                                  {"execution", "TA0002"},
                                                  {"persistence", "TA0003"},
                                                  {"privilege-escalation", "TA0004"},
                                                  {"defense-evasion", "TA0005"},
                                                  {"credential-access", "TA0006"},
                                                  {"discovery", "TA0007"},
                                                  {"lateral-movement", "TA0008"},
                                                  {"collection", "TA0009"},
                                                  {"command-and-control", "TA0011"},
                                                  {"exfiltration", "TA0010"},
                                                  {"impact", "TA0040"}}};

// What follows "attack.", in lower case and with hyphens; "" for other tags.
std::string AttackTag(std::string_view tag) {
  constexpr std::string_view kPrefix = "attack.";
  if (!tag.starts_with(kPrefix)) return {};
  std::string rest(tag.substr(kPrefix.size()));
  for (char& c : rest) {
    c = c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return rest;
}

}  // namespace

std::span<const TacticName> AllTactics() { return kTactics; }

std::vector<std::string> TacticsOf(const std::vector<std::string>& tags) {
  std::vector<std::string> found;
  for (const TacticName& tactic : kTactics) {
    if (std::ranges::any_of(
            tags, [&](const std::string& tag) { return AttackTag(tag) == tactic.name; })) {
      found.emplace_back(tactic.name);
    }
  }
  return found;
}

std::vector<std::string> TechniquesOf(const std::vector<std::string>& tags) {
  std::vector<std::string> found;
  for (const std::string& tag : tags) {
    std::string name = AttackTag(tag);
    if (name.size() < 5 || name[0] != 't' || name[1] < '0' || name[1] > '9') continue;
    name[0] = 'T';
    found.push_back(std::move(name));
  }
  std::ranges::sort(found);
  const auto repeated = std::ranges::unique(found);
  found.erase(repeated.begin(), repeated.end());
  return found;
}

}  // namespace ekshume::detect::story
