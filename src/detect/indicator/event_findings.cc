// SPDX-License-Identifier: Apache-2.0
#include "detect/indicator/event_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/limits.h"

namespace ekshume::detect::indicator {
namespace {

using event::Text;

// What a record says in other words, or not at all: paths, and what was decoded of it.
constexpr std::array kAlways = {Text::kPath,       Text::kProcess,  Text::kCommandLine,
                                Text::kObjectName, Text::kSourceIp, Text::kSha256};
constexpr std::array kCommands = {Text::kPath, Text::kProcess, Text::kCommandLine};
// Of our own making.
constexpr std::array kNever = {Text::kMessage, Text::kTags};

template <typename List>
bool IsIn(Text column, const List& list) {
  return std::ranges::find(list, column) != list.end();
}

void KeepIfSame(std::string& kept, const std::string& value) {
  if (kept != value) kept.clear();
}

std::string ActorOf(const event::Event& event) {
  std::string actor;
  for (const Text column : {Text::kServiceAccount, Text::kUserName, Text::kUserArn}) {
    if (!event[column].empty()) actor = event[column];
  }
  return actor;
}

std::string ObjectOf(const event::Event& event) {
  const std::string& kind = event[Text::kObjectKind];
  const std::string& name = event[Text::kObjectName];
  return kind.empty() || name.empty() ? kind + name : kind + " " + name;
}

}  // namespace

bool IsRead(event::Text column) { return column != Text::kTags; }

std::string_view LevelOf(Kind kind) {
  return kind == Kind::kName || kind == Kind::kPath ? "medium" : "high";
}

std::string Describe(const Indicator& indicator) {
  std::string where =
      indicator.line == 0 ? indicator.file : fmt::format("{}:{}", indicator.file, indicator.line);
  if (!indicator.description.empty()) where += ": " + indicator.description;
  return fmt::format("{} {} ({})", KindName(indicator.kind), indicator.value, where);
}

std::span<const uint32_t> EventFindings::Match(const event::Event& event, std::string_view raw) {
  hits_.clear();
  matched_.clear();
  index_.Search(raw, TextKind::kRecord, hits_);
  for (size_t i = 0; i < event::kTextCount; ++i) {
    const Text column = static_cast<Text>(i);
    if (event[column].empty() || IsIn(column, kNever)) continue;
    if (!raw.empty() && !IsIn(column, kAlways)) continue;
    index_.Search(event[column], IsIn(column, kCommands) ? TextKind::kCommand : TextKind::kRecord,
                  hits_);
  }
  for (const Hit& hit : hits_) matched_.push_back(hit.indicator);
  std::ranges::sort(matched_);
  const auto repeated = std::ranges::unique(matched_);
  matched_.erase(repeated.begin(), repeated.end());
  return matched_;
}

void EventFindings::Add(const event::Event& event, std::string_view id) {
  for (const uint32_t indicator : matched_) AddOne(indicator, event, id);
}

void EventFindings::AddOne(uint32_t indicator, const event::Event& event, std::string_view id) {
  const Indicator what = index_.Get(indicator);
  const std::string actor = ActorOf(event);
  const std::string key = FindingId(
      {"indicator", KindName(what.kind), what.value, actor, event[Text::kCluster],
       event[Text::kNode], event[Text::kNamespace], event[Text::kPod], event[Text::kContainerId]});
  const auto found = findings_.find(key);
  const bool is_new = found == findings_.end();
  if (is_new && findings_.size() >= limits::kMaxFindings) {
    ++left_out_;
    return;
  }
  Gathered& gathered = is_new ? findings_[key] : found->second;
  Finding& finding = gathered.finding;
  if (is_new) {
    finding.id = key;
    finding.detector = "indicator";
    finding.rule = what.value;
    finding.title = fmt::format("Indicator: {} {}", KindName(what.kind), what.value);
    finding.level = LevelOf(what.kind);
    finding.actor = actor;
    finding.cluster = event[Text::kCluster];
    finding.node = event[Text::kNode];
    finding.name_space = event[Text::kNamespace];
    finding.pod = event[Text::kPod];
    finding.container_id = event[Text::kContainerId];
    finding.object = ObjectOf(event);
    finding.path = event[Text::kPath];
    finding.source_ip = event[Text::kSourceIp];
    gathered.what = Describe(what);
  }
  ++finding.count;
  if (event.time) {
    if (!finding.first || *event.time < *finding.first) finding.first = event.time;
    if (!finding.last || *event.time > *finding.last) finding.last = event.time;
  }
  KeepIfSame(finding.object, ObjectOf(event));
  KeepIfSame(finding.path, event[Text::kPath]);
  KeepIfSame(finding.source_ip, event[Text::kSourceIp]);
  Kept kept{!event.time, event.time.value_or(Timestamp{}), std::string(id)};
  if (gathered.kept.empty() || kept < gathered.earliest) {
    gathered.earliest = kept;
    gathered.message = event[Text::kMessage];
  }
  gathered.kept.push_back(std::move(kept));
  if (gathered.kept.size() >= 2 * limits::kMaxFindingEvents) Trim(gathered.kept);
}

void EventFindings::Merge(EventFindings&& other) {
  left_out_ += other.left_out_;
  for (auto& [key, theirs] : other.findings_) {
    const auto found = findings_.find(key);
    if (found == findings_.end()) {
      if (findings_.size() >= limits::kMaxFindings) {
        ++left_out_;
      } else {
        findings_.emplace(key, std::move(theirs));
      }
      continue;
    }
    Gathered& ours = found->second;
    Finding& finding = ours.finding;
    const Finding& more = theirs.finding;
    finding.count += more.count;
    if (more.first && (!finding.first || *more.first < *finding.first)) finding.first = more.first;
    if (more.last && (!finding.last || *more.last > *finding.last)) finding.last = more.last;
    KeepIfSame(finding.object, more.object);
    KeepIfSame(finding.path, more.path);
    KeepIfSame(finding.source_ip, more.source_ip);
    if (theirs.earliest < ours.earliest) {
      ours.earliest = theirs.earliest;
      ours.message = theirs.message;
    }
    std::ranges::move(theirs.kept, std::back_inserter(ours.kept));
    Trim(ours.kept);
  }
  other.findings_.clear();
}

void EventFindings::Trim(std::vector<Kept>& kept) {
  std::ranges::sort(kept);
  if (kept.size() > limits::kMaxFindingEvents) kept.resize(limits::kMaxFindingEvents);
}

std::vector<Finding> EventFindings::Take() {
  std::vector<Finding> list;
  for (auto& [id, gathered] : findings_) {
    Trim(gathered.kept);
    for (Kept& kept : gathered.kept) gathered.finding.events.push_back(std::move(kept.id));
    gathered.finding.explanation =
        gathered.message + (gathered.message.empty() ? "" : ". ") + "It holds the " + gathered.what;
    list.push_back(std::move(gathered.finding));
  }
  findings_.clear();
  SortFindings(list);
  return list;
}

}  // namespace ekshume::detect::indicator
