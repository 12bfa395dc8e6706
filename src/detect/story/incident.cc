// SPDX-License-Identifier: Apache-2.0
#include "detect/story/incident.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/limits.h"
#include "detect/story/acts.h"
#include "detect/story/affected.h"
#include "detect/story/graph.h"
#include "detect/story/steps.h"
#include "detect/story/summary.h"
#include "detect/story/tactics.h"

namespace ekshume::detect::story {
namespace {

std::vector<Tactic> MakeTactics(const Case& input, const Group& group) {
  struct Gathered {
    Tactic tactic;
    std::set<std::string> techniques;
  };
  std::map<std::string, Gathered> by_name;
  for (const size_t i : group.items) {
    const Item& item = input.items[i];
    if (item.condition) continue;
    for (const std::string& name : TacticsOf(item.finding->tags)) {
      Gathered& gathered = by_name[name];
      if (item.first && (!gathered.tactic.first || *item.first < *gathered.tactic.first)) {
        gathered.tactic.first = item.first;
      }
      ++gathered.tactic.findings;
      for (std::string& technique : TechniquesOf(item.finding->tags)) {
        gathered.techniques.insert(std::move(technique));
      }
    }
  }
  // The matrix gives the order of those that began at once.
  std::vector<Tactic> tactics;
  for (const TacticName& known : AllTactics()) {
    const auto found = by_name.find(std::string(known.name));
    if (found == by_name.end()) continue;
    Tactic& tactic = found->second.tactic;
    tactic.name = known.name;
    tactic.id = known.id;
    tactic.techniques.assign(found->second.techniques.begin(), found->second.techniques.end());
    tactics.push_back(std::move(tactic));
  }
  std::ranges::stable_sort(tactics, [](const Tactic& left, const Tactic& right) {
    return std::tuple(!left.first, left.first.value_or(Timestamp{})) <
           std::tuple(!right.first, right.first.value_or(Timestamp{}));
  });
  return tactics;
}

}  // namespace

Incident MakeIncident(const Case& input, const Group& group) {
  Incident incident;
  int worst = 0;
  for (const size_t i : group.items) {
    const Item& item = input.items[i];
    if (item.rank >= worst) {
      worst = item.rank;
      incident.level = item.finding->level;
    }
    if (!item.condition) {
      if (item.first && (!incident.first || *item.first < *incident.first)) {
        incident.first = item.first;
      }
      if (item.last && (!incident.last || *item.last > *incident.last)) incident.last = item.last;
    }
    incident.findings.push_back(item.finding->id);
  }
  for (const size_t i : group.tried) incident.findings.push_back(input.items[i].finding->id);
  incident.id = FindingId({"incident", input.items[group.items.front()].finding->id});
  incident.acts = MakeActs(input, group, incident.acts_left_out);
  FindActors(input, group, incident);
  FindPlaces(input, group, incident);
  FindThings(input, group, incident);
  incident.tactics = MakeTactics(input, group);
  Judge(input, group, incident);
  TellEntry(input, group, incident);
  Summarize(input, group, incident);
  incident.graph = MakeGraph(input, group, incident);
  incident.steps = MakeSteps(incident);
  return incident;
}

std::vector<Question> MakeQuestions(const Case& input, const std::vector<size_t>& alone) {
  std::map<std::pair<int, std::string>, size_t> by_who;
  std::vector<Question> questions;
  std::vector<std::vector<std::string>> titles;
  for (const size_t i : alone) {
    const Item& item = input.items[i];
    const std::string where = PlaceName(item);
    const std::pair key(item.actor, item.actor == Actors::kNobody ? where : std::string());
    const auto [found, is_new] = by_who.try_emplace(key, questions.size());
    if (is_new) {
      questions.emplace_back();
      titles.emplace_back();
      questions.back().where = where;
      if (item.actor != Actors::kNobody) {
        questions.back().who = input.actors.ShortName(item.actor);
      }
    }
    Question& question = questions[found->second];
    if (question.where != where) question.where.clear();
    if (item.rank > LevelRank(question.level).value_or(-1)) question.level = item.finding->level;
    if (item.first && (!question.first || *item.first < *question.first)) {
      question.first = item.first;
    }
    if (item.last && (!question.last || *item.last > *question.last)) question.last = item.last;
    if (question.findings.size() < limits::kMaxActFindings)
      question.findings.push_back(item.finding->id);
    for (const std::string& event : item.finding->events) {
      if (question.events.size() < limits::kMaxActEvents) question.events.push_back(event);
    }
    question.why = item.refused          ? "it was refused"
                   : item.administration ? "administrators do this; ask whether it was meant"
                                         : "it shows no act of an intruder by itself";
    std::vector<std::string>& list = titles[found->second];
    if (std::ranges::find(list, item.finding->title) == list.end()) {
      list.push_back(item.finding->title);
    }
  }
  for (size_t k = 0; k < questions.size(); ++k) {
    Question& question = questions[k];
    question.sentence = fmt::format("{}{}{}", Enumerate(titles[k], 5),
                                    question.who.empty() ? "" : ", by " + question.who,
                                    question.where.empty() ? "" : ", in " + question.where);
  }
  std::ranges::stable_sort(questions, [](const Question& left, const Question& right) {
    return LevelRank(left.level).value_or(0) > LevelRank(right.level).value_or(0);
  });
  return questions;
}

}  // namespace ekshume::detect::story
