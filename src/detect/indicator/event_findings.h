// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detect/findings.h"
#include "detect/indicator/index.h"
#include "event/event.h"

namespace ekshume::detect::indicator {

// Looks for indicators in events and gathers them into findings: what one indicator is of for one
// actor in one place. One thread. `index` must outlive it.
class EventFindings {
 public:
  explicit EventFindings(const Index& index) : index_(index) {}

  // The indicators in an event: in its columns and in `raw`, its record as found. Valid until the
  // next call.
  std::span<const uint32_t> Match(const event::Event& event, std::string_view raw);
  // Takes the event of the last Match(), which matched.
  void Add(const event::Event& event, std::string_view id);

  Findings& findings() { return findings_; }

 private:
  const Index& index_;
  std::vector<Hit> hits_;
  std::vector<uint32_t> matched_;
  Findings findings_;
};

// Whether Match() or a finding reads a column of an event.
bool IsRead(event::Text column);

// How bad it is to find an indicator of that kind, in an event or as a file itself; its mention in
// a file's content is "medium".
std::string_view LevelOf(Kind kind);
// "domain evil.test (list.csv:3: what the list says)".
std::string Describe(const Indicator& indicator);

}  // namespace ekshume::detect::indicator
