// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/story_json.h"

namespace ekshume::casefile {
namespace {

namespace story = detect::story;

Json Text(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json Time(const std::optional<Timestamp>& time) {
  return time ? Json(FormatTimestamp(*time)) : Json(nullptr);
}

template <typename T, typename F>
Json List(const std::vector<T>& values, F&& to_json) {
  Json list = Json::array();
  for (const T& value : values) list.push_back(to_json(value));
  return list;
}

Json ActJson(const story::Act& act) {
  return {{"time", Time(act.time)},       {"last", Time(act.last)},
          {"sentence", act.sentence},     {"level", act.level},
          {"actor", Text(act.actor)},     {"place", Text(act.place)},
          {"source", Text(act.source)},   {"refused", act.refused},
          {"count", act.count},           {"tactics", act.tactics},
          {"techniques", act.techniques}, {"findings", act.findings},
          {"events", act.events},         {"paths", act.paths}};
}

Json ActorJson(const story::Actor& actor) {
  return {{"name", actor.name},
          {"kind", actor.kind},
          {"role", actor.role},
          {"names", List(actor.names,
                         [](const story::Name& name) {
                           return Json{{"field", name.field}, {"value", name.value}};
                         })},
          {"addresses", actor.addresses},
          {"first", Time(actor.first)},
          {"last", Time(actor.last)},
          {"key_first_seen", Time(actor.first_seen)}};
}

Json PlaceJson(const story::Place& place) {
  return {{"kind", place.kind},
          {"name", place.name},
          {"namespace", Text(place.name_space)},
          {"uid", Text(place.uid)},
          {"pod", Text(place.pod)},
          {"node", Text(place.node)},
          {"service_account", Text(place.service_account)},
          {"image", Text(place.image)},
          {"how", place.how},
          {"host_access", place.host_access},
          {"likely_way", place.likely_way},
          {"first", Time(place.first)}};
}

Json ThingJson(const story::Thing& thing) {
  return {{"kind", thing.kind},    {"name", thing.name},       {"where", Text(thing.where)},
          {"how", thing.how},      {"time", Time(thing.time)}, {"findings", thing.findings},
          {"events", thing.events}};
}

Json TacticJson(const story::Tactic& tactic) {
  return {{"name", tactic.name},
          {"id", tactic.id},
          {"first", Time(tactic.first)},
          {"findings", tactic.findings},
          {"techniques", tactic.techniques}};
}

Json GraphJson(const story::Graph& graph) {
  return {{"nodes", List(graph.nodes,
                         [](const story::GraphNode& node) {
                           return Json{{"id", node.id},
                                       {"kind", node.kind},
                                       {"label", node.label},
                                       {"level", Text(node.level)}};
                         })},
          {"edges", List(graph.edges,
                         [](const story::GraphEdge& edge) {
                           return Json{{"from", edge.from},
                                       {"to", edge.to},
                                       {"verb", edge.verb},
                                       {"time", Time(edge.time)}};
                         })},
          {"nodes_left_out", graph.left_out}};
}

Json StepJson(const story::Step& step) {
  return {
      {"phase", step.phase}, {"action", step.action}, {"target", step.target}, {"why", step.why}};
}

Json IncidentJson(const story::Incident& incident) {
  return {{"id", incident.id},
          {"title", incident.title},
          {"verdict", incident.verdict},
          {"summary", incident.summary},
          {"level", incident.level},
          {"confidence", incident.confidence},
          {"reasons", incident.reasons},
          {"first", Time(incident.first)},
          {"last", Time(incident.last)},
          {"entry", Json{{"sentence", incident.entry},
                         {"findings", incident.entry_findings},
                         {"events", incident.entry_events}}},
          {"actors", List(incident.actors, ActorJson)},
          {"places", List(incident.places, PlaceJson)},
          {"identities", List(incident.identities, ThingJson)},
          {"secrets", List(incident.secrets, ThingJson)},
          {"persistence", List(incident.persistence, ThingJson)},
          {"tactics", List(incident.tactics, TacticJson)},
          {"acts", List(incident.acts, ActJson)},
          {"acts_left_out", incident.acts_left_out},
          {"next_steps", List(incident.steps, StepJson)},
          {"graph", GraphJson(incident.graph)},
          {"findings", incident.findings}};
}

Json QuestionJson(const story::Question& question) {
  return {{"sentence", question.sentence}, {"why", question.why},
          {"level", question.level},       {"who", Text(question.who)},
          {"where", Text(question.where)}, {"first", Time(question.first)},
          {"last", Time(question.last)},   {"findings", question.findings},
          {"events", question.events}};
}

}  // namespace

Json ToJson(const story::Story& told) {
  Json verdict = {{"word", told.verdict},
                  {"confidence", told.confidence},
                  {"summary", told.summary},
                  {"incidents_left_out", told.incidents_left_out},
                  {"to_confirm_left_out", told.to_confirm_left_out}};
  return {{"verdict", std::move(verdict)},
          {"incidents", List(told.incidents, IncidentJson)},
          {"to_confirm", List(told.to_confirm, QuestionJson)}};
}

}  // namespace ekshume::casefile
