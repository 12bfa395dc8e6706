// SPDX-License-Identifier: Apache-2.0
#include "detect/story/affected.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "base/limits.h"
#include "detect/story/acts.h"
#include "detect/story/tactics.h"

namespace ekshume::detect::story {
namespace {

constexpr size_t kMaxWays = 10;     // by which a host may have been reached, named
constexpr size_t kMaxThings = 500;  // of a kind, named in one incident
constexpr size_t kMaxAddresses = 100;
constexpr size_t kMaxSubjectBytes = 200;

template <typename T>
void SortByTime(std::vector<T>& list) {
  std::ranges::stable_sort(list, [](const T& left, const T& right) {
    const auto key = [](const T& thing) {
      if constexpr (requires { thing.time; }) {
        return std::tuple(!thing.time, thing.time.value_or(Timestamp{}));
      } else {
        return std::tuple(!thing.first, thing.first.value_or(Timestamp{}));
      }
    };
    return key(left) < key(right);
  });
}

void Widen(std::optional<Timestamp>& first, const std::optional<Timestamp>& time) {
  if (time && (!first || *time < *first)) first = time;
}

// What was done to a pod, as it is found out.
struct PodDeeds {
  Place place;
  bool made = false, entered = false, appeared = false, deleted = false;
};

bool IsEntry(const EventFacts& event) {
  return event.object_kind == "pods/exec" || event.object_kind == "pods/attach" ||
         event.object_kind == "pods/ephemeralcontainers" || event.object_kind == "pods/portforward";
}

constexpr const char* kLikelyWay = "it can reach its host, on which something appeared";

std::string How(const PodDeeds& deeds) {
  std::vector<std::string> clauses;
  if (deeds.made) clauses.emplace_back("it was created for this");
  if (deeds.entered) clauses.emplace_back("commands were run in it");
  if (deeds.appeared) clauses.emplace_back("something appeared in it");
  if (deeds.deleted) clauses.emplace_back("it was deleted afterwards");
  if (clauses.empty()) clauses.emplace_back(deeds.place.likely_way ? kLikelyWay : "it was touched");
  return Enumerate(clauses, clauses.size());
}

class Things {
 public:
  explicit Things(std::vector<Thing>& list) : list_(list) {}
  void Add(Thing thing, const Item& item, const EventFacts* event) {
    const std::tuple key(thing.kind, thing.name, thing.where);
    const auto found = by_key_.find(key);
    if (found == by_key_.end() && list_.size() >= kMaxThings) return;
    const size_t index = found == by_key_.end() ? list_.size() : found->second;
    if (found == by_key_.end()) {
      by_key_[key] = index;
      list_.push_back(std::move(thing));
    }
    Thing& kept = list_[index];
    Widen(kept.time, event == nullptr ? item.first : event->time);
    AddOnce(kept.findings, item.finding->id);
    if (event != nullptr) AddOnce(kept.events, event->id);
  }

 private:
  static void AddOnce(std::vector<std::string>& list, const std::string& value) {
    if (list.size() < limits::kMaxActEvents && std::ranges::find(list, value) == list.end()) {
      list.push_back(value);
    }
  }
  std::vector<Thing>& list_;
  std::map<std::tuple<std::string, std::string, std::string>, size_t> by_key_;
};

std::string Object(const EventFacts& event) {
  if (event.name_space.empty()) return event.object_name;
  return event.name_space + "/" + event.object_name;
}

// Secrets and other credentials that an event shows to have been read.
std::optional<Thing> SecretOf(const Item& item, const EventFacts& event, const Places& places) {
  if (event.outcome == "failure") return std::nullopt;
  const bool reads = event.action == "get" || event.action == "list" || event.action == "watch";
  if (event.source == "k8s_audit" && event.object_kind == "secrets" && reads) {
    if (!event.object_name.empty()) return Thing{"secret", Object(event), event.name_space, "read"};
    if (!event.name_space.empty()) {
      return Thing{"secrets", "all of namespace " + event.name_space, event.name_space, "listed"};
    }
    return Thing{"secrets", "all of the cluster", "", "listed"};
  }
  if (event.source == "k8s_audit" && event.object_kind == "serviceaccounts/token" &&
      event.action == "create") {
    return Thing{"service account token", Object(event), event.name_space, "made"};
  }
  if (event.source == "cloudtrail" &&
      (event.action == "GetSecretValue" || event.action == "BatchGetSecretValue" ||
       event.action == "GetParameter" || event.action == "GetParameters" ||
       event.action == "GetParametersByPath")) {
    const std::string name = event.object_name.empty() ? event.action : event.object_name;
    return Thing{event.action.find("Secret") != std::string::npos ? "AWS secret" : "AWS parameter",
                 name, event.account_id, "read"};
  }
  const std::string& command = event.command_line;
  if (command.find("serviceaccount/token") != std::string::npos ||
      command.find("eks.amazonaws.com/serviceaccount") != std::string::npos) {
    const std::string account = places.ServiceAccountOf(item.pod);
    return Thing{"service account token", account.empty() ? "of " + PlaceName(item) : account,
                 PlaceName(item), "read by a command"};
  }
  if (command.find("169.254.169.254") != std::string::npos ||
      command.find("169.254.170.23") != std::string::npos) {
    return Thing{"AWS credentials", "of " + PlaceName(item) + " or its node", PlaceName(item),
                 "asked for by a command"};
  }
  return std::nullopt;
}

// "clusterrolebindings" -> "clusterrolebinding".
std::string Singular(std::string kind) {
  if (kind.ends_with("policies")) return kind.substr(0, kind.size() - 3) + "y";
  if (kind.ends_with('s')) kind.pop_back();
  return kind;
}

bool IsWrite(const EventFacts& event) {
  return event.action == "create" || event.action == "update" || event.action == "patch";
}

void AddKubernetesObject(const Item& item, const EventFacts& event, Things& persistence,
                         Things& identities) {
  constexpr std::array<std::string_view, 14> kLasting = {"clusterrolebindings",
                                                         "clusterroles",
                                                         "cronjobs",
                                                         "daemonsets",
                                                         "deployments",
                                                         "jobs",
                                                         "mutatingwebhookconfigurations",
                                                         "replicasets",
                                                         "rolebindings",
                                                         "roles",
                                                         "secrets",
                                                         "serviceaccounts",
                                                         "statefulsets",
                                                         "validatingwebhookconfigurations"};
  if (!IsWrite(event) || event.outcome == "failure") return;
  const bool is_config = event.object_kind == "configmaps" &&
                         (event.object_name == "aws-auth" || event.object_name == "coredns");
  if (!is_config && std::ranges::find(kLasting, event.object_kind) == kLasting.end()) return;
  const std::string kind = Singular(event.object_kind);
  const std::string how = event.action == "create" ? "created" : "changed";
  persistence.Add({kind, Object(event), event.name_space, how}, item, &event);
  if (event.object_kind == "serviceaccounts") {
    identities.Add({"service account", Object(event), event.name_space, how}, item, &event);
  }
  if (event.object_kind.ends_with("rolebindings")) {
    // "...created clusterrolebinding B, which gives ROLE to SUBJECTS"
    constexpr std::string_view kGives = ", which gives ";
    const size_t gives = event.message.find(kGives);
    const size_t to = gives == std::string::npos ? gives : event.message.find(" to ", gives);
    if (to == std::string::npos) return;
    const size_t role = gives + kGives.size();
    identities.Add(
        {"subject", Shorten(event.message.substr(to + 4), kMaxSubjectBytes), event.name_space,
         "given " + event.message.substr(role, to - role) + " by " + Object(event)},
        item, &event);
  }
}

bool Persists(const Finding& finding) {
  const std::vector<std::string> tactics = TacticsOf(finding.tags);
  return std::ranges::find(tactics, "persistence") != tactics.end();
}

}  // namespace

void FindActors(const Case& input, const Group& group, Incident& incident) {
  std::map<int, Actor> actors;
  const auto take = [&](size_t index, bool tried) {
    const Item& item = input.items[index];
    if (item.actor == Actors::kNobody ||
        input.actors.KindOf(item.actor) == Actors::Kind::kController) {
      return;
    }
    const auto [found, is_new] = actors.try_emplace(item.actor);
    Actor& actor = found->second;
    if (is_new) {
      actor.name = input.actors.ShortName(item.actor);
      actor.kind = KindName(input.actors.KindOf(item.actor));
      actor.names = input.actors.NamesOf(item.actor);
      actor.role = tried ? "tried" : "acted";
      const std::string key = input.actors.Value(item.actor, "access_key_id");
      if (const auto seen = input.facts.first_seen.find(key);
          seen != input.facts.first_seen.end()) {
        actor.first_seen = seen->second;
      }
    }
    if (!tried) actor.role = "acted";
    Widen(actor.first, item.first);
    if (item.last && (!actor.last || *item.last > *actor.last)) actor.last = item.last;
    for (const EventFacts* event : item.events) {
      const std::string& address = event->source_ip;
      if (address.empty() || actor.addresses.size() >= kMaxAddresses) continue;
      if (std::ranges::find(actor.addresses, address) == actor.addresses.end()) {
        actor.addresses.push_back(address);
      }
    }
  };
  for (const size_t i : group.items) take(i, false);
  for (const size_t i : group.tried) take(i, true);
  for (auto& [number, actor] : actors) {
    std::ranges::sort(actor.addresses);
    incident.actors.push_back(std::move(actor));
  }
  SortByTime(incident.actors);
}

void FindPlaces(const Case& input, const Group& group, Incident& incident) {
  std::map<std::string, PodDeeds> pods;
  std::map<std::string, Place> containers;
  std::map<std::string, Place> nodes;
  bool reached = false;  // a pod of the incident can reach a host
  std::optional<Timestamp> host_first;
  for (const size_t i : group.items) {
    if (input.items[i].on_host) Widen(host_first, input.items[i].first);
  }
  for (const size_t i : group.items) {
    const Item& item = input.items[i];
    if (item.on_host) {
      Place& node = nodes[item.node];
      node.kind = "node";
      node.name = item.node;
      node.how = "something appeared on it";
      Widen(node.first, item.first);
      continue;
    }
    if (!item.container.empty()) {
      Place& place = containers[item.container];
      place.kind = "container";
      place.name = item.container;
      place.pod = item.pod;
      place.node = item.node;
      place.how = item.condition ? "it can reach its host" : "something appeared in it";
      if (const ContainerFacts* facts = input.places.Container(item.container)) {
        place.image = facts->image;
        place.host_access = facts->host_access;
        if (place.pod.empty()) place.pod = facts->name;
      }
      reached = reached || !place.host_access.empty();
      Widen(place.first, item.condition ? host_first : item.first);
    }
    if (item.pod.empty()) continue;
    PodDeeds& deeds = pods[item.pod];
    if (!item.condition) Widen(deeds.place.first, item.first);
    const bool by_somebody = item.actor != Actors::kNobody &&
                             input.actors.KindOf(item.actor) != Actors::Kind::kController;
    for (const EventFacts* event : item.events) {
      if (event->outcome == "failure" || !by_somebody) continue;
      if (IsEntry(*event)) deeds.entered = true;
      if (event->object_kind == "pods" && event->action == "create") deeds.made = true;
      if (event->object_kind == "pods" && event->action.starts_with("delete")) deeds.deleted = true;
    }
    if (item.actor == Actors::kNobody && !item.condition) deeds.appeared = true;
  }
  for (auto& [key, deeds] : pods) {
    Place& place = deeds.place;
    place.kind = "pod";
    place.likely_way = !place.first;
    if (place.likely_way) place.first = host_first;
    place.how = How(deeds);
    place.host_access = input.places.HostAccess(key);
    place.node = input.places.NodeOf(key);
    place.service_account = input.places.ServiceAccountOf(key);
    if (const PodFacts* facts = input.places.Pod(key)) {
      place.name = facts->name;
      place.name_space = facts->name_space;
      place.uid = facts->uid;
    }
    reached = reached || !place.host_access.empty();
    if (!place.node.empty()) {
      Place& node = nodes[place.node];
      if (node.name.empty()) {
        node.kind = "node";
        node.name = place.node;
        node.how = "it runs " + key;
      }
      if (deeds.entered && !place.host_access.empty() && !node.first) {
        node.how = "it was within reach of commands in " + key;
        node.first = place.first;
      }
    }
    incident.places.push_back(std::move(place));
  }
  for (auto& [id, place] : containers) incident.places.push_back(std::move(place));
  for (auto& [name, node] : nodes) {
    // Who could have been there, when no pod of the incident could.
    if (!reached && node.first) {
      size_t ways = 0;
      for (const ContainerFacts* way : input.places.WaysTo(name)) {
        if (way->since && *way->since > *node.first) continue;
        if (++ways > kMaxWays) break;
        Place place;
        place.kind = "container";
        place.name = way->id;
        place.name_space = way->name_space;
        place.pod = way->pod.empty() ? way->name : PodKey(way->name_space, way->pod);
        place.node = name;
        place.image = way->image;
        place.host_access = way->host_access;
        place.likely_way = true;
        place.how = kLikelyWay;
        place.first = node.first;
        incident.places.push_back(std::move(place));
      }
    }
    incident.places.push_back(std::move(node));
  }
  SortByTime(incident.places);
}

void FindThings(const Case& input, const Group& group, Incident& incident) {
  Things secrets(incident.secrets);
  Things persistence(incident.persistence);
  Things identities(incident.identities);
  std::vector<size_t> by_command;
  for (const size_t i : group.items) {
    const Item& item = input.items[i];
    for (const EventFacts* event : item.events) {
      if (const auto secret = SecretOf(item, *event, input.places)) {
        secrets.Add(*secret, item, event);
      }
      if (event->source == "k8s_audit" && item.actor != Actors::kNobody) {
        AddKubernetesObject(item, *event, persistence, identities);
      }
      if (event->source == "cloudtrail" && Persists(*item.finding) && event->outcome != "failure") {
        persistence.Add({"AWS " + event->action,
                         event->object_name.empty() ? event->action : event->object_name,
                         event->account_id, "called"},
                        item, event);
      }
    }
    if (!Persists(*item.finding) || item.refused) continue;
    if (item.actor == Actors::kNobody && !item.finding->path.empty()) {
      persistence.Add({"file", item.finding->path, PlaceName(item), item.finding->title}, item,
                      nullptr);
    }
    if (item.actor != Actors::kNobody && !item.pod.empty() &&
        std::ranges::any_of(item.events, [](const EventFacts* event) { return IsEntry(*event); })) {
      by_command.push_back(i);
    }
  }
  // Where the disk shows what a command left, the command says nothing more.
  const bool on_disk = std::ranges::any_of(incident.persistence,
                                           [](const Thing& thing) { return thing.kind == "file"; });
  for (const size_t i : by_command) {
    const Item& item = input.items[i];
    if (on_disk) break;
    persistence.Add({"by a command", item.finding->title, PlaceName(item), "run"}, item, nullptr);
  }
  SortByTime(incident.secrets);
  SortByTime(incident.persistence);
  SortByTime(incident.identities);
}

}  // namespace ekshume::detect::story
