// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detect/finding.h"
#include "detect/indicator/index.h"
#include "event/event.h"

namespace ekshume::detect::indicator {

// Looks for indicators in events and gathers them into findings: what one indicator is of for one
// actor in one place, the same ones in whatever order events come. One thread. `index` must outlive
// it. At most limits::kMaxFindings are made; further ones are counted by left_out().
class EventFindings {
 public:
  explicit EventFindings(const Index& index) : index_(index) {}
  EventFindings(EventFindings&&) = default;

  // The indicators in an event: in its columns and in `raw`, its record as found. Valid until the
  // next call.
  std::span<const uint32_t> Match(const event::Event& event, std::string_view raw);
  // Takes the event of the last Match(), which matched.
  void Add(const event::Event& event, std::string_view id);

  // Takes what another one has gathered.
  void Merge(EventFindings&& other);

  uint64_t left_out() const { return left_out_; }
  // The worst first.
  std::vector<Finding> Take();

 private:
  // Events in order of time, those without one last.
  struct Kept {
    bool is_timeless = false;
    Timestamp time;
    std::string id;

    friend auto operator<=>(const Kept&, const Kept&) = default;
  };
  struct Gathered {
    Finding finding;
    std::vector<Kept> kept;
    Kept earliest;
    std::string message;  // of the earliest event
    std::string what;     // the indicator
  };
  void AddOne(uint32_t indicator, const event::Event& event, std::string_view id);
  static void Trim(std::vector<Kept>& kept);

  const Index& index_;
  std::vector<Hit> hits_;
  std::vector<uint32_t> matched_;
  std::map<std::string, Gathered> findings_;  // by their ids
  uint64_t left_out_ = 0;
};

// Whether Match() or a finding reads a column of an event.
bool IsRead(event::Text column);

// How bad it is to find an indicator of that kind, in an event or as a file itself; its mention in
// a file's content is "medium".
std::string_view LevelOf(Kind kind);
// "domain evil.test (list.csv:3: what the list says)".
std::string Describe(const Indicator& indicator);

}  // namespace ekshume::detect::indicator
