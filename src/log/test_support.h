// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "event/event.h"
#include "log/format.h"

// What the tests of all log formats share.
namespace ekshume::log::testing {

using event::Event;
using event::Number;
using event::Text;

struct Parsed : event::Sink {
  void Add(const Event& event) override { events.push_back(event); }

  std::vector<Event> events;
  Outcome outcome = Outcome::kNotMine;
  DiagnosticSink diagnostics;
};

// Reads one record, with the padding that records have.
inline void Parse(const Format& format, std::string_view record, Parsed& parsed,
                  const Stream& stream = {}, std::optional<Timestamp> carrier_time = std::nullopt) {
  const std::string padded = std::string(record) + std::string(kRecordPadding, '\0');
  Event event;
  parsed.outcome =
      format.Parse(Record{std::string_view(padded).substr(0, record.size()), carrier_time, &stream},
                   event, parsed, parsed.diagnostics);
}

// Gives the format every beginning of the record and the record with every byte changed in three
// ways. Under the sanitizers this must simply not fail; and nothing may be added for a record that
// is said to be damaged.
inline void ParseEveryDamage(const Format& format, std::string_view record,
                             const Stream& stream = {}) {
  const auto try_one = [&](std::string_view damaged) {
    Parsed parsed;
    format.Sniff(damaged);
    Parse(format, damaged, parsed, stream);
    if (parsed.outcome == Outcome::kDamaged || parsed.outcome == Outcome::kNotMine) {
      ASSERT_TRUE(parsed.events.empty()) << damaged;
    }
  };
  for (size_t length = 0; length < record.size(); ++length) try_one(record.substr(0, length));
  std::string copy(record);
  for (size_t i = 0; i < copy.size(); ++i) {
    for (const char flip : {'\x01', '\x80', '\x7f'}) {
      copy[i] = static_cast<char>(record[i] ^ flip);
      try_one(copy);
    }
    copy[i] = record[i];
  }
}

}  // namespace ekshume::log::testing
