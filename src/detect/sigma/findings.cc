// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/findings.h"

#include <algorithm>

#include "base/limits.h"

namespace ekshume::detect::sigma {
namespace {

using event::Text;

void KeepIfSame(std::string& kept, const std::string& value) {
  if (kept != value) kept.clear();
}

}  // namespace

EventRef EventBrief::Of(const event::Event& event, std::string id) {
  auto brief = std::make_shared<EventBrief>();
  brief->id = std::move(id);
  brief->time = event.time;
  for (const Text column : {Text::kServiceAccount, Text::kUserName, Text::kUserArn}) {
    if (!event[column].empty()) brief->actor = event[column];
  }
  brief->object = event[Text::kObjectKind];
  if (!event[Text::kObjectName].empty()) {
    if (!brief->object.empty()) brief->object += ' ';
    brief->object += event[Text::kObjectName];
  }
  brief->cluster = event[Text::kCluster];
  brief->node = event[Text::kNode];
  brief->name_space = event[Text::kNamespace];
  brief->pod = event[Text::kPod];
  brief->container_id = event[Text::kContainerId];
  brief->path = event[Text::kPath];
  brief->source_ip = event[Text::kSourceIp];
  brief->message = event[Text::kMessage];
  return brief;
}

void Findings::Add(const Head& rule, const std::vector<EventRef>& events) {
  if (events.empty()) return;
  const EventBrief& one = *events.front();
  const std::string& name = rule.id.empty() ? rule.title : rule.id;
  const std::string key = FindingId(
      {name, one.actor, one.cluster, one.node, one.name_space, one.pod, one.container_id});
  const auto found = findings_.find(key);
  if (found == findings_.end() && findings_.size() >= limits::kMaxFindings) {
    ++left_out_;
    return;
  }
  const bool is_new = found == findings_.end();
  Gathered& gathered = is_new ? findings_[key] : found->second;
  Finding& finding = gathered.finding;
  if (is_new) {
    finding.id = key;
    finding.detector = "sigma";
    finding.rule = name;
    finding.title = rule.title;
    finding.level = finding.rule_level = rule.level;
    finding.tags = rule.tags;
    finding.actor = one.actor;
    finding.object = one.object;
    finding.cluster = one.cluster;
    finding.node = one.node;
    finding.name_space = one.name_space;
    finding.pod = one.pod;
    finding.container_id = one.container_id;
    finding.path = one.path;
    finding.source_ip = one.source_ip;
    finding.explanation = rule.description;
  }
  for (const EventRef& event : events) {
    ++finding.count;
    if (event->time) {
      if (!finding.first || *event->time < *finding.first) finding.first = event->time;
      if (!finding.last || *event->time > *finding.last) finding.last = event->time;
    }
    KeepIfSame(finding.object, event->object);
    KeepIfSame(finding.path, event->path);
    KeepIfSame(finding.source_ip, event->source_ip);
    Kept kept{!event->time, event->time.value_or(Timestamp{}), event->id};
    if (gathered.kept.empty() || kept < gathered.earliest) {
      gathered.earliest = kept;
      gathered.message = event->message;
    }
    gathered.kept.push_back(std::move(kept));
    if (gathered.kept.size() >= 2 * limits::kMaxFindingEvents) Trim(gathered.kept);
  }
}

void Findings::Trim(std::vector<Kept>& kept) {
  std::ranges::sort(kept);
  if (kept.size() > limits::kMaxFindingEvents) kept.resize(limits::kMaxFindingEvents);
}

std::vector<Finding> Findings::Take() {
  std::vector<Finding> list;
  for (auto& [id, gathered] : findings_) {
    Finding& finding = gathered.finding;
    Trim(gathered.kept);
    for (Kept& kept : gathered.kept) finding.events.push_back(std::move(kept.id));
    if (!gathered.message.empty()) {
      finding.explanation =
          gathered.message + (finding.explanation.empty() ? "" : ". " + finding.explanation);
    }
    list.push_back(std::move(finding));
  }
  findings_.clear();
  SortFindings(list);
  return list;
}

}  // namespace ekshume::detect::sigma
