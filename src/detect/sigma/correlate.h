// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "detect/sigma/findings.h"
#include "detect/sigma/rule.h"

namespace ekshume::detect::sigma {

// What a correlation found.
struct Correlated {
  uint32_t correlation = 0;        // its place among the correlations
  std::vector<std::string> group;  // values of group-by, in its order
  std::vector<EventRef> events;    // as given to Add(), in order of time
  bool extends = false;  // the condition still holds: these events belong to what was found last
};

// Follows the matches of single rules in order of time and says when correlations hold
// (specification 2.1, "Sigma Correlation Rules").
//
// Counts, value counts and sums with gt or gte, and both temporal types, hold at the moment at
// which the window that ends with an event fulfils them; while it goes on to do so, further events
// extend what was found. Every other condition is only known when a window is over: it begins with
// the first event of a group and is judged when `timespan` has passed, or at the end. An event
// without a value for one of the fields of group-by takes no part. At most
// limits::kMaxCorrelatedEvents are kept for one correlation; when there are more it begins anew and
// forgot() counts it.
//
// One thread. The rules and correlations must outlive it.
class Correlator {
 public:
  using ValueOf = std::function<std::string(uint32_t rule, const std::string& field)>;
  using Found = std::function<void(const Correlated&)>;

  // `correlations` come behind those that they name, as RuleSet has them.
  Correlator(const std::vector<Rule>& rules, const std::vector<Correlation>& correlations,
             Found found);
  ~Correlator();

  // Whether matches of a rule are of any use here.
  bool Wants(uint32_t rule) const;
  // The fields of a rule's events that Add() asks for, each once.
  std::vector<std::string> FieldsOf(uint32_t rule) const;
  // Takes an event that rules matched, in order of time. `event` is any number that the caller
  // knows it by; `value_of` gives fields of the event as a rule sees them.
  void Add(const std::vector<uint32_t>& rules, int64_t time_ns, const EventRef& event,
           const ValueOf& value_of);
  // Judges the windows that are still open.
  void Finish();

  uint64_t forgot() const;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace ekshume::detect::sigma
