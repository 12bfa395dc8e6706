// SPDX-License-Identifier: Apache-2.0
#include "casefile/report/contents.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/short_time.h"
#include "base/text.h"
#include "casefile/report/layout.h"
#include "detect/story/tactics.h"

namespace ekshume::casefile::report {
namespace {

// What a report for people holds of long lists; report.json has all.
constexpr size_t kMaxIncidents = 20;
constexpr size_t kMaxActs = 300;  // of one incident
constexpr size_t kMaxFindings = 2000;
constexpr size_t kMaxNamed = 60;  // pods, secrets, names, addresses
constexpr size_t kMaxDiagnostics = 200;
constexpr size_t kMaxCustody = 500;
constexpr size_t kMaxTechniques = 400;
constexpr size_t kShownEvents = 3;     // ids of one finding
constexpr size_t kMaxTextBytes = 700;  // of one cell

// A member of that path as text; "" when it is not there. Numbers and booleans as JSON has them.
std::string Text(const Json& object, std::string_view path) {
  const Json* at = &object;
  for (const std::string_view part : SplitNonEmpty(path, '.')) {
    const std::string key(part);
    if (!at->is_object() || !at->contains(key)) return {};
    at = &(*at)[key];
  }
  if (at->is_string()) return at->get<std::string>();
  if (at->is_null() || at->is_structured()) return {};
  return at->dump();
}

std::string Cut(std::string text) {
  if (text.size() <= kMaxTextBytes) return text;
  size_t end = kMaxTextBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
  return text + "...";
}

const Json& List(const Json& object, const char* key) {
  static const Json kEmpty = Json::array();
  return object.is_object() && object.contains(key) && object[key].is_array() ? object[key]
                                                                              : kEmpty;
}

std::vector<std::string> Strings(const Json& object, const char* key, size_t most = SIZE_MAX) {
  std::vector<std::string> strings;
  for (const Json& value : List(object, key)) {
    if (strings.size() >= most) break;
    if (value.is_string()) strings.push_back(value.get<std::string>());
  }
  return strings;
}

std::string Joined(const std::vector<std::string>& parts, std::string_view separator = ", ") {
  std::string text;
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    if (!text.empty()) text += separator;
    text += part;
  }
  return text;
}

std::string Capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] -= 'a' - 'A';
  return text;
}

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
      Incident(incident, number);
    }
    More(List(report_, "incidents").size(), kMaxIncidents, "incidents");
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
  void More(size_t all, size_t shown, const char* what) {
    if (all > shown) {
      document_.Paragraph(fmt::format("... and {} more {} in report.json.", all - shown, what));
    }
  }

  void Verdict() {
    document_.Heading(1, "Verdict");
    const Json verdict =
        report_.is_object() && report_.contains("verdict") ? report_["verdict"] : Json();
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

  void Incident(const Json& incident, size_t number) {
    document_.Heading(1, fmt::format("Incident {}: {}", number, Text(incident, "title")));
    document_.Emphasis(fmt::format("{} ({} confidence), {} to {}",
                                   Capital(Text(incident, "verdict")), Text(incident, "confidence"),
                                   ShortTime(Text(incident, "first")),
                                   ShortTime(Text(incident, "last"))));
    document_.Paragraph(Text(incident, "summary"));
    document_.Heading(2, "Why");
    document_.List(Strings(incident, "reasons"));
    document_.Heading(2, "How it began");
    const Json entry = incident.contains("entry") ? incident["entry"] : Json();
    document_.Paragraph(Text(entry, "sentence"), Strings(entry, "findings"));
    if (incident.contains("graph")) {
      document_.Heading(2, "Who touched what");
      Drawing drawing = DrawGraph(incident["graph"]);
      drawing.caption = "Incident " + std::to_string(number) + ": who touched what";
      document_.Add(std::move(drawing));
    }
    Acts(incident);
    Actors(incident);
    Places(incident);
    Things(incident, "secrets", "Secrets and credentials that were reached for");
    Things(incident, "identities", "Identities that were made or made stronger");
    Things(incident, "persistence", "Left behind");
    Tactics(incident);
    Steps(incident);
  }

  void Acts(const Json& incident) {
    document_.Heading(2, "Timeline of acts");
    Table table;
    table.titles = {"time", "level", "what", "where", "findings"};
    table.widths = {15, 8, 47, 18, 12};
    const Json& acts = List(incident, "acts");
    for (const Json& act : acts) {
      if (table.rows.size() >= kMaxActs) break;
      std::string what = Cut(Text(act, "sentence"));
      if (const std::string count = Text(act, "count"); !count.empty() && count != "1") {
        what += " (" + count + " times)";
      }
      table.rows.push_back({"",
                            {{ShortTime(Text(act, "time")), {}},
                             {Text(act, "level"), {}},
                             {what, {}},
                             {Text(act, "place"), {}},
                             {"", Strings(act, "findings")}}});
    }
    document_.Add(std::move(table));
    More(acts.size(), kMaxActs, "acts");
  }

  void Actors(const Json& incident) {
    document_.Heading(2, "Who");
    Table table;
    table.titles = {"who", "part", "names", "addresses", "first", "last"};
    table.widths = {18, 8, 36, 14, 12, 12};
    for (const Json& actor : List(incident, "actors")) {
      if (table.rows.size() >= kMaxNamed) break;
      std::vector<std::string> names;
      for (const Json& name : List(actor, "names")) {
        if (names.size() < kMaxNamed) names.push_back(Text(name, "value"));
      }
      table.rows.push_back({"",
                            {{Text(actor, "kind") + " " + Text(actor, "name"), {}},
                             {Text(actor, "role"), {}},
                             {Cut(Joined(names)), {}},
                             {Cut(Joined(Strings(actor, "addresses"))), {}},
                             {ShortTime(Text(actor, "first")), {}},
                             {ShortTime(Text(actor, "last")), {}}}});
    }
    document_.Add(std::move(table));
  }

  void Places(const Json& incident) {
    document_.Heading(2, "Affected pods, containers and nodes");
    Table table;
    table.titles = {"what", "name", "how", "can reach its host by", "first"};
    table.widths = {9, 34, 23, 22, 12};
    const Json& places = List(incident, "places");
    for (const Json& place : places) {
      if (table.rows.size() >= kMaxNamed) break;
      std::string name = Text(place, "namespace");
      name += (name.empty() ? "" : "/") + Text(place, "name");
      if (Text(place, "kind") == "container") {
        name = Text(place, "name") + " of " + Text(place, "pod");
      }
      if (const std::string uid = Text(place, "uid"); !uid.empty()) name += ", uid " + uid;
      if (const std::string node = Text(place, "node"); !node.empty()) name += ", on " + node;
      table.rows.push_back({"",
                            {{Text(place, "kind"), {}},
                             {name, {}},
                             {Text(place, "how"), {}},
                             {Joined(Strings(place, "host_access")), {}},
                             {ShortTime(Text(place, "first")), {}}}});
    }
    document_.Add(std::move(table));
    More(places.size(), kMaxNamed, "places");
  }

  void Things(const Json& incident, const char* member, const char* title) {
    const Json& things = List(incident, member);
    if (things.empty()) return;
    document_.Heading(2, title);
    Table table;
    table.titles = {"kind", "name", "where", "how", "time", "findings"};
    table.widths = {14, 26, 18, 18, 12, 12};
    for (const Json& thing : things) {
      if (table.rows.size() >= kMaxNamed) break;
      table.rows.push_back({"",
                            {{Text(thing, "kind"), {}},
                             {Cut(Text(thing, "name")), {}},
                             {Text(thing, "where"), {}},
                             {Text(thing, "how"), {}},
                             {ShortTime(Text(thing, "time")), {}},
                             {"", Strings(thing, "findings")}}});
    }
    document_.Add(std::move(table));
    More(things.size(), kMaxNamed, "entries");
  }

  void Tactics(const Json& incident) {
    document_.Heading(2, "ATT&CK tactics in order of time");
    Table table;
    table.titles = {"first", "tactic", "id", "findings", "techniques"};
    table.widths = {18, 22, 10, 10, 40};
    for (const Json& tactic : List(incident, "tactics")) {
      table.rows.push_back({"",
                            {{ShortTime(Text(tactic, "first")), {}},
                             {Text(tactic, "name"), {}},
                             {Text(tactic, "id"), {}},
                             {Text(tactic, "findings"), {}},
                             {Joined(Strings(tactic, "techniques")), {}}}});
    }
    document_.Add(std::move(table));
  }

  void Steps(const Json& incident) {
    document_.Heading(2, "What to do now, in this order");
    std::vector<std::string> steps;
    for (const Json& step : List(incident, "next_steps")) {
      steps.push_back(fmt::format("{}: {} [{}]: {}", Capital(Text(step, "phase")),
                                  Text(step, "action"), Text(step, "target"), Text(step, "why")));
    }
    document_.Steps(std::move(steps));
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
    More(questions.size(), kMaxNamed, "questions");
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
      if (const std::string last = ShortTime(Text(finding, "last")); last != time)
        time += " to " + last;
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
    More(findings.size(), kMaxFindings, "findings");
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
    const Json coverage =
        report_.is_object() && report_.contains("coverage") ? report_["coverage"] : Json();
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
    More(techniques.size(), kMaxTechniques, "techniques");
  }
  static std::vector<std::string> CoverageOf(const Json& report) {
    const Json coverage =
        report.is_object() && report.contains("coverage") ? report["coverage"] : Json();
    const Json counts =
        coverage.is_object() && coverage.contains("counts") ? coverage["counts"] : Json();
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
    const Json node = report_.is_object() && report_.contains("node") ? report_["node"] : Json();
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
    const Json events =
        report_.is_object() && report_.contains("events") ? report_["events"] : Json();
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
    More(custody_.size(), kMaxCustody, "records in custody.jsonl, not");
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
    More(diagnostics.size(), kMaxDiagnostics, "diagnostics");
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
