// SPDX-License-Identifier: Apache-2.0
#include "detect/story/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/limits.h"
#include "detect/story/acts.h"

namespace ekshume::detect::story {
namespace {

class Builder {
 public:
  Builder(const Case& input, const Group& group, const Incident& incident)
      : input_(input), group_(group), incident_(incident) {}

  Graph Build() {
    // In order of weight: what comes last is left out first.
    AddActors();
    AddPlaces();
    AddThings();
    for (const size_t i : group_.items) AddActEdges(input_.items[i]);
    for (const size_t i : group_.tried) AddActEdges(input_.items[i]);
    for (const size_t i : group_.items) AddFile(input_.items[i]);
    for (const size_t i : group_.items) AddFinding(input_.items[i]);
    for (auto& [key, time] : edges_) {
      graph_.edges.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), time});
    }
    std::ranges::stable_sort(graph_.edges, [](const GraphEdge& left, const GraphEdge& right) {
      return std::tuple(!left.time, left.time.value_or(Timestamp{})) <
             std::tuple(!right.time, right.time.value_or(Timestamp{}));
    });
    return std::move(graph_);
  }

 private:
  // The node's id, or "" when there is no room for it.
  std::string Node(const std::string& kind, const std::string& name, const std::string& label,
                   const std::string& level = "") {
    std::string id = kind + ":" + name;
    const auto found = index_.find(id);
    if (found != index_.end()) {
      std::string& old = graph_.nodes[found->second].level;
      if (LevelRank(level).value_or(-1) > LevelRank(old).value_or(-1)) old = level;
      return id;
    }
    if (graph_.nodes.size() >= limits::kMaxGraphNodes) {
      if (left_out_.insert(id).second) ++graph_.left_out;
      return {};
    }
    index_[id] = graph_.nodes.size();
    graph_.nodes.push_back({id, kind, label, level});
    return id;
  }
  void Edge(const std::string& from, const std::string& to, const std::string& verb,
            const std::optional<Timestamp>& time) {
    if (from.empty() || to.empty() || from == to) return;
    const auto [found, is_new] = edges_.try_emplace({from, to, verb}, time);
    if (!is_new && time && (!found->second || *time < *found->second)) found->second = time;
  }
  static bool Has(const std::string& id) { return !id.empty(); }

  std::string ActorNode(int actor, const std::string& level = "") {
    if (actor == Actors::kNobody || input_.actors.KindOf(actor) == Actors::Kind::kController) {
      return {};
    }
    const std::string name = input_.actors.ShortName(actor);
    return Node("actor", name, name, level);
  }
  std::string PlaceNode(const Item& item) {
    if (item.on_host) return Node("node", item.node, item.node);
    if (!item.container.empty()) {
      return Node("container", item.container, item.container.substr(0, 12));
    }
    if (!item.pod.empty()) return Node("pod", item.pod, item.pod);
    return {};
  }

  void AddActors() {
    for (const std::vector<size_t>* indexes : {&group_.items, &group_.tried}) {
      for (const size_t i : *indexes) {
        const Item& item = input_.items[i];
        const std::string actor = ActorNode(item.actor, item.finding->level);
        if (!Has(actor)) continue;
        for (const EventFacts* event : item.events) {
          if (event->source_ip.empty()) continue;
          Edge(Node("address", event->source_ip, event->source_ip), actor, "used by", event->time);
        }
      }
    }
  }

  void AddPlaces() {
    for (const Place& place : incident_.places) {
      if (place.kind == "node") {
        Node("node", place.name, place.name);
        continue;
      }
      const std::string pod =
          place.kind == "pod" ? PodKey(place.name_space, place.name) : place.pod;
      std::string node;
      if (place.kind == "pod") {
        node = Node("pod", pod, pod);
      } else {
        node = Node("container", place.name, place.name.substr(0, 12));
        if (pod.find('/') != std::string::npos) {
          Edge(Node("pod", pod, pod), node, "has", place.first);
        }
      }
      if (place.node.empty()) continue;
      const std::string host = Node("node", place.node, place.node);
      if (!place.host_access.empty()) {
        Edge(node, host, "can reach", place.first);
      } else if (place.kind == "pod") {
        Edge(node, host, "runs on", place.first);
      }
    }
  }

  void AddThings() {
    for (const Thing& secret : incident_.secrets) {
      Node("secret", secret.name, secret.name);
      for (const std::string& event : secret.events) secrets_.emplace(event, &secret);
    }
    for (const Thing& identity : incident_.identities) {
      Node("identity", identity.name, identity.name);
      for (const std::string& event : identity.events) identities_.emplace(event, &identity);
    }
  }

  void AddActEdges(const Item& item) {
    const std::string actor = ActorNode(item.actor);
    if (!Has(actor)) return;
    const bool tried = item.refused;
    for (const EventFacts* event : item.events) {
      const std::string verb = (tried ? "tried to " : "") + Verb(*event);
      for (auto [at, end] = secrets_.equal_range(event->id); at != end; ++at) {
        Edge(actor, Node("secret", at->second->name, at->second->name), verb, event->time);
      }
      for (auto [at, end] = identities_.equal_range(event->id); at != end; ++at) {
        Edge(actor, Node("identity", at->second->name, at->second->name), at->second->how,
             event->time);
      }
      if (!item.pod.empty()) Edge(actor, Node("pod", item.pod, item.pod), verb, event->time);
    }
    // The token of a pod's account.
    if (input_.actors.KindOf(item.actor) != Actors::Kind::kServiceAccount) return;
    for (const Place& place : incident_.places) {
      if (place.kind != "pod" || place.service_account != input_.actors.ShortName(item.actor)) {
        continue;
      }
      Edge(Node("pod", PodKey(place.name_space, place.name), ""), actor, "its token used by",
           item.first);
    }
  }
  static std::string Verb(const EventFacts& event) {
    if (event.object_kind == "pods/exec") return "exec";
    return event.action.empty() ? "used" : event.action;
  }

  void AddFile(const Item& item) {
    if (item.actor != Actors::kNobody || item.finding->path.empty()) return;
    const std::string place = PlaceNode(item);
    if (!Has(place)) return;
    const std::string& path = item.finding->path;
    Edge(place, Node("file", place + ":" + path, path, item.finding->level), "holds", item.first);
  }

  void AddFinding(const Item& item) {
    const Finding& finding = *item.finding;
    const std::string node = Node("finding", finding.id, finding.title, finding.level);
    if (!Has(node)) return;
    std::string at = PlaceNode(item);
    if (item.actor == Actors::kNobody && !finding.path.empty() && Has(at)) {
      const std::string file = "file:" + at + ":" + finding.path;
      if (index_.contains(file)) at = file;
    }
    if (item.actor != Actors::kNobody) at = ActorNode(item.actor);
    if (Has(at)) Edge(at, node, "shows", item.first);
  }

  const Case& input_;
  const Group& group_;
  const Incident& incident_;
  Graph graph_;
  std::map<std::string, size_t> index_;
  std::set<std::string> left_out_;
  std::multimap<std::string, const Thing*> secrets_, identities_;  // by event
  std::map<std::tuple<std::string, std::string, std::string>, std::optional<Timestamp>> edges_;
};

}  // namespace

Graph MakeGraph(const Case& input, const Group& group, const Incident& incident) {
  return Builder(input, group, incident).Build();
}

}  // namespace ekshume::detect::story
