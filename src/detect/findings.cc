// SPDX-License-Identifier: Apache-2.0
#include "detect/findings.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "base/limits.h"

namespace ekshume::detect {
namespace {

using event::Text;

void KeepIfSame(std::string& kept, const std::string& value) {
  if (kept != value) kept.clear();
}

}  // namespace

std::span<const Text> EventBrief::Texts() {
  static constexpr Text kTexts[] = {Text::kServiceAccount, Text::kUserName,   Text::kUserArn,
                                    Text::kObjectKind,     Text::kObjectName, Text::kCluster,
                                    Text::kNode,           Text::kNamespace,  Text::kPod,
                                    Text::kContainerId,    Text::kPath,       Text::kSourceIp,
                                    Text::kMessage};
  return kTexts;
}

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

Findings::Gathered* Findings::Place(const std::string& key, bool& is_new) {
  const auto found = findings_.find(key);
  is_new = found == findings_.end();
  if (!is_new) return &found->second;
  if (findings_.size() >= limits::kMaxFindings) return nullptr;
  return &findings_[key];
}

void Findings::AddEvent(Gathered& gathered, const EventBrief& event) {
  Finding& finding = gathered.finding;
  ++finding.count;
  if (event.time) {
    if (!finding.first || *event.time < *finding.first) finding.first = event.time;
    if (!finding.last || *event.time > *finding.last) finding.last = event.time;
  }
  KeepIfSame(finding.object, event.object);
  KeepIfSame(finding.path, event.path);
  KeepIfSame(finding.source_ip, event.source_ip);
  const bool is_timeless = !event.time;
  const Timestamp time = event.time.value_or(Timestamp{});
  if (gathered.is_full && std::tie(is_timeless, time, event.id) > gathered.latest.Order()) return;
  Kept kept{is_timeless, time, event.id};
  if (gathered.kept.empty() || kept < gathered.earliest) {
    gathered.earliest = kept;
    gathered.message = event.message;
  }
  gathered.kept.push_back(std::move(kept));
  if (gathered.kept.size() >= 2 * limits::kMaxFindingEvents) Trim(gathered);
}

Finding* Findings::Add(std::initializer_list<std::string_view> what,
                       const std::vector<EventRef>& events) {
  if (events.empty()) return nullptr;
  const EventBrief& one = *events.front();
  key_.clear();
  for (const std::string_view part : what) AppendToKey(key_, part);
  for (const std::string* part :
       {&one.actor, &one.cluster, &one.node, &one.name_space, &one.pod, &one.container_id}) {
    AppendToKey(key_, *part);
  }
  bool is_new = false;
  Gathered* const gathered = Place(key_, is_new);
  if (gathered == nullptr) {
    ++left_out_;
    return nullptr;
  }
  Finding& finding = gathered->finding;
  if (is_new) {
    finding.id = IdOfKey(key_);
    finding.actor = one.actor;
    finding.object = one.object;
    finding.cluster = one.cluster;
    finding.node = one.node;
    finding.name_space = one.name_space;
    finding.pod = one.pod;
    finding.container_id = one.container_id;
    finding.path = one.path;
    finding.source_ip = one.source_ip;
  }
  for (const EventRef& event : events) AddEvent(*gathered, *event);
  return is_new ? &finding : nullptr;
}

void Findings::Merge(Findings&& other) {
  left_out_ += other.left_out_;
  for (auto& [key, theirs] : other.findings_) {
    bool is_new = false;
    Gathered* const own = Place(key, is_new);
    if (own == nullptr) {
      ++left_out_;
      continue;
    }
    if (is_new) {
      *own = std::move(theirs);
      continue;
    }
    Finding& finding = own->finding;
    const Finding& their = theirs.finding;
    finding.count += their.count;
    if (their.first && (!finding.first || *their.first < *finding.first)) {
      finding.first = their.first;
    }
    if (their.last && (!finding.last || *their.last > *finding.last)) finding.last = their.last;
    KeepIfSame(finding.object, their.object);
    KeepIfSame(finding.path, their.path);
    KeepIfSame(finding.source_ip, their.source_ip);
    if (theirs.earliest < own->earliest) {
      own->earliest = std::move(theirs.earliest);
      own->message = std::move(theirs.message);
    }
    std::ranges::move(theirs.kept, std::back_inserter(own->kept));
    Trim(*own);
  }
  other.findings_.clear();
}

void Findings::Trim(Gathered& gathered) {
  std::vector<Kept>& kept = gathered.kept;
  std::ranges::sort(kept);
  if (kept.size() > limits::kMaxFindingEvents) kept.resize(limits::kMaxFindingEvents);
  gathered.is_full = kept.size() == limits::kMaxFindingEvents;
  if (gathered.is_full) gathered.latest = kept.back();
}

std::vector<Finding> Findings::Take() {
  std::vector<Finding> list;
  for (auto& [key, gathered] : findings_) {
    Finding& finding = gathered.finding;
    Trim(gathered);
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

}  // namespace ekshume::detect
