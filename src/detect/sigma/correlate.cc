// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/correlate.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "base/limits.h"

namespace ekshume::detect::sigma {
namespace {

// What one match says to each correlation that it, or a correlation of it, may take part in.
struct Role {
  uint32_t correlation = 0;
  std::vector<std::string> group;  // empty texts: it takes no part
  std::string value;
  bool takes_part = true;
};
using Roles = std::shared_ptr<const std::vector<Role>>;

struct Entry {
  int64_t time_ns = 0;
  uint32_t member = 0;  // which of Correlation::rules
  std::vector<EventRef> events;
  std::string value;
  Roles roles;
};

// The events of one group that may still matter.
struct Window {
  std::deque<Entry> entries;
  // Sliding windows: what is measured of the entries, kept up to date.
  std::map<std::string, size_t, std::less<>> counts;  // of values, or of members
  double sum = 0;
  bool holds = false;  // sliding windows: the condition held with the last event
  // temporal_ordered: by member the newest chain of events that ends with it.
  std::vector<std::optional<Entry>> chains;
};

bool IsNamed(const Head& head, std::string_view reference) {
  return (!head.id.empty() && head.id == reference) ||
         (!head.name.empty() && head.name == reference);
}

std::optional<double> NumberOf(std::string_view text) {
  double number = 0;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [last, error] = std::from_chars(begin, end, number);
  if (error != std::errc() || last != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

bool Fulfils(const std::vector<CorrelationBound>& bounds, double value) {
  return std::ranges::all_of(bounds, [&](const CorrelationBound& bound) {
    switch (bound.comparison) {
      case Comparison::kEqual: return (value == bound.value) != bound.not_equal;
      case Comparison::kLess: return value < bound.value;
      case Comparison::kLessOrEqual: return value <= bound.value;
      case Comparison::kGreater: return value > bound.value;
      case Comparison::kGreaterOrEqual: return value >= bound.value;
    }
    return false;
  });
}

// Whether more events can only fulfil the condition more.
bool OnlyGrows(const Correlation& correlation) {
  if (correlation.type == CorrelationType::kValueAverage ||
      correlation.type == CorrelationType::kValuePercentile) {
    return false;
  }
  return std::ranges::all_of(correlation.bounds, [](const CorrelationBound& bound) {
    return bound.comparison == Comparison::kGreater ||
           bound.comparison == Comparison::kGreaterOrEqual;
  });
}

// The nearest rank.
double Percentile(std::vector<double> numbers, double percentile) {
  std::ranges::sort(numbers);
  const double rank = std::ceil(percentile / 100 * static_cast<double>(numbers.size()));
  const auto index = static_cast<size_t>(std::max(rank, 1.0)) - 1;
  return numbers[std::min(index, numbers.size() - 1)];
}

// a - b, or the largest number where that does not fit: times come from evidence.
int64_t Elapsed(int64_t a, int64_t b) {
  int64_t difference = 0;
  if (__builtin_sub_overflow(a, b, &difference)) return a > b ? INT64_MAX : INT64_MIN;
  return difference;
}

// What is counted of an entry.
std::string CountedOf(const Correlation& correlation, const Entry& entry) {
  return correlation.type == CorrelationType::kValueCount ? entry.value
                                                          : std::to_string(entry.member);
}

// The measure of a sliding window.
double MeasureSliding(const Correlation& correlation, const Window& window) {
  if (correlation.type == CorrelationType::kEventCount) {
    return static_cast<double>(window.entries.size());
  }
  if (correlation.type == CorrelationType::kValueSum) return window.sum;
  return static_cast<double>(window.counts.size());
}

// What the bounds are compared with; none when there is nothing to compare.
std::optional<double> Measure(const Correlation& correlation, const std::deque<Entry>& entries) {
  if (entries.empty()) return std::nullopt;
  std::set<std::string_view> distinct;
  std::set<uint32_t> members;
  std::vector<double> numbers;
  double sum = 0;
  for (const Entry& entry : entries) {
    switch (correlation.type) {
      case CorrelationType::kEventCount: break;
      case CorrelationType::kValueCount: distinct.insert(entry.value); break;
      case CorrelationType::kTemporal:
      case CorrelationType::kTemporalOrdered: members.insert(entry.member); break;
      default:
        if (const std::optional<double> number = NumberOf(entry.value)) {
          numbers.push_back(*number);
          sum += *number;
        }
    }
  }
  switch (correlation.type) {
    case CorrelationType::kEventCount: return static_cast<double>(entries.size());
    case CorrelationType::kValueCount: return static_cast<double>(distinct.size());
    case CorrelationType::kTemporal:
    case CorrelationType::kTemporalOrdered: return static_cast<double>(members.size());
    default: break;
  }
  if (numbers.empty()) return std::nullopt;
  if (correlation.type == CorrelationType::kValueSum) return sum;
  if (correlation.type == CorrelationType::kValueAverage) {
    return sum / static_cast<double>(numbers.size());
  }
  return Percentile(std::move(numbers), correlation.percentile);
}

}  // namespace

struct Correlator::State {
  // Where a rule or correlation is a member.
  struct Membership {
    uint32_t correlation = 0;
    uint32_t member = 0;
  };
  struct Running {
    std::vector<Membership> parents;
    std::map<std::vector<std::string>, Window> windows;
    size_t kept = 0;
    int64_t swept_ns = INT64_MIN;
  };

  const std::vector<Rule>& rules;
  const std::vector<Correlation>& correlations;
  Found found;
  std::vector<std::vector<Membership>> parents_of_rule;
  std::vector<std::set<uint32_t>> ancestors_of_rule;  // also through other correlations
  std::vector<Running> running;
  uint64_t forgot = 0;

  bool Names(const Correlation& correlation, const Head& head, uint32_t& member) const {
    for (size_t i = 0; i < correlation.rules.size(); ++i) {
      if (!IsNamed(head, correlation.rules[i])) continue;
      member = static_cast<uint32_t>(i);
      return true;
    }
    return false;
  }

  void Connect() {
    running.resize(correlations.size());
    for (uint32_t c = 0; c < correlations.size(); ++c) {
      uint32_t member = 0;
      for (uint32_t r = 0; r < rules.size(); ++r) {
        if (Names(correlations[c], rules[r].head, member))
          parents_of_rule[r].push_back({c, member});
      }
      for (uint32_t other = 0; other < c; ++other) {
        if (Names(correlations[c], correlations[other].head, member)) {
          running[other].parents.push_back({c, member});
        }
      }
    }
    // Parents stand behind their members, so one pass in that order reaches all.
    for (uint32_t r = 0; r < rules.size(); ++r) {
      std::set<uint32_t>& ancestors = ancestors_of_rule[r];
      for (const Membership& parent : parents_of_rule[r]) ancestors.insert(parent.correlation);
      for (auto at = ancestors.begin(); at != ancestors.end(); ++at) {
        for (const Membership& parent : running[*at].parents) ancestors.insert(parent.correlation);
      }
    }
  }

  // The field that a name of group-by or `field` means in events of a rule.
  std::string FieldOf(const Correlation& correlation, uint32_t rule,
                      const std::string& name) const {
    const auto alias = correlation.aliases.find(name);
    if (alias == correlation.aliases.end()) return name;
    for (const auto& [reference, field] : alias->second) {
      if (IsNamed(rules[rule].head, reference)) return field;
    }
    // Or the alias names a correlation of which this rule is a part.
    for (const uint32_t ancestor : ancestors_of_rule[rule]) {
      for (const auto& [reference, field] : alias->second) {
        if (IsNamed(correlations[ancestor].head, reference)) return field;
      }
    }
    return name;
  }

  Roles RolesOf(uint32_t rule, const ValueOf& value_of) const {
    auto roles = std::make_shared<std::vector<Role>>();
    for (const uint32_t c : ancestors_of_rule[rule]) {
      const Correlation& correlation = correlations[c];
      Role& role = roles->emplace_back();
      role.correlation = c;
      for (const std::string& name : correlation.group_by) {
        role.group.push_back(value_of(rule, FieldOf(correlation, rule, name)));
        role.takes_part = role.takes_part && !role.group.back().empty();
      }
      if (!correlation.field.empty()) {
        role.value = value_of(rule, FieldOf(correlation, rule, correlation.field));
        role.takes_part = role.takes_part && !role.value.empty();
      }
    }
    return roles;
  }

  // NOLINTBEGIN(misc-no-recursion): correlations come behind their members, so there is no circle
  void Emit(uint32_t c, const std::vector<std::string>& group, const Entry& last,
            const std::vector<EventRef>& events, bool extends) {
    found({c, group, events, extends});
    if (extends) return;
    for (const Membership& parent : running[c].parents) {
      Entry entry = last;
      entry.events = events;
      Enter(parent, std::move(entry));
    }
  }

  static std::vector<EventRef> EventsOf(const std::deque<Entry>& entries) {
    std::vector<EventRef> events;
    for (const Entry& entry : entries) {
      events.insert(events.end(), entry.events.begin(), entry.events.end());
    }
    return events;
  }

  void Enter(const Membership& place, Entry entry) {
    const uint32_t c = place.correlation;
    const Correlation& correlation = correlations[c];
    const auto role = std::ranges::find(*entry.roles, c, &Role::correlation);
    if (role == entry.roles->end() || !role->takes_part) return;
    entry.member = place.member;
    entry.value = role->value;
    Running& own = running[c];
    if (own.kept >= limits::kMaxCorrelatedEvents) {
      Sweep(c, entry.time_ns);
      if (own.kept >= limits::kMaxCorrelatedEvents) {
        forgot += own.kept;
        own.windows.clear();
        own.kept = 0;
      }
    }
    const std::vector<std::string> group = role->group;
    Window& window = own.windows[group];
    if (correlation.type == CorrelationType::kTemporalOrdered && correlation.bounds.empty()) {
      return Follow(c, group, window, std::move(entry));
    }
    if (!OnlyGrows(correlation)) {
      if (!window.entries.empty() &&
          Elapsed(entry.time_ns, window.entries.front().time_ns) > correlation.timespan_ns) {
        Judge(c, group, window);
      }
      Window& open = own.windows[group];
      open.entries.push_back(std::move(entry));
      ++own.kept;
      return;
    }
    Slide(c, group, window, entry);
  }

  void Slide(uint32_t c, const std::vector<std::string>& group, Window& window,
             const Entry& entry) {
    const Correlation& correlation = correlations[c];
    Running& own = running[c];
    while (!window.entries.empty() &&
           Elapsed(entry.time_ns, window.entries.front().time_ns) > correlation.timespan_ns) {
      const Entry& oldest = window.entries.front();
      const auto counted = window.counts.find(CountedOf(correlation, oldest));
      if (--counted->second == 0) window.counts.erase(counted);
      window.sum -= NumberOf(oldest.value).value_or(0);
      window.entries.pop_front();
      --own.kept;
    }
    window.entries.push_back(entry);
    ++window.counts[CountedOf(correlation, entry)];
    window.sum += NumberOf(entry.value).value_or(0);
    ++own.kept;
    const double measure = MeasureSliding(correlation, window);
    std::vector<CorrelationBound> bounds = correlation.bounds;
    if (bounds.empty()) {  // temporal: all of its rules
      bounds.push_back(
          {Comparison::kGreaterOrEqual, false, static_cast<double>(correlation.rules.size())});
    }
    const bool held = std::exchange(window.holds, Fulfils(bounds, measure));
    if (!window.holds) return;
    Emit(c, group, entry, held ? entry.events : EventsOf(window.entries), held);
  }

  // temporal_ordered: the newest chain of events of the members in their order.
  void Follow(uint32_t c, const std::vector<std::string>& group, Window& window, Entry entry) {
    const Correlation& correlation = correlations[c];
    window.chains.resize(correlation.rules.size());
    const uint32_t member = entry.member;
    Entry chain = entry;  // its time is that of its first event
    if (member > 0) {
      const std::optional<Entry>& before = window.chains[member - 1];
      if (!before || Elapsed(entry.time_ns, before->time_ns) > correlation.timespan_ns) return;
      chain = *before;
      chain.events.insert(chain.events.end(), entry.events.begin(), entry.events.end());
    }
    if (!window.chains[member]) ++running[c].kept;
    window.chains[member] = chain;
    if (member + 1 == correlation.rules.size()) Emit(c, group, entry, chain.events, false);
  }

  void Judge(uint32_t c, const std::vector<std::string>& group, Window& window) {
    const std::deque<Entry> entries = std::exchange(window.entries, {});
    running[c].kept -= entries.size();
    const std::optional<double> measure = Measure(correlations[c], entries);
    if (!measure || !Fulfils(correlations[c].bounds, *measure)) return;
    Emit(c, group, entries.back(), EventsOf(entries), false);
  }

  // Windows that no event can reach any more are judged and forgotten.
  void Sweep(uint32_t c, int64_t now_ns, bool all = false) {
    Running& own = running[c];
    const int64_t timespan = correlations[c].timespan_ns;
    const bool is_judged_late = !OnlyGrows(correlations[c]);
    for (auto at = own.windows.begin(); at != own.windows.end();) {
      Window& window = at->second;
      int64_t newest = INT64_MIN;
      if (!window.entries.empty()) {
        newest = is_judged_late ? window.entries.front().time_ns : window.entries.back().time_ns;
      }
      size_t chains = 0;
      for (const std::optional<Entry>& chain : window.chains) {
        if (chain) newest = std::max(newest, chain->time_ns);
        chains += chain ? 1 : 0;
      }
      if (!all && newest != INT64_MIN && Elapsed(now_ns, newest) <= timespan) {
        ++at;
        continue;
      }
      if (is_judged_late && !window.entries.empty()) Judge(c, at->first, window);
      own.kept -= window.entries.size() + chains;
      at = own.windows.erase(at);
    }
  }
  // NOLINTEND(misc-no-recursion)

  // In order, so that what a window gives when it is over reaches its parents before they end.
  void SweepAll(int64_t now_ns) {
    for (uint32_t c = 0; c < correlations.size(); ++c) {
      Running& own = running[c];
      if (Elapsed(now_ns, own.swept_ns) < correlations[c].timespan_ns) continue;
      own.swept_ns = now_ns;
      Sweep(c, now_ns);
    }
  }
};

Correlator::Correlator(const std::vector<Rule>& rules, const std::vector<Correlation>& correlations,
                       Found found)
    : state_(new State{rules,
                       correlations,
                       std::move(found),
                       std::vector<std::vector<State::Membership>>(rules.size()),
                       std::vector<std::set<uint32_t>>(rules.size()),
                       {},
                       0}) {
  if (!correlations.empty()) state_->Connect();
}
Correlator::~Correlator() = default;

bool Correlator::Wants(uint32_t rule) const { return !state_->parents_of_rule[rule].empty(); }

std::vector<std::string> Correlator::FieldsOf(uint32_t rule) const {
  std::set<std::string> fields;
  for (const uint32_t c : state_->ancestors_of_rule[rule]) {
    const Correlation& correlation = state_->correlations[c];
    for (const std::string& name : correlation.group_by) {
      fields.insert(state_->FieldOf(correlation, rule, name));
    }
    if (!correlation.field.empty()) {
      fields.insert(state_->FieldOf(correlation, rule, correlation.field));
    }
  }
  return {fields.begin(), fields.end()};
}

void Correlator::Add(const std::vector<uint32_t>& rules, int64_t time_ns, const EventRef& event,
                     const ValueOf& value_of) {
  State& state = *state_;
  state.SweepAll(time_ns);
  // Later members first, so that one event is no chain with itself.
  std::vector<std::pair<State::Membership, Entry>> entries;
  for (const uint32_t rule : rules) {
    if (!Wants(rule)) continue;
    const Roles roles = state.RolesOf(rule, value_of);
    for (const State::Membership& parent : state.parents_of_rule[rule]) {
      entries.push_back({parent, {time_ns, parent.member, {event}, {}, roles}});
    }
  }
  std::ranges::stable_sort(entries, [](const auto& left, const auto& right) {
    return left.first.member > right.first.member;
  });
  for (auto& [parent, entry] : entries) state.Enter(parent, std::move(entry));
}

void Correlator::Finish() {
  for (uint32_t c = 0; c < state_->correlations.size(); ++c) state_->Sweep(c, 0, true);
}

uint64_t Correlator::forgot() const { return state_->forgot; }

}  // namespace ekshume::detect::sigma
