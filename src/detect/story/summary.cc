// SPDX-License-Identifier: Apache-2.0
#include "detect/story/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/limits.h"
#include "base/short_time.h"
#include "detect/story/acts.h"

namespace ekshume::detect::story {
namespace {

constexpr size_t kMaxClauses = 12;         // of a summary
constexpr size_t kMaxNamedInTitle = 4;     // places
constexpr size_t kMaxSentenceBytes = 300;  // of an act that a sentence quotes

// Kinds of evidence that do not depend on one another.
std::string_view Witness(const Act& act) {
  const std::string& source = act.source;
  if (source == "k8s_audit") return "the API server's audit log";
  if (source == "authenticator") return "the authenticator's log";
  if (source == "cloudtrail") return "CloudTrail";
  if (source == "guardduty") return "GuardDuty";
  if (source == "falco" || source == "tetragon" || source == "auditd") return "a runtime sensor";
  if (source == "vpc_flow" || source == "resolver") return "network logs";
  return "the node's disk";
}

// "host mount /, capability SYS_ADMIN and 3 more"
std::string Ways(const std::vector<std::string>& ways) { return Enumerate(ways, 3); }

std::string PodName(const Place& place) { return place.name_space + "/" + place.name; }

// The actor whom the title names: a person's identity before a workload's, then who did most.
int PrimaryActor(const Case& input, const Group& group) {
  std::map<int, std::pair<int, size_t>> weights;
  for (const size_t i : group.items) {
    const Item& item = input.items[i];
    if (!input.actors.CanJoin(item.actor) || !item.begins) continue;
    auto& [person, count] = weights[item.actor];
    person = input.actors.KindOf(item.actor) == Actors::Kind::kPerson ? 1 : 0;
    count += static_cast<size_t>(item.rank);
  }
  int best = Actors::kNobody;
  for (const auto& [actor, weight] : weights) {
    if (best == Actors::kNobody || weight > weights[best]) best = actor;
  }
  return best;
}

struct Clause {
  std::optional<Timestamp> time;
  std::string text;
};

void AddPlaceClauses(const Incident& incident, std::vector<Clause>& clauses) {
  for (const Place& place : incident.places) {
    if (place.kind == "pod") {
      const std::string reach =
          place.host_access.empty()
              ? std::string()
              : fmt::format(", which can reach its host ({})", Ways(place.host_access));
      const bool made = place.how.starts_with("it was created");
      const bool entered = place.how.find("commands were run") != std::string::npos;
      std::string verb = "something appeared in pod ";
      if (place.likely_way) {
        verb = "probably went on through pod ";
      } else if (made) {
        verb = "created pod ";
      } else if (entered) {
        verb = "ran commands in pod ";
      } else if (place.how.find("appeared") == std::string::npos) {
        verb = "touched pod ";
      }
      clauses.push_back({place.first, fmt::format("{}{}{}", verb, PodName(place), reach)});
    } else if (place.kind == "container" && place.likely_way) {
      clauses.push_back(
          {place.first, fmt::format("the likely way to the host is container {} ({})",
                                    place.pod.empty() ? place.name.substr(0, 12) : place.pod,
                                    Ways(place.host_access))});
    } else if (place.kind == "container" && place.pod.find('/') == std::string::npos) {
      clauses.push_back(
          {place.first, "something appeared in container " +
                            (place.pod.empty() ? place.name.substr(0, 12) : place.pod)});
    } else if (place.kind == "node" && place.first &&
               place.how.starts_with("it was within reach")) {
      clauses.push_back({place.first, "had node " + place.name + " within reach"});
    } else if (place.kind == "node" && place.first) {
      std::vector<std::string> paths;
      for (const Act& act : incident.acts) {
        if (act.place != "node " + place.name) continue;
        for (const std::string& path : act.paths) {
          if (std::ranges::find(paths, path) == paths.end()) paths.push_back(path);
        }
      }
      clauses.push_back({place.first, "changed node " + place.name +
                                          (paths.empty() ? "" : ": " + Enumerate(paths, 4))});
    }
  }
}

void AddThingClauses(const Incident& incident, std::vector<Clause>& clauses) {
  for (const Thing& thing : incident.secrets) {
    if (thing.kind == "secrets") clauses.push_back({thing.time, "listed secrets, " + thing.name});
  }
  std::vector<std::string> single;
  std::optional<Timestamp> first;
  for (const Thing& thing : incident.secrets) {
    if (thing.kind == "secrets") continue;
    single.push_back(thing.kind + " " + thing.name);
    if (!first) first = thing.time;
  }
  if (!single.empty()) clauses.push_back({first, "reached for " + Enumerate(single, 3)});
  for (const Thing& thing : incident.identities) {
    if (thing.kind != "subject") continue;
    clauses.push_back({thing.time, thing.name + " was " + thing.how});
  }
  for (const Thing& thing : incident.persistence) {
    if (thing.kind == "file" || thing.kind.ends_with("binding") || thing.kind == "by a command") {
      continue;
    }
    clauses.push_back({thing.time, fmt::format("{} {} {}", thing.how, thing.kind, thing.name)});
  }
}

std::string Span(const Incident& incident) {
  if (!incident.first) return "At an unknown time";
  const std::string from = ShortTime(*incident.first);
  const std::string to = ShortTime(incident.last.value_or(*incident.first));
  if (from == to) return "At " + from + " UTC";
  const bool same_day = from.substr(0, 10) == to.substr(0, 10);
  return fmt::format("From {} to {} UTC", from, same_day ? to.substr(11) : to);
}

// Of a group of which nobody knows who it was: what was found, unless that is a whole list.
std::string UnnamedTitle(const Case& input, const Group& group, const std::string& what) {
  std::set<std::string> titles;
  const Item* worst = &input.items[group.items.front()];
  for (const size_t i : group.items) {
    const Item& item = input.items[i];
    if (item.condition) continue;
    titles.insert(item.finding->title);
    if (item.rank > worst->rank) worst = &item;
  }
  if (titles.size() > 3 && !what.empty()) return "Somebody unknown in " + what;
  return worst->finding->title + (what.empty() ? "" : ": " + what);
}

}  // namespace

void Judge(const Case& input, const Group& group, Incident& incident) {
  std::set<std::string> rules;
  std::set<std::string> detectors;
  size_t succeeded = 0;
  size_t refused = 0;
  int worst = 0;
  for (const size_t i : group.items) {
    const Item& item = input.items[i];
    if (item.rank < 2 || item.condition) continue;
    rules.insert(item.finding->rule.empty() ? item.finding->title : item.finding->rule);
    detectors.insert(item.finding->detector);
    (item.refused ? refused : succeeded) += 1;
    if (!item.refused) worst = std::max(worst, item.rank);
  }
  std::set<std::string_view> witnesses;
  for (const Act& act : incident.acts) {
    if (LevelRank(act.level).value_or(0) >= 2) witnesses.insert(Witness(act));
  }
  int points = 0;
  const auto say = [&](int change, std::string reason) {
    points += change;
    incident.reasons.push_back(std::move(reason));
  };
  say(worst >= 4   ? 2
      : worst == 3 ? 1
                   : 0,
      fmt::format("the gravest finding is {}", incident.level));
  say(rules.size() >= 3 ? 1 : 0, rules.size() == 1 ? std::string("one rule found it")
                                                   : fmt::format("{} different rules or checks "
                                                                 "found parts of it",
                                                                 rules.size()));
  const std::vector<std::string> named(witnesses.begin(), witnesses.end());
  if (!named.empty()) {
    say(named.size() >= 2 ? 1 : 0,
        named.size() >= 2 ? "independent sources agree: " + Enumerate(named, named.size())
                          : "only one source tells of it: " + named.front());
  }
  if (succeeded == 0) {
    say(-2, "everything was refused");
  } else if (refused > 0) {
    say(0, fmt::format("{} findings are of what succeeded, {} of what was refused", succeeded,
                       refused));
  } else {
    say(1, "nothing of it was refused");
  }
  const bool acted_and_seen = std::ranges::any_of(incident.places, [](const Place& place) {
    return place.how.find("commands were run") != std::string::npos &&
           place.how.find("appeared") != std::string::npos;
  });
  if (acted_and_seen) say(1, "what commands in a pod did is on its disk");
  if (group.by_time_only) {
    say(-1, "parts of it are joined by nothing but the node and the minutes between them");
  }
  incident.confidence = points >= 4 ? "high" : points >= 2 ? "medium" : "low";
  const bool proven = worst >= 4 || (worst == 3 && rules.size() >= 2);
  incident.verdict = proven && succeeded > 0 ? "compromised" : "suspicious";
}

void TellEntry(const Case& input, const Group& group, Incident& incident) {
  std::vector<std::string> parts;
  if (!group.tried.empty()) {
    std::set<std::string> who;
    std::optional<Timestamp> first;
    bool refused = true;
    for (const size_t i : group.tried) {
      const Item& item = input.items[i];
      refused = refused && item.refused;
      who.insert(input.actors.ShortName(item.actor) ==
                             input.actors.Value(item.actor, "user_name") ||
                         input.actors.Value(item.actor, "user_arn").empty()
                     ? input.actors.ShortName(item.actor)
                     : input.actors.Value(item.actor, "user_arn"));
      if (item.first && (!first || *item.first < *first)) first = item.first;
      incident.entry_findings.push_back(item.finding->id);
      for (const EventFacts* event : item.events) {
        if (incident.entry_events.size() < limits::kMaxActEvents) {
          incident.entry_events.push_back(event->id);
        }
      }
    }
    parts.push_back(fmt::format("Shortly before, {} tried{}{}",
                                Enumerate({who.begin(), who.end()}, 4),
                                !refused          ? ""
                                : who.size() == 1 ? " and was refused"
                                                  : " and were refused",
                                first ? " (from " + ShortTime(*first) + ")" : std::string()));
  }
  const Item* begin = nullptr;
  for (const size_t i : group.items) {
    const Item& item = input.items[i];
    if (item.condition || item.refused || !item.first) continue;
    if (begin == nullptr || *item.first < *begin->first) begin = &item;
  }
  if (begin == nullptr) begin = &input.items[group.items.front()];
  if (begin->actor != Actors::kNobody) {
    const std::string key = input.actors.Value(begin->actor, "access_key_id");
    const auto seen = input.facts.first_seen.find(key);
    if (!key.empty() && seen != input.facts.first_seen.end()) {
      parts.push_back(fmt::format("The access key {} of {} is first seen {}", key,
                                  input.actors.ShortName(begin->actor), ShortTime(seen->second)));
    }
  }
  const Act* first_act = nullptr;
  for (const Act& act : incident.acts) {
    if (std::ranges::find(act.findings, begin->finding->id) == act.findings.end()) continue;
    first_act = &act;
    break;
  }
  if (first_act != nullptr) {
    parts.push_back(fmt::format("The first act is{}: {}",
                                first_act->time ? " of " + ShortTime(*first_act->time) : "",
                                Shorten(first_act->sentence, kMaxSentenceBytes)));
    incident.entry_findings.insert(incident.entry_findings.end(), first_act->findings.begin(),
                                   first_act->findings.end());
    incident.entry_events.insert(incident.entry_events.end(), first_act->events.begin(),
                                 first_act->events.end());
  }
  if (begin->actor == Actors::kNobody) {
    parts.emplace_back("How it came to that, the evidence does not show");
  }
  incident.entry = fmt::format("{}.", fmt::join(parts, ". "));
}

void Summarize(const Case& input, const Group& group, Incident& incident) {
  const int primary = PrimaryActor(input, group);
  std::vector<std::string> named;
  for (const Place& place : incident.places) {
    if (place.kind == "pod") {
      named.push_back("pod " + PodName(place));
    } else if (place.kind == "node" && place.first) {
      named.push_back("node " + place.name);
    } else if (place.kind == "container" && (place.likely_way || place.pod.empty())) {
      named.push_back("container " + (place.pod.empty() ? place.name.substr(0, 12) : place.pod));
    }
  }
  const std::string what = named.empty() ? std::string() : Enumerate(named, kMaxNamedInTitle);
  if (primary == Actors::kNobody) {
    incident.title = UnnamedTitle(input, group, what);
  } else {
    incident.title = (incident.verdict == "compromised" ? "Misuse of " : "Suspicious use of ") +
                     input.actors.LongName(primary) + (what.empty() ? "" : ": " + what);
  }
  std::vector<Clause> clauses;
  AddPlaceClauses(incident, clauses);
  AddThingClauses(incident, clauses);
  std::ranges::stable_sort(clauses, [](const Clause& left, const Clause& right) {
    return std::tuple(!left.time, left.time.value_or(Timestamp{})) <
           std::tuple(!right.time, right.time.value_or(Timestamp{}));
  });
  std::string text = Span(incident);
  if (primary == Actors::kNobody) {
    text += ", somebody whom the evidence does not name";
  } else {
    text += ", whoever had " + input.actors.LongName(primary);
    if (const std::string arn = input.actors.Value(primary, "user_arn");
        !arn.empty() && text.find(arn) == std::string::npos) {
      text += " (" + arn + ")";
    }
    std::vector<std::string> addresses;
    for (const Actor& actor : incident.actors) {
      if (actor.name == input.actors.ShortName(primary)) addresses = actor.addresses;
    }
    if (!addresses.empty()) text += ", from " + Enumerate(addresses, 3) + ",";
  }
  std::vector<std::string> told;
  for (const Clause& clause : clauses) told.push_back(clause.text);
  if (told.empty()) {
    for (const Act& act : incident.acts) told.push_back(Shorten(act.sentence, kMaxSentenceBytes));
    text += " did this: ";
  } else {
    text += " did this, in order: ";
  }
  const size_t shown = std::min(told.size(), kMaxClauses);
  for (size_t i = 0; i < shown; ++i) text += (i > 0 ? "; " : "") + told[i];
  if (shown < told.size()) text += fmt::format("; and {} more", told.size() - shown);
  incident.summary = text + ".";
}

void Conclude(Story& story) {
  const uint64_t incidents = story.incidents.size() + story.incidents_left_out;
  const uint64_t questions = story.to_confirm.size() + story.to_confirm_left_out;
  if (story.incidents.empty()) {
    story.verdict = questions > 0 ? "suspicious" : "nothing found";
    story.confidence = "low";
    story.summary =
        questions > 0
            ? fmt::format(
                  "No incident, but {} that somebody must answer for: {}.",
                  questions == 1 ? std::string("one thing") : fmt::format("{} things", questions),
                  story.to_confirm.front().sentence)
            : "No finding of at least medium level. That proves nothing beyond what the evidence "
              "could show.";
    return;
  }
  const Incident& worst = story.incidents.front();
  story.verdict = worst.verdict;
  story.confidence = worst.confidence;
  story.summary = worst.summary;
  if (incidents > 1) story.summary += fmt::format(" There are {} incidents in all.", incidents);
  if (questions > 0) {
    story.summary += fmt::format(
        " {} besides is no incident by itself and to be confirmed.",
        questions == 1 ? std::string("One thing") : fmt::format("{} things", questions));
  }
}

}  // namespace ekshume::detect::story
