// SPDX-License-Identifier: Apache-2.0
#include "log/falco/reader.h"

#include "base/ascii.h"
#include "log/falco/fields.h"
#include "log/fields.h"
#include "log/json.h"

namespace ekshume::log::falco {
namespace {

using event::Event;
using event::Text;

constexpr int64_t kDaySeconds = 86400;

// Of a JSON alert.
struct Alert {
  std::string_view output;
  std::string_view rule;
  std::string_view priority;
  bool has_fields = false;
};

void ReadMember(std::string_view key, JsonValue value, Event& event, Alert& alert) {
  std::string_view text;
  if (key == "output_fields") {
    alert.has_fields = true;
    ForEachMember(value, [&](std::string_view name, JsonValue inner) {
      std::string_view field;
      if (JsonView(inner, field)) TakeField(name, field, event);
    });
  } else if (key == "tags") {
    ForEachElement(value, [&](JsonValue tag) {
      std::string_view word;
      if (JsonView(tag, word)) AddTag(event, "falco", word);
    });
  } else if (!JsonView(value, text)) {
    return;
  } else if (key == "output") {
    alert.output = text;
  } else if (key == "rule") {
    alert.rule = text;
  } else if (key == "priority") {
    alert.priority = text;
  } else if (key == "time") {
    event.time = ParseTimestamp(text);
  } else if (key == "hostname") {
    event[Text::kNode] = text;
  } else if (key == "uuid") {
    event[Text::kRecordId] = text;
    event.identity = text;
  }
}

// A time at the beginning of a line of text, and what follows it: "12:18:18.691725165: " or
// "2024-01-01T12:18:18.691725165+0000: ".
struct TextHead {
  std::string_view time;
  std::string_view priority;
  std::string_view output;
};

std::optional<TextHead> TakeHead(std::string_view line) {
  if (line.size() < 12 || !IsDigit(line[0])) return std::nullopt;
  const size_t end = line.find(": ");
  if (end == std::string_view::npos || end > 40) return std::nullopt;
  TextHead head;
  head.time = line.substr(0, end);
  std::string_view rest = line.substr(end + 2);
  head.priority = TakeWord(rest);
  if (SeverityOf(head.priority).empty() || rest.empty()) return std::nullopt;
  head.output = rest;
  return head;
}

// The time of day on the last day on which it is not after `newest`, with an hour's grace.
std::optional<Timestamp> TimeOfDay(std::string_view text, std::optional<Timestamp> newest) {
  std::optional<Timestamp> time = ParseTimestamp("1970-01-01T" + std::string(text) + 'Z');
  constexpr int64_t kMostSeconds = int64_t{1} << 50;
  if (!time || !newest || newest->seconds > kMostSeconds || newest->seconds < 0)
    return std::nullopt;
  time->seconds += newest->seconds / kDaySeconds * kDaySeconds;
  if (time->seconds > newest->seconds + 3600) time->seconds -= kDaySeconds;
  return time;
}

std::optional<Timestamp> TimeOfText(const TextHead& head, const Record& record) {
  if (head.time.find('T') != std::string_view::npos) return ParseTimestamp(head.time);
  return TimeOfDay(head.time, record.carrier_time ? record.carrier_time : record.stream->written);
}

class Reader final : public Format {
 public:
  std::string_view name() const override { return "falco"; }
  std::string_view description() const override { return "Alerts of Falco, as JSON or text"; }

  Match Sniff(std::string_view record) const override {
    if (!record.starts_with('{')) return TakeHead(record) ? Match::kYes : Match::kNo;
    return HasKey(record, "priority") && HasKey(record, "rule") && HasKey(record, "output")
               ? Match::kYes
               : Match::kNo;
  }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& /*diagnostics*/) const override {
    if (!record.bytes.starts_with('{')) return ParseText(record, event, sink);
    Alert alert;
    const bool whole = ForEachMember(record, [&](std::string_view key, JsonValue value) {
      ReadMember(key, value, event, alert);
    });
    if (!whole) return Sniff(record.bytes) == Match::kNo ? Outcome::kNotMine : Outcome::kDamaged;
    if (alert.rule.empty() || alert.priority.empty() || alert.output.empty()) {
      return Outcome::kNotMine;
    }
    event[Text::kTimeKind] = "Event Time";
    event[Text::kAction] = alert.rule;
    event[Text::kSeverity] = SeverityOf(alert.priority);
    std::string_view sentence = alert.output;
    if (const std::optional<TextHead> head = TakeHead(alert.output)) sentence = head->output;
    if (!alert.has_fields) TakeTextFields(sentence, event);
    event[Text::kMessage] = sentence;
    sink.Add(event);
    return Outcome::kEvents;
  }

 private:
  static Outcome ParseText(const Record& record, Event& event, event::Sink& sink) {
    const std::optional<TextHead> head = TakeHead(record.bytes);
    if (!head) return Outcome::kNotMine;
    event.time = TimeOfText(*head, record);
    event[Text::kTimeKind] = "Event Time";
    event[Text::kSeverity] = SeverityOf(head->priority);
    // The text does not name the rule: its sentence up to the fields stands for it.
    const size_t end = head->output.find_first_of("(|");
    std::string_view sentence = head->output.substr(0, end);
    while (sentence.ends_with(' ')) sentence.remove_suffix(1);
    event[Text::kAction] = sentence;
    TakeTextFields(head->output, event);
    event[Text::kMessage] = head->output;
    sink.Add(event);
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& FalcoFormat() {
  static const Reader reader;
  return reader;
}

}  // namespace ekshume::log::falco
