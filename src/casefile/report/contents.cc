// SPDX-License-Identifier: Apache-2.0
#include "casefile/report/contents.h"

#include <fmt/format.h>

#include <map>

#include "base/short_time.h"
#include "casefile/report/incident.h"
#include "casefile/report/members.h"
#include "detect/story/tactics.h"

namespace ekshume::casefile::report {
namespace {

// What a report for people holds of long lists; report.json has all.
constexpr size_t kMaxIncidents = 20;
constexpr size_t kMaxFindings = 2000;
constexpr size_t kMaxDiagnostics = 200;
constexpr size_t kMaxCustody = 500;
constexpr size_t kMaxTechniques = 400;
constexpr size_t kShownEvents = 3;  // ids of one finding

class Maker {
 public:
  Maker(const Json& report, const std::vector<std::string>& custody)
      : report_(report), custody_(custody) {}

  Document Make(const std::string& case_name) {
    document_.title = "Report of case " + case_name;
    document_.Paragraph(
        "Made by ekshume " + Text(report_, "version") +
        " from the case's report.json. All times are UTC. Letters and digits behind a "
        "sentence are the first of the ids of findings, which stand in full below.");
    Verdict();
    size_t number = 0;
    for (const Json& incident : List(report_, "incidents")) {
      if (++number > kMaxIncidents) break;
      AddIncident(incident, number, document_);
    }
    More(document_, List(report_, "incidents").size(), kMaxIncidents, "incidents");
    Questions();
    Attack();
    Findings();
    Coverage();
    Node();
    Evidence();
    Custody();
    Diagnostics();
    return std::move(document_);
  }

 private:
  void Verdict() {
    document_.Heading(1, "Verdict");
    const Json& verdict = Part(report_, "verdict");
    const std::string word = Text(verdict, "word");
    if (word.empty()) {
      document_.Paragraph("The case has no verdict yet: investigate it again.");
      return;
    }
    const std::string confidence = Text(verdict, "confidence");
    document_.Emphasis(Capital(word) + (word == "nothing found" || confidence.empty()
                                            ? std::string()
                                            : " (" + confidence + " confidence)"));
    document_.Paragraph(Text(verdict, "summary"));
  }

  void Questions() {
    const Json& questions = List(report_, "to_confirm");
    if (questions.empty()) return;
    document_.Heading(1, "To be confirmed");
    document_.Paragraph(
        "These findings are no incident by themselves. Somebody must say whether they "
        "were meant.");
    Table table;
    table.titles = {"level", "what", "why it is no incident", "first", "findings"};
    table.widths = {10, 40, 24, 14, 12};
    for (const Json& question : questions) {
      if (table.rows.size() >= kMaxNamed) break;
      table.rows.push_back({"",
                            {{Text(question, "level"), {}},
                             {Cut(Text(question, "sentence")), {}},
                             {Text(question, "why"), {}},
                             {ShortTime(Text(question, "first")), {}},
                             {"", Strings(question, "findings")}}});
    }
    document_.Add(std::move(table));
    More(document_, questions.size(), kMaxNamed, "questions");
  }

  // Of all findings, in the order of the matrix.
  void Attack() {
    std::map<std::string, size_t> tactics;
    std::map<std::string, std::map<std::string, size_t>> techniques;
    for (const Json& finding : List(report_, "findings")) {
      const std::vector<std::string> tags = Strings(finding, "tags");
      for (const std::string& tactic : detect::story::TacticsOf(tags)) {
        ++tactics[tactic];
        for (const std::string& technique : detect::story::TechniquesOf(tags)) {
          ++techniques[tactic][technique];
        }
      }
    }
    Table table;
    table.titles = {"tactic", "id", "findings", "techniques (findings)"};
    table.widths = {22, 10, 10, 58};
    for (const detect::story::TacticName& known : detect::story::AllTactics()) {
      const auto found = tactics.find(std::string(known.name));
      if (found == tactics.end()) continue;
      std::vector<std::string> named;
      for (const auto& [technique, count] : techniques[found->first]) {
        named.push_back(fmt::format("{} ({})", technique, count));
      }
      table.rows.push_back({"",
                            {{std::string(known.name), {}},
                             {std::string(known.id), {}},
                             {std::to_string(found->second), {}},
                             {Joined(named), {}}}});
    }
    if (table.rows.empty()) return;
    document_.Heading(1, "MITRE ATT&CK, all findings");
    document_.Add(std::move(table));
  }

  void Findings() {
    const Json& findings = List(report_, "findings");
    document_.Heading(1, fmt::format("Findings ({})", findings.size()));
    if (findings.empty()) {
      document_.Paragraph("None.");
      return;
    }
    Table table;
    table.titles = {"level", "finding", "who and where", "first to last", "evidence"};
    table.widths = {9, 26, 21, 14, 30};
    for (const Json& finding : findings) {
      if (table.rows.size() >= kMaxFindings) break;
      std::vector<std::string> where;
      if (const std::string actor = Text(finding, "actor"); !actor.empty()) where.push_back(actor);
      if (const std::string pod = Text(finding, "pod"); !pod.empty()) {
        where.push_back("pod " + Text(finding, "namespace") + "/" + pod);
      }
      if (const std::string id = Text(finding, "container_id"); !id.empty()) {
        where.push_back("container " + id.substr(0, 12));
      }
      if (const std::string node = Text(finding, "node"); !node.empty()) {
        where.push_back("node " + node);
      }
      if (const std::string address = Text(finding, "source_ip"); !address.empty()) {
        where.push_back("from " + address);
      }
      std::string evidence = Cut(Text(finding, "explanation"));
      if (const std::string path = Text(finding, "path"); !path.empty()) {
        evidence += " Path: " + path + ".";
      }
      if (const std::string hash = Text(finding, "sha256"); !hash.empty()) {
        evidence += " SHA-256: " + hash + ".";
      }
      const size_t events = List(finding, "events").size();
      if (events > 0) {
        evidence += " Events: " + Joined(Strings(finding, "events", kShownEvents));
        if (events > kShownEvents) evidence += fmt::format(" and {} more", events - kShownEvents);
        evidence += ".";
      }
      const std::string id = Text(finding, "id");
      std::string title = Text(finding, "title") + " [" + Text(finding, "detector") + " " +
                          Text(finding, "rule") + "] id " + id;
      std::string time = ShortTime(Text(finding, "first"));
      if (const std::string last = ShortTime(Text(finding, "last")); last != time) {
        time += " to " + last;
      }
      if (const std::string count = Text(finding, "count"); count != "1" && !count.empty()) {
        time += ", " + count + " times";
      }
      table.rows.push_back({id,
                            {{Text(finding, "level"), {}},
                             {title, {}},
                             {Joined(where), {}},
                             {time, {}},
                             {evidence, {}}}});
    }
    document_.Add(std::move(table));
    More(document_, findings.size(), kMaxFindings, "findings");
  }

  void Coverage() {
    document_.Heading(1, "What the evidence could show, and what not");
    std::vector<std::string> lines = CoverageOf(report_);
    for (const Json& gap : List(report_, "cannot_show")) {
      if (lines.size() >= kMaxNamed) break;
      lines.push_back(Text(gap, "path") + " " + Text(gap, "reason") +
                      (Text(gap, "lost") == "true" ? " (it may exist elsewhere)" : ""));
    }
    document_.List(std::move(lines));
    const Json& coverage = Part(report_, "coverage");
    Table table;
    table.titles = {"technique", "name", "could be seen", "why"};
    table.widths = {12, 28, 14, 46};
    const Json& techniques = List(coverage, "techniques");
    for (const Json& technique : techniques) {
      if (table.rows.size() >= kMaxTechniques) break;
      table.rows.push_back({"",
                            {{Text(technique, "id"), {}},
                             {Text(technique, "name"), {}},
                             {Text(technique, "verdict"), {}},
                             {Cut(Text(technique, "reason")), {}}}});
    }
    document_.Add(std::move(table));
    More(document_, techniques.size(), kMaxTechniques, "techniques");
  }
  static std::vector<std::string> CoverageOf(const Json& report) {
    const Json& coverage = Part(report, "coverage");
    const Json& counts = Part(coverage, "counts");
    if (!counts.is_object()) return {};
    std::vector<std::string> lines = {
        fmt::format("Of the techniques known here, the evidence could show {}, could show {} in "
                    "part, and could not show {}.",
                    Text(counts, "visible"), Text(counts, "partly"), Text(counts, "not_visible"))};
    std::vector<std::string> absent;
    for (const Json& view : List(coverage, "views")) {
      const std::string state = Text(view, "state");
      const std::string why = Text(view, "why");
      if (state == "limited") {
        lines.push_back("With limits: " + Text(view, "words") + (why.empty() ? "" : ": " + why) +
                        ".");
      } else if (state == "absent") {
        absent.push_back(Text(view, "words"));
      }
    }
    if (!absent.empty()) lines.push_back("Not in the evidence: " + Joined(absent) + ".");
    return lines;
  }

  void Node() {
    const Json& node = Part(report_, "node");
    if (!node.is_object()) return;
    document_.Heading(1, "The node");
    Table table;
    table.titles = {"", ""};
    table.widths = {25, 75};
    for (const auto& [key, value] : node.items()) {
      const std::string text = Text(node, key);
      if (!text.empty()) table.rows.push_back({"", {{key, {}}, {text, {}}}});
    }
    document_.Add(std::move(table));
  }

  void Evidence() {
    document_.Heading(1, "Evidence");
    Table table;
    table.titles = {"item", "format", "bytes", "SHA-256"};
    table.widths = {34, 14, 12, 40};
    for (const Json& item : List(report_, "evidence")) {
      if (List(item, "hashes").empty()) {
        table.rows.push_back({"",
                              {{Text(item, "path"), {}},
                               {Text(item, "format"), {}},
                               {Text(item, "size"), {}},
                               {"", {}}}});
      }
      for (const Json& file : List(item, "hashes")) {
        table.rows.push_back({"",
                              {{Text(file, "path"), {}},
                               {Text(item, "format"), {}},
                               {Text(file, "size"), {}},
                               {Text(file, "sha256"), {}}}});
      }
    }
    const Json& events = Part(report_, "events");
    for (const Json& item : List(events, "items")) {
      if (table.rows.size() >= kMaxFindings) break;
      table.rows.push_back({"",
                            {{Text(item, "name"), {}},
                             {Text(item, "formats"), {}},
                             {Text(item, "size"), {}},
                             {Text(item, "sha256"), {}}}});
    }
    document_.Add(std::move(table));
  }

  void Custody() {
    document_.Heading(1, "Custody record");
    Table table;
    table.titles = {"time", "user", "host", "act", "command line", "hash of the record before"};
    table.widths = {16, 9, 11, 11, 33, 20};
    for (const std::string& text : custody_) {
      if (table.rows.size() >= kMaxCustody) break;
      const Json record = Json::parse(text, nullptr, false);
      if (!record.is_object()) continue;
      table.rows.push_back({"",
                            {{ShortTime(Text(record, "time")), {}},
                             {Text(record, "user"), {}},
                             {Text(record, "host"), {}},
                             {Text(record, "action"), {}},
                             {Cut(Joined(Strings(record, "arguments"), " ")), {}},
                             {Text(record, "previous"), {}}}});
    }
    document_.Add(std::move(table));
    More(document_, custody_.size(), kMaxCustody, "records in custody.jsonl, not");
  }

  void Diagnostics() {
    const Json& diagnostics = List(report_, "diagnostics");
    document_.Heading(1, "Diagnostics: what could not be read as it should be");
    if (diagnostics.empty()) document_.Paragraph("None.");
    Table table;
    table.titles = {"severity", "what", "where", "detail"};
    table.widths = {10, 36, 22, 32};
    for (const Json& diagnostic : diagnostics) {
      if (table.rows.size() >= kMaxDiagnostics) break;
      table.rows.push_back({"",
                            {{Text(diagnostic, "severity"), {}},
                             {Text(diagnostic, "meaning"), {}},
                             {Cut(Text(diagnostic, "evidence")), {}},
                             {Cut(Text(diagnostic, "detail")), {}}}});
    }
    document_.Add(std::move(table));
    More(document_, diagnostics.size(), kMaxDiagnostics, "diagnostics");
  }

  const Json& report_;
  const std::vector<std::string>& custody_;
  Document document_;
};

}  // namespace

Document MakeDocument(const Json& report, const std::vector<std::string>& custody,
                      const std::string& case_name) {
  return Maker(report, custody).Make(case_name);
}

}  // namespace ekshume::casefile::report
