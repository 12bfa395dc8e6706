// SPDX-License-Identifier: Apache-2.0
#include "log/syslog/reader.h"

#include <array>

#include "log/inner_line.h"
#include "log/syslog/line.h"
#include "log/syslog/programs.h"

namespace ekshume::log::syslog {
namespace {

using event::Event;
using event::Number;
using event::Text;

constexpr size_t kMessageBytes = 4000;  // of a message; the raw record has all

// RFC 5424, table 2.
constexpr std::array<std::string_view, 8> kSeverities = {
    "emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"};

class Syslog final : public Format {
 public:
  std::string_view name() const override { return "syslog"; }
  std::string_view description() const override {
    return "Syslog files: RFC 3164, RFC 5424, lines with an ISO time; logins, sudo, accounts, cron";
  }

  Match Sniff(std::string_view record) const override {
    const std::optional<Line> line = ParseLine(record, std::nullopt);
    if (!line) return Match::kNo;
    return line->surely ? Match::kYes : Match::kMaybe;
  }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& diagnostics) const override {
    const std::optional<Timestamp> newest =
        record.carrier_time ? record.carrier_time : record.stream->written;
    const std::optional<Line> line = ParseLine(record.bytes, newest);
    if (!line) return Outcome::kNotMine;
    const auto fill = [&](Event& filled) {
      const auto set = [&](Text column, std::string_view value) {
        if (filled[column].empty()) filled[column] = value;
      };
      set(Text::kTimeKind, "Event Time");
      set(Text::kNode, line->host);
      set(Text::kProcess, line->program);
      if (!filled[Number::kPid]) filled[Number::kPid] = line->pid;
      if (line->priority)
        set(Text::kSeverity, kSeverities[static_cast<size_t>(*line->priority % 8)]);
    };
    // What the kubelet and containerd write.
    if (ReadInnerLine(line->message, line->time, *record.stream, event, sink, diagnostics, fill)) {
      return Outcome::kEvents;
    }
    event.time = line->time;
    fill(event);
    event[Text::kMessage] = line->message.substr(0, kMessageBytes);
    ReadMessage(*line, event);
    sink.Add(event);
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& SyslogFormat() {
  static const Syslog format;
  return format;
}

}  // namespace ekshume::log::syslog
