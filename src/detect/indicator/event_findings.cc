// SPDX-License-Identifier: Apache-2.0
#include "detect/indicator/event_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

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
  const EventRef brief = EventBrief::Of(event, std::string(id));
  for (const uint32_t number : matched_) {
    const Indicator what = index_.Get(number);
    Finding* const finding = findings_.Add({"indicator", KindName(what.kind), what.value}, {brief});
    if (finding == nullptr) continue;
    finding->detector = "indicator";
    finding->rule = what.value;
    finding->title = fmt::format("Indicator: {} {}", KindName(what.kind), what.value);
    finding->level = LevelOf(what.kind);
    finding->explanation = "It holds the " + Describe(what);
  }
}

}  // namespace ekshume::detect::indicator
