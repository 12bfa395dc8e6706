// SPDX-License-Identifier: Apache-2.0
#include "log/klog/reader.h"

#include "log/fields.h"
#include "log/klog/fields.h"
#include "log/klog/header.h"

namespace ekshume::log::klog {
namespace {

using event::Event;
using event::Number;
using event::Text;

std::string_view SeverityOf(char level) {
  switch (level) {
    case 'W': return "warning";
    case 'E': return "error";
    case 'F': return "fatal";
    default: return "info";
  }
}

// The program that an EKS stream is of: "kube-scheduler" of "kube-scheduler-<32 hex>".
std::string_view ProgramOf(std::string_view log_stream) {
  const size_t dash = log_stream.rfind('-');
  if (dash == std::string_view::npos || log_stream.size() != dash + 33) return {};
  return log_stream.substr(0, dash);
}

class Reader final : public Format {
 public:
  std::string_view name() const override { return "klog"; }
  std::string_view description() const override {
    return "Logs of Kubernetes' own programs: API server, controllers, scheduler, kubelet";
  }

  Match Sniff(std::string_view record) const override {
    return TakeHeader(record) ? Match::kYes : Match::kNo;
  }

  // Stack traces and texts of several lines. Records of other formats that stand between are none.
  bool spans_lines() const override { return true; }
  bool Continues(std::string_view /*record*/, std::string_view line) const override {
    return !line.starts_with('{') && !line.starts_with("time=") && !TakeHeader(line);
  }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& /*diagnostics*/) const override {
    std::string_view text = record.bytes;
    const std::optional<Header> header = TakeHeader(text);
    if (!header) return Outcome::kNotMine;
    event.time = MomentOfHeader(*header, record.carrier_time, record.stream->written);
    event[Text::kTimeKind] = "Event Time";
    event[Text::kSeverity] = SeverityOf(header->level);
    event[Number::kPid] = header->process_id;
    event[Text::kProcess] = ProgramOf(record.stream->log_stream);
    AddTag(event, "source", header->source);
    ReadText(text, event);
    sink.Add(event);
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& KlogFormat() {
  static const Reader reader;
  return reader;
}

}  // namespace ekshume::log::klog
