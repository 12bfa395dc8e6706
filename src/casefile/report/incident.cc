// SPDX-License-Identifier: Apache-2.0
#include "casefile/report/incident.h"

#include <fmt/format.h>

#include "base/short_time.h"
#include "casefile/report/layout.h"
#include "casefile/report/members.h"

namespace ekshume::casefile::report {
namespace {

constexpr size_t kMaxActs = 300;  // report.json has all

class Maker {
 public:
  Maker(const Json& incident, Document& document) : incident_(incident), document_(document) {}

  void Make(size_t number) {
    document_.Heading(1, fmt::format("Incident {}: {}", number, Text(incident_, "title")));
    document_.Emphasis(
        fmt::format("{} ({} confidence), {} to {}", Capital(Text(incident_, "verdict")),
                    Text(incident_, "confidence"), ShortTime(Text(incident_, "first")),
                    ShortTime(Text(incident_, "last"))));
    document_.Paragraph(Text(incident_, "summary"));
    document_.Heading(2, "Why");
    document_.List(Strings(incident_, "reasons"));
    document_.Heading(2, "How it began");
    const Json& entry = Part(incident_, "entry");
    document_.Paragraph(Text(entry, "sentence"), Strings(entry, "findings"));
    if (incident_.contains("graph")) {
      document_.Heading(2, "Who touched what");
      Drawing drawing = DrawGraph(incident_["graph"]);
      drawing.caption = "Incident " + std::to_string(number) + ": who touched what";
      document_.Add(std::move(drawing));
    }
    Acts();
    Actors();
    Places();
    Things("secrets", "Secrets and credentials that were reached for");
    Things("identities", "Identities that were made or made stronger");
    Things("persistence", "Left behind");
    Tactics();
    Steps();
  }

 private:
  void Acts() {
    document_.Heading(2, "Timeline of acts");
    Table table;
    table.titles = {"time", "level", "what", "where", "findings"};
    table.widths = {15, 8, 47, 18, 12};
    const Json& acts = List(incident_, "acts");
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
    More(document_, acts.size(), kMaxActs, "acts");
  }

  void Actors() {
    document_.Heading(2, "Who");
    Table table;
    table.titles = {"who", "part", "names", "addresses", "first", "last"};
    table.widths = {18, 8, 36, 14, 12, 12};
    for (const Json& actor : List(incident_, "actors")) {
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

  void Places() {
    document_.Heading(2, "Affected pods, containers and nodes");
    Table table;
    table.titles = {"what", "name", "how", "can reach its host by", "first"};
    table.widths = {9, 34, 23, 22, 12};
    const Json& places = List(incident_, "places");
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
    More(document_, places.size(), kMaxNamed, "places");
  }

  void Things(const char* member, const char* title) {
    const Json& things = List(incident_, member);
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
    More(document_, things.size(), kMaxNamed, "entries");
  }

  void Tactics() {
    document_.Heading(2, "ATT&CK tactics in order of time");
    Table table;
    table.titles = {"first", "tactic", "id", "findings", "techniques"};
    table.widths = {18, 22, 10, 10, 40};
    for (const Json& tactic : List(incident_, "tactics")) {
      table.rows.push_back({"",
                            {{ShortTime(Text(tactic, "first")), {}},
                             {Text(tactic, "name"), {}},
                             {Text(tactic, "id"), {}},
                             {Text(tactic, "findings"), {}},
                             {Joined(Strings(tactic, "techniques")), {}}}});
    }
    document_.Add(std::move(table));
  }

  void Steps() {
    document_.Heading(2, "What to do now, in this order");
    std::vector<std::string> steps;
    for (const Json& step : List(incident_, "next_steps")) {
      steps.push_back(fmt::format("{}: {} [{}]: {}", Capital(Text(step, "phase")),
                                  Text(step, "action"), Text(step, "target"), Text(step, "why")));
    }
    document_.Steps(std::move(steps));
  }

  const Json& incident_;
  Document& document_;
};

}  // namespace

void AddIncident(const Json& incident, size_t number, Document& document) {
  Maker(incident, document).Make(number);
}

}  // namespace ekshume::casefile::report
