// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "detect/sigma/engine.h"
#include "detect/sigma/load.h"

namespace ekshume::detect::sigma {

// A rule of the log source `source` with this detection; each line is put below `detection:`.
inline std::string RuleText(std::string_view source, std::string_view detection,
                            std::string_view title = "a rule") {
  std::string text =
      "title: " + std::string(title) + "\nlogsource: {" + std::string(source) + "}\ndetection:\n";
  size_t at = 0;
  while (at < detection.size()) {
    const size_t end = std::min(detection.find('\n', at), detection.size());
    text += "    " + std::string(detection.substr(at, end - at)) + "\n";
    at = end + 1;
  }
  return text;
}

// An engine over the rules of a text, with what was wrong with them.
struct TestEngine {
  explicit TestEngine(std::string_view yaml, const Placeholders& placeholders = {}) {
    std::vector<RuleFile> files;
    files.push_back(ParseRules(yaml, "rules.yml", placeholders));
    set = JoinRules(std::move(files));
    doubtful = set.doubtful;
    engine = Engine::Make(set.rules, doubtful);
  }

  // Titles of the rules that match, with commas. By both ways, which must agree.
  std::string Match(const event::Event& event, std::string_view raw) const {
    Engine::Session session(*engine);
    const std::vector<uint32_t> plainly = session.MatchPlainly({event, raw});
    const std::vector<uint32_t> matched = session.Match({event, raw});
    if (plainly != matched) return "the prefilter loses matches";
    std::string titles;
    for (const uint32_t rule : matched) {
      titles += (titles.empty() ? "" : ",") + engine->rules()[rule].head.title;
    }
    return titles;
  }
  std::string Match(std::string_view source, std::string_view raw) const {
    event::Event event;
    event[event::Text::kSource] = source;
    return Match(event, raw);
  }
  std::string refused() const {
    std::string text;
    for (const Problem& problem : set.refused) {
      text += problem.file + ":" + std::to_string(problem.line) + ": " + problem.reason + "\n";
    }
    return text;
  }

  RuleSet set;
  std::vector<Problem> doubtful;
  std::unique_ptr<Engine> engine;
};

}  // namespace ekshume::detect::sigma
