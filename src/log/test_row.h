// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "event/event.h"

// For golden tests: an event as text.
namespace ekshume::log::testing {

// Everything that the event says, one "column=value" a line, in the order of schema/event.yaml:
// texts, then numbers; before them the time and the identity.
inline std::string Row(const event::Event& event) {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    out += name;
    out += '=';
    out += value;
    out += '\n';
  };
  if (event.time) add("time", FormatTimestamp(*event.time));
  add("identity", event.identity);
  for (size_t i = 0; i < event::kTextCount; ++i) {
    const auto column = static_cast<event::Text>(i);
    add(event::ColumnName(column), event[column]);
  }
  for (size_t i = 0; i < event::kNumberCount; ++i) {
    const auto column = static_cast<event::Number>(i);
    if (event[column]) add(event::ColumnName(column), std::to_string(*event[column]));
  }
  return out;
}

}  // namespace ekshume::log::testing
