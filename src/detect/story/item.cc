// SPDX-License-Identifier: Apache-2.0
#include "detect/story/item.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"

namespace ekshume::detect::story {
namespace {

// What an administrator writes as part of the job, and what an intruder writes too: it takes more
// than that to tell them apart.
bool IsAdministration(const EventFacts& event) {
  constexpr std::array<std::string_view, 9> kKinds = {
      "clusterrolebindings", "clusterroles", "configmaps", "namespaces",     "networkpolicies",
      "rolebindings",        "roles",        "secrets",    "serviceaccounts"};
  constexpr std::array<std::string_view, 4> kVerbs = {"create", "update", "patch", "delete"};
  return event.source == "k8s_audit" &&
         std::ranges::find(kKinds, event.object_kind) != kKinds.end() &&
         std::ranges::find(kVerbs, event.action) != kVerbs.end();
}

// How a container is set up: no act, and true of many that belong to the cluster.
bool IsCondition(const Finding& finding) { return finding.rule == "drift.host_access"; }

void Describe(Item& item, const Places& places) {
  const Finding& finding = *item.finding;
  item.rank = LevelRank(finding.level).value_or(2);
  item.first = finding.first;
  item.last = finding.last ? finding.last : finding.first;
  item.container = finding.container_id;
  item.node = finding.node;
  if (!finding.pod.empty()) item.pod = PodKey(finding.name_space, finding.pod);
  if (item.pod.empty() && !item.container.empty()) {
    if (const ContainerFacts* container = places.Container(item.container);
        container != nullptr && !container->pod.empty()) {
      item.pod = PodKey(container->name_space, container->pod);
    }
  }
  if (item.node.empty() && !item.pod.empty()) item.node = places.NodeOf(item.pod);
  const bool is_file = !finding.path.empty() && finding.detector != "sigma";
  item.on_host = item.container.empty() && !finding.node.empty() && (item.pod.empty() || is_file) &&
                 item.actor == Actors::kNobody;
  item.condition = IsCondition(finding);
}

}  // namespace

std::string PodKey(std::string_view name_space, std::string_view name) {
  std::string key(name_space);
  key += '/';
  key += name;
  return key;
}

bool HasTag(std::string_view tags, std::string_view word) {
  for (const std::string_view tag : SplitNonEmpty(tags, ' ')) {
    if (tag == word) return true;
  }
  return false;
}

std::string TagValue(std::string_view tags, std::string_view name) {
  for (const std::string_view tag : SplitNonEmpty(tags, ' ')) {
    if (tag.size() > name.size() && tag.starts_with(name) && tag[name.size()] == '=') {
      return std::string(tag.substr(name.size() + 1));
    }
  }
  return {};
}

Places::Places(const Facts& facts, const std::vector<Finding>& findings) {
  for (const PodFacts& pod : facts.pods) {
    pods_.try_emplace(PodKey(pod.name_space, pod.name), pod);
    // The address of a pod in the node's network is the node's.
    if (!pod.address.empty() && pod.host_access.empty()) {
      by_address_.try_emplace(pod.address, PodKey(pod.name_space, pod.name));
    }
  }
  for (const ContainerFacts& container : facts.containers) {
    containers_.try_emplace(container.id, &container);
    if (container.pod.empty()) continue;
    PodFacts& pod = pods_[PodKey(container.name_space, container.pod)];
    pod.name_space = container.name_space;
    pod.name = container.pod;
    if (pod.node.empty()) pod.node = container.node;
    for (const std::string& way : container.host_access) {
      if (std::ranges::find(pod.host_access, way) == pod.host_access.end()) {
        pod.host_access.push_back(way);
      }
    }
  }
  for (const auto& [id, event] : facts.events) {
    if (event.pod.empty()) continue;
    PodFacts& pod = pods_[PodKey(event.name_space, event.pod)];
    pod.name_space = event.name_space;
    pod.name = event.pod;
    if (pod.node.empty()) pod.node = event.node;
    if (pod.uid.empty()) pod.uid = event.pod_uid;
    if (event.source != "k8s_audit" || event.action != "create" || event.object_kind != "pods") {
      continue;
    }
    if (const std::string account = TagValue(event.tags, "pod_service_account");
        !account.empty() && pod.service_account.empty()) {
      pod.service_account = account;
    }
    if (!pod.host_access.empty()) continue;
    for (const std::string_view tag : SplitNonEmpty(event.tags, ' ')) {
      if (tag == "privileged") pod.host_access.emplace_back("privileged");
      if (tag == "host_pid") pod.host_access.emplace_back("host process namespace");
      if (tag.starts_with("host_path=")) {
        pod.host_access.push_back("host mount " + std::string(tag.substr(10)));
      }
      if (tag == "cap_add=SYS_ADMIN" || tag == "cap_add=SYS_PTRACE" ||
          tag == "cap_add=SYS_MODULE" || tag == "cap_add=ALL") {
        pod.host_access.push_back("capability " + std::string(tag.substr(8)));
      }
      if (tag == "host_network") pod.host_access.emplace_back("host network");
    }
  }
  // Where something was found in a pod, the finding may know its node.
  for (const Finding& finding : findings) {
    if (finding.pod.empty() || finding.node.empty()) continue;
    PodFacts& pod = pods_[PodKey(finding.name_space, finding.pod)];
    pod.name_space = finding.name_space;
    pod.name = finding.pod;
    if (pod.node.empty()) pod.node = finding.node;
  }
}

const PodFacts* Places::Pod(const std::string& key) const {
  const auto found = pods_.find(key);
  return found == pods_.end() ? nullptr : &found->second;
}

const ContainerFacts* Places::Container(const std::string& id) const {
  const auto found = containers_.find(id);
  return found == containers_.end() ? nullptr : found->second;
}

const std::vector<std::string>& Places::HostAccess(const std::string& pod) const {
  static const std::vector<std::string> kNone;
  const PodFacts* facts = Pod(pod);
  return facts == nullptr ? kNone : facts->host_access;
}

std::string Places::NodeOf(const std::string& pod) const {
  const PodFacts* facts = Pod(pod);
  return facts == nullptr ? std::string() : facts->node;
}

std::string Places::ServiceAccountOf(const std::string& pod) const {
  const PodFacts* facts = Pod(pod);
  if (facts == nullptr || facts->service_account.empty()) return {};
  if (facts->service_account.find('/') != std::string::npos) return facts->service_account;
  return facts->name_space + "/" + facts->service_account;
}

std::string Places::PodAt(const std::string& address) const {
  const auto found = by_address_.find(address);
  return found == by_address_.end() ? std::string() : found->second;
}

std::vector<const ContainerFacts*> Places::WaysTo(const std::string& node) const {
  std::vector<const ContainerFacts*> ways;
  for (const auto& [id, container] : containers_) {
    if (container->host_access.empty()) continue;
    if (container->node.empty() || node.empty() || container->node == node) {
      ways.push_back(container);
    }
  }
  return ways;
}

std::vector<Item> MakeItems(const std::vector<Finding>& findings, const Facts& facts,
                            Actors& actors, const Places& places) {
  std::vector<Item> items;
  items.reserve(findings.size());
  for (const Finding& finding : findings) {
    Item item;
    item.finding = &finding;
    for (const std::string& id : finding.events) {
      const auto found = facts.events.find(id);
      if (found != facts.events.end()) item.events.push_back(&found->second);
    }
    for (const EventFacts* event : item.events) {
      if (item.actor == Actors::kNobody) item.actor = actors.Of(*event);
    }
    if (item.events.empty()) item.actor = actors.Of(finding);
    Describe(item, places);
    if (!item.events.empty()) {
      item.refused = std::ranges::all_of(
          item.events, [](const EventFacts* event) { return event->outcome == "failure"; });
      item.administration = std::ranges::all_of(
          item.events, [](const EventFacts* event) { return IsAdministration(*event); });
    }
    item.anonymous =
        item.actor != Actors::kNobody && actors.KindOf(item.actor) == Actors::Kind::kAnonymous;
    item.administration = item.administration && item.actor != Actors::kNobody && item.rank < 4 &&
                          actors.KindOf(item.actor) == Actors::Kind::kPerson;
    const bool only_tried = item.refused && (item.anonymous || item.rank < 3);
    item.begins = item.rank >= 2 && !item.condition && !item.administration && !only_tried &&
                  !(item.anonymous && item.rank < 3);
    items.push_back(std::move(item));
  }
  return items;
}

}  // namespace ekshume::detect::story
