// SPDX-License-Identifier: Apache-2.0
#include "cli/verdict_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <tuple>

#include "base/short_time.h"
#include "base/text.h"
#include "casefile/detection/coverage_facts.h"
#include "cli/objects.h"

namespace ekshume::cli {
namespace {

using casefile::Json;

// Of each list on the page; report.json and `ekshume report` have the rest.
constexpr size_t kMaxIncidents = 5;
constexpr size_t kMaxActs = 12;
constexpr size_t kMaxSteps = 20;
constexpr size_t kMaxNames = 8;
constexpr size_t kMaxQuestions = 8;
constexpr size_t kMaxSentence = 220;
constexpr size_t kWidth = 96;

std::string Cut(std::string text, size_t limit) {
  if (text.size() <= limit) return text;
  size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
  return text + "...";
}

class Page {
 public:
  Page(const Json& report, std::string case_name)
      : report_(report), case_name_(std::move(case_name)) {}

  std::string Write() {
    const Json& verdict = report_["verdict"];
    std::string word = Safe(verdict, "word");
    std::ranges::transform(word, word.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    Line("VERDICT: {}{}", word,
         Safe(verdict, "word") == "nothing found"
             ? std::string()
             : fmt::format(" ({} confidence)", Safe(verdict, "confidence")));
    Wrap(Safe(verdict, "summary"), "  ");
    size_t shown = 0;
    for (const Json& incident : report_["incidents"]) {
      if (++shown > kMaxIncidents) break;
      Incident(incident, shown);
    }
    if (report_["incidents"].size() > kMaxIncidents) {
      Line("\n  ... and {} more incidents in report.json",
           report_["incidents"].size() - kMaxIncidents);
    }
    Questions();
    Coverage();
    Line("\n  The whole story: ekshume report {} --to html --output report.html", case_name_);
    return std::move(out_);
  }

 private:
  template <typename... Args>
  void Line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_.push_back('\n');
  }

  // Breaks between words; a word that is longer than a line stays whole, so that it can be copied.
  void Wrap(const std::string& text, const std::string& indent) {
    std::string line = indent;
    for (const std::string_view word : SplitNonEmpty(text, ' ')) {
      if (line.size() > indent.size() && line.size() + 1 + word.size() > kWidth) {
        Line("{}", line);
        line = indent;
      }
      if (line.size() > indent.size()) line += ' ';
      line += word;
    }
    if (line.size() > indent.size()) Line("{}", line);
  }

  void Incident(const Json& incident, size_t number) {
    Line("\nINCIDENT {}: {}", number, Safe(incident, "title"));
    Line("  {}, {} confidence, {} findings, worst {}, {} to {}", Safe(incident, "verdict"),
         Safe(incident, "confidence"), incident["findings"].size(), Safe(incident, "level"),
         ShortTime(Safe(incident, "first")), ShortTime(Safe(incident, "last")));
    std::string reasons;
    for (const Json& reason : incident["reasons"]) {
      reasons += (reasons.empty() ? "" : "; ") + EscapeForTerminal(reason.get<std::string>());
    }
    Wrap("why: " + reasons, "  ");
    // The case's own summary is the first incident's.
    if (number > 1) Wrap(Safe(incident, "summary"), "  ");
    Line("  How it began");
    Wrap(Safe(incident, "entry.sentence"), "    ");
    Acts(incident);
    Actors(incident);
    Things(incident, "persistence", "Left behind");
    Steps(incident);
  }

  void Acts(const Json& incident) {
    Line("  What was done");
    // The gravest of each place, in order of time.
    struct Candidate {
      size_t index;
      int rank;
      size_t nth;  // of its place
    };
    std::vector<Candidate> candidates;
    std::map<std::string, size_t> seen;
    for (size_t i = 0; i < incident["acts"].size(); ++i) {
      const Json& act = incident["acts"][i];
      const int rank = Rank(act);
      candidates.push_back({i, rank, seen[fmt::format("{} {}", rank, Member(act, "place"))]++});
    }
    std::ranges::stable_sort(candidates, [](const Candidate& left, const Candidate& right) {
      return std::tuple(-left.rank, left.nth) < std::tuple(-right.rank, right.nth);
    });
    if (candidates.size() > kMaxActs) candidates.resize(kMaxActs);
    std::ranges::sort(candidates, {}, &Candidate::index);
    std::vector<const Json*> chosen;
    for (const Candidate& candidate : candidates) {
      chosen.push_back(&incident["acts"][candidate.index]);
    }
    for (const Json* act : chosen) {
      Line("    {:<19}  {:<8} {}", ShortTime(Safe(*act, "time")), Safe(*act, "level"),
           Cut(Safe(*act, "sentence"), kMaxSentence));
    }
    const uint64_t others =
        incident["acts"].size() - chosen.size() + incident["acts_left_out"].get<uint64_t>();
    if (others > 0) Line("    ... and {} other acts", others);
  }
  static int Rank(const Json& act) {
    const std::string level = Member(act, "level");
    return level == "critical" ? 4 : level == "high" ? 3 : level == "medium" ? 2 : level == "low";
  }

  void Actors(const Json& incident) {
    size_t shown = 0;
    for (const Json& actor : incident["actors"]) {
      if (shown++ == 0) Line("  Who");
      if (shown > kMaxNames) break;
      std::string names;
      size_t count = 0;
      for (const Json& name : actor["names"]) {
        if (++count > kMaxNames) break;
        names += (names.empty() ? "" : ", ") + Safe(name, "value");
      }
      std::string addresses;
      count = 0;
      for (const Json& address : actor["addresses"]) {
        if (++count > kMaxNames) break;
        addresses +=
            (addresses.empty() ? " from " : ", ") + EscapeForTerminal(address.get<std::string>());
      }
      Line("    {:<5} {} {}: {}{}", Safe(actor, "role"), Safe(actor, "kind"), Safe(actor, "name"),
           names, addresses);
    }
  }

  void Things(const Json& incident, const char* member, const char* title) {
    size_t shown = 0;
    for (const Json& thing : incident[member]) {
      if (shown++ == 0) Line("  {}", title);
      if (shown > kMaxNames) break;
      const std::string where = Safe(thing, "where");
      Line("    {} {}{}", Safe(thing, "kind"), Safe(thing, "name"),
           where.empty() ? "" : " (" + where + ")");
    }
    if (shown > kMaxNames) Line("    ... and {} more", incident[member].size() - kMaxNames);
  }

  void Steps(const Json& incident) {
    Line("  What now, in this order");
    // One line for what is to be done to several.
    std::vector<std::pair<std::string, std::string>> lines;  // what, of which
    for (const Json& step : incident["next_steps"]) {
      const std::string what = Safe(step, "phase") + ": " + Safe(step, "action");
      if (lines.empty() || lines.back().first != what) {
        lines.emplace_back(what, Safe(step, "target"));
      } else {
        lines.back().second += ", " + Safe(step, "target");
      }
    }
    for (size_t i = 0; i < lines.size() && i < kMaxSteps; ++i) {
      Line("    {:>2}. {}", i + 1, lines[i].first);
      Wrap(lines[i].second, "          ");
    }
    if (lines.size() > kMaxSteps) Line("    ... and {} more steps", lines.size() - kMaxSteps);
  }

  void Questions() {
    const Json& questions = report_["to_confirm"];
    if (questions.empty()) return;
    Line("\nTO BE CONFIRMED (no incident by itself)");
    size_t shown = 0;
    for (const Json& question : questions) {
      if (shown++ == kMaxQuestions) break;
      Line("  {:<8} {}: {}", Safe(question, "level"), Cut(Safe(question, "sentence"), kMaxSentence),
           Safe(question, "why"));
    }
    if (questions.size() > kMaxQuestions)
      Line("  ... and {} more", questions.size() - kMaxQuestions);
  }

  void Coverage() {
    std::vector<std::string> lines;
    if (report_.contains("coverage") && report_["coverage"].is_object()) {
      lines = casefile::CoverageLines(report_["coverage"]);
    }
    if (report_.contains("cannot_show")) {
      for (const Json& gap : report_["cannot_show"]) {
        if (gap["lost"] == true) lines.push_back(Member(gap, "path") + " " + Member(gap, "reason"));
      }
    }
    if (lines.empty()) return;
    Line("\nWHAT THE EVIDENCE COULD SHOW");
    for (const std::string& line : lines) Wrap(EscapeForTerminal(line), "  ");
  }

  const Json& report_;
  const std::string case_name_;
  std::string out_;
};

}  // namespace

std::string VerdictPage(const Json& report, const std::string& case_name) {
  if (!report.contains("verdict") || !report["verdict"].is_object()) return {};
  return Page(report, case_name).Write();
}

}  // namespace ekshume::cli
