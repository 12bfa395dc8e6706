// SPDX-License-Identifier: Apache-2.0
#include "log/generic/reader.h"

#include <algorithm>
#include <string>

#include "log/text_time.h"

namespace ekshume::log::generic {
namespace {

using event::Event;
using event::Text;

constexpr size_t kMessageBytes = 4000;  // of a message; the raw record has all
constexpr int kWordsForLevel = 4;       // after the time

struct Level {
  std::string_view word;  // in small letters
  std::string_view severity;
};
constexpr Level kLevels[] = {
    {"trace", "trace"},      {"debug", "debug"},   {"dbg", "debug"},         {"info", "info"},
    {"information", "info"}, {"notice", "notice"}, {"warn", "warning"},      {"warning", "warning"},
    {"error", "error"},      {"err", "error"},     {"critical", "critical"}, {"crit", "critical"},
    {"fatal", "fatal"},      {"panic", "panic"},   {"alert", "alert"},       {"severe", "error"}};

// The level among the first words: "INFO", "[error]", "level=warn".
std::string_view LevelOf(std::string_view text) {
  constexpr std::string_view kBetween = " []()<>|:,=\t";
  for (int i = 0; i < kWordsForLevel; ++i) {
    text.remove_prefix(std::min(text.find_first_not_of(kBetween), text.size()));
    const std::string_view word = text.substr(0, text.find_first_of(kBetween));
    text.remove_prefix(word.size());
    for (const Level& level : kLevels) {
      if (std::ranges::equal(word, level.word, [](char a, char b) {
            return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
          })) {
        return level.severity;
      }
    }
  }
  return {};
}

class Generic final : public Format {
 public:
  std::string_view name() const override { return "generic"; }
  std::string_view description() const override {
    return "Lines of any program that begin with a time, and the lines that continue them";
  }

  Match Sniff(std::string_view record) const override {
    return TakeLeadingTime(record) ? Match::kMaybe : Match::kNo;
  }

  bool spans_lines() const override { return true; }
  bool Continues(std::string_view /*record*/, std::string_view line) const override {
    return !TakeLeadingTime(line);
  }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& /*diagnostics*/) const override {
    const std::optional<LeadingTime> found = TakeLeadingTime(record.bytes);
    // A stream with a header is a table of another format.
    if (!found || !record.stream->header.empty()) return Outcome::kNotMine;
    event.time = found->time;
    event[Text::kTimeKind] = "Event Time";
    event[Text::kSeverity] = LevelOf(found->rest);
    event[Text::kMessage] = found->rest.substr(0, kMessageBytes);
    sink.Add(event);
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& GenericFormat() {
  static const Generic format;
  return format;
}

}  // namespace ekshume::log::generic
