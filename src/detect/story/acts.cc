// SPDX-License-Identifier: Apache-2.0
#include "detect/story/acts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/limits.h"
#include "detect/story/tactics.h"

namespace ekshume::detect::story {
namespace {

constexpr size_t kMaxSentenceBytes = 1000;

void AddOnce(std::vector<std::string>& list, const std::string& value, size_t most) {
  if (value.empty() || list.size() >= most) return;
  if (std::ranges::find(list, value) == list.end()) list.push_back(value);
}

// What makes two events one act.
std::string ActKey(const Item& item, const EventFacts& event) {
  constexpr char kSeparator = '\x1f';
  const std::string place = PlaceName(item);
  if (event.source == "file") return fmt::format("file{0}{1}{0}{2}", kSeparator, place, event.path);
  return fmt::format("{1}{0}{2}{0}{3}{0}{4}{0}{5}{0}{6}{0}{7}{0}{8}{0}{9}{0}{10}", kSeparator,
                     event.source, item.actor, place, event.action, event.object_kind,
                     event.name_space, event.object_name, event.command_line, event.path,
                     event.outcome);
}

std::string OfFinding(const Item& item) {
  const Finding& finding = *item.finding;
  std::string sentence = finding.title;
  if (!finding.path.empty()) sentence += ": " + finding.path;
  if (const std::string place = PlaceName(item); !place.empty()) sentence += " in " + place;
  return Shorten(sentence, kMaxSentenceBytes);
}

// The message of an event without the ARN behind the name, which the actor's names hold.
std::string Told(const EventFacts& event) {
  std::string told = event.message;
  const std::string arn = " (" + event.user_arn + ")";
  if (const size_t at = told.find(arn); !event.user_arn.empty() && at != std::string::npos) {
    told.erase(at, arn.size());
  }
  return Shorten(told, kMaxSentenceBytes);
}

class ActList {
 public:
  explicit ActList(const Case& input) : input_(input) {}

  void Add(const Item& item) {
    if (item.events.empty()) {
      const std::string key =
          fmt::format("finding\x1f{}\x1f{}\x1f{}", PlaceName(item), item.finding->path,
                      item.finding->path.empty() ? item.finding->id : "");
      // A file that several detectors found is one act, also when events tell of it.
      const auto file =
          acts_.find(fmt::format("file\x1f{}\x1f{}", PlaceName(item), item.finding->path));
      Act& act = file != acts_.end() ? file->second : acts_[key];
      if (act.sentence.empty()) act.sentence = OfFinding(item);
      act.source = act.source.empty() ? item.finding->detector : act.source;
      Take(act, item, item.first, item.last);
      act.count = std::max<uint64_t>(act.count, 1);
      return;
    }
    for (const EventFacts* event : item.events) {
      Act& act = acts_[ActKey(item, *event)];
      if (act.sentence.empty()) {
        const bool told = event->source != "file" && !event->message.empty();
        act.sentence = told ? Told(*event) : OfFinding(item);
        act.refused = event->outcome == "failure";
        act.source = event->source;
      }
      const bool known = std::ranges::find(act.events, event->id) != act.events.end();
      if (!known) ++act.count;
      AddOnce(act.events, event->id, limits::kMaxActEvents);
      AddOnce(act.paths, event->path, limits::kMaxActEvents);
      Take(act, item, event->time, event->time);
    }
  }

  std::vector<Act> Finish(uint64_t& left_out) {
    std::vector<Act> acts;
    acts.reserve(acts_.size());
    for (auto& [key, act] : acts_) acts.push_back(std::move(act));
    left_out = 0;
    if (acts.size() > limits::kMaxActs) {
      left_out = acts.size() - limits::kMaxActs;
      std::ranges::stable_sort(acts, [](const Act& left, const Act& right) {
        return LevelRank(left.level) > LevelRank(right.level);
      });
      acts.resize(limits::kMaxActs);
    }
    std::ranges::stable_sort(acts, [](const Act& left, const Act& right) {
      const bool left_timeless = !left.time;
      const bool right_timeless = !right.time;
      return std::tie(left_timeless, left.time, left.sentence) <
             std::tie(right_timeless, right.time, right.sentence);
    });
    return acts;
  }

 private:
  void Take(Act& act, const Item& item, const std::optional<Timestamp>& first,
            const std::optional<Timestamp>& last) const {
    if (first && (!act.time || *first < *act.time)) act.time = first;
    if (last && (!act.last || *last > *act.last)) act.last = last;
    if (LevelRank(item.finding->level).value_or(2) > LevelRank(act.level).value_or(-1)) {
      act.level = item.finding->level;
    }
    if (act.actor.empty() && item.actor != Actors::kNobody) {
      act.actor = input_.actors.ShortName(item.actor);
    }
    if (act.place.empty()) act.place = PlaceName(item);
    AddOnce(act.findings, item.finding->id, limits::kMaxActFindings);
    AddOnce(act.paths, item.finding->path, limits::kMaxActEvents);
    for (const std::string& tactic : TacticsOf(item.finding->tags)) {
      AddOnce(act.tactics, tactic, limits::kMaxActFindings);
    }
    for (const std::string& technique : TechniquesOf(item.finding->tags)) {
      AddOnce(act.techniques, technique, limits::kMaxActFindings);
    }
  }

  const Case& input_;
  std::map<std::string, Act> acts_;
};

}  // namespace

std::string PlaceName(const Item& item) {
  if (item.on_host) return "node " + item.node;
  if (!item.pod.empty()) return "pod " + item.pod;
  if (!item.container.empty()) return "container " + item.container.substr(0, 12);
  return {};
}

std::string Shorten(std::string_view text, size_t limit) {
  if (text.size() <= limit) return std::string(text);
  size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end)) + "...";
}

std::string Enumerate(const std::vector<std::string>& parts, size_t most) {
  std::string text;
  const size_t shown = std::min(parts.size(), most);
  for (size_t i = 0; i < shown; ++i) {
    const bool is_last = i + 1 == parts.size();
    if (i > 0) text += is_last ? " and " : ", ";
    text += parts[i];
  }
  if (shown < parts.size()) text += fmt::format(" and {} more", parts.size() - shown);
  return text;
}

std::vector<Act> MakeActs(const Case& input, const Group& group, uint64_t& left_out) {
  ActList list(input);
  // Events first, so that what is found of their files joins them.
  for (const bool with_events : {true, false}) {
    for (const std::vector<size_t>* indexes : {&group.tried, &group.items}) {
      for (const size_t i : *indexes) {
        const Item& item = input.items[i];
        if (item.condition || item.events.empty() == with_events) continue;
        list.Add(item);
      }
    }
  }
  return list.Finish(left_out);
}

}  // namespace ekshume::detect::story
