// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <simdjson.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
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
  void Add(Event& event) override {
    events.push_back(event);
    event.Clear();
  }

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

// A file of the real logs that stand beside the project ($EKSHUME_SHARED/logs, else
// ../shared/logs); nothing when they are not there, and the test is then skipped:
//
//   const auto file = SharedLog("cloudgrep/tests/data/cloudtrail.json");
//   if (!file) GTEST_SKIP() << kNoSharedLogs;
inline constexpr const char* kNoSharedLogs =
    "the real logs are not here: set EKSHUME_SHARED to the folder that holds logs/";
inline std::optional<std::string> SharedLog(const std::string& name) {
  const char* shared = std::getenv("EKSHUME_SHARED");
  const std::string root = shared != nullptr ? shared : EKSHUME_SOURCE_DIR "/../shared";
  std::ifstream file(root + "/logs/" + name, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// The records of a JSON document as the carriers would hand them over, minified: the elements of an
// array or of the member that holds one (Records, Findings), the detail of an EventBridge event,
// else the document.
inline std::vector<std::string> RecordsOf(const std::string& document) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(document).get(root) != simdjson::SUCCESS) return {};
  for (const char* key : {"Records", "Findings", "Events", "detail"}) {
    simdjson::dom::element inner;
    if (root[key].get(inner) == simdjson::SUCCESS) root = inner;
  }
  simdjson::dom::array array;
  if (root.get(array) != simdjson::SUCCESS) return {simdjson::minify(root)};
  std::vector<std::string> records;
  for (const simdjson::dom::element element : array) records.push_back(simdjson::minify(element));
  return records;
}

}  // namespace ekshume::log::testing
