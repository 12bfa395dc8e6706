// SPDX-License-Identifier: Apache-2.0
#include "log/inner_line.h"

#include <string>

namespace ekshume::log {
namespace {

using event::Event;
using event::Text;

constexpr std::string_view kInnerFormats[] = {"k8s_audit", "authenticator", "falco",
                                              "tetragon",  "klog",          "runtime_log"};

const Format* FormatOf(std::string_view line) {
  if (line.empty()) return nullptr;
  const bool digit_follows = line.size() > 1 && line[1] >= '0' && line[1] <= '9';
  if (line.front() != '{' && !line.starts_with("time=") && !digit_follows) return nullptr;
  for (const std::string_view name : kInnerFormats) {
    const Format* format = FindFormat(name);
    if (format != nullptr && format->Sniff(line) == Match::kYes) return format;
  }
  return nullptr;
}

class InnerSink final : public event::Sink {
 public:
  InnerSink(const Format& format, std::optional<Timestamp> time, event::Sink& sink,
            const std::function<void(Event&)>& finish)
      : format_(format), time_(time), sink_(sink), finish_(finish) {}

  void Add(Event& event) override {
    event[Text::kSource] = format_.name();
    if (!event.time) event.time = time_;
    finish_(event);
    sink_.Add(event);
  }

 private:
  const Format& format_;
  std::optional<Timestamp> time_;
  event::Sink& sink_;
  const std::function<void(Event&)>& finish_;
};

}  // namespace

bool ReadInnerLine(std::string_view line, std::optional<Timestamp> time, const Stream& stream,
                   Event& event, event::Sink& sink, DiagnosticSink& diagnostics,
                   const std::function<void(Event&)>& finish) {
  const Format* format = FormatOf(line);
  if (format == nullptr) return false;
  std::string padded(line);
  padded.append(kRecordPadding, '\0');
  const Record inner{std::string_view(padded).substr(0, line.size()), time, &stream};
  InnerSink inner_sink(*format, time, sink, finish);
  if (format->Parse(inner, event, inner_sink, diagnostics) == Outcome::kEvents) return true;
  event.Clear();
  return false;
}

}  // namespace ekshume::log
