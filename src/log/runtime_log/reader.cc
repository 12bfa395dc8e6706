// SPDX-License-Identifier: Apache-2.0
#include "log/runtime_log/reader.h"

#include "log/container_words.h"
#include "log/fields.h"
#include "log/logfmt.h"
#include "log/runtime_log/sentence.h"

namespace ekshume::log::runtime_log {
namespace {

using event::Event;
using event::Number;
using event::Text;

struct Line {
  std::string msg;
  std::string container;  // of a field
  std::string topic;
  bool has_time = false;
  bool has_level = false;
};

void TakeValue(std::string_view key, std::string_view value, Event& event, Line& line) {
  if (key == "time") {
    line.has_time = true;
    event.time = ParseTimestamp(value);
  } else if (key == "level") {
    line.has_level = true;
    event[Text::kSeverity] = value;
  } else if (key == "msg") {
    line.msg = value;
  } else if (key == "error") {
    if (value != "<nil>") event[Text::kError] = value;
  } else if (key == "id" || key == "container" || key == "containerID" || key == "path") {
    if (line.container.empty()) line.container = FindContainerId(value);
  } else if (key == "pid") {
    event[Number::kPid] = ParseInteger(value);
  } else if (key == "topic") {
    line.topic = value;  // moby: /tasks/delete
  }
}

class Reader final : public Format {
 public:
  std::string_view name() const override { return "runtime_log"; }
  std::string_view description() const override {
    return "containerd's and dockerd's own logs: pods, containers and images as they come and go";
  }

  Match Sniff(std::string_view record) const override {
    if (!record.starts_with("time=\"") || record.find(" level=") == std::string_view::npos ||
        record.find(" msg=") == std::string_view::npos) {
      return Match::kNo;
    }
    for (const std::string_view sign :
         {"containerd", "libcontainerd", "namespace=k8s.io", "namespace=moby", "PodSandbox",
          "Container for \\\"", "CreateContainer ", "PullImage ", "shim disconnected", "dockerd",
          "Docker daemon", " container="}) {
      if (record.find(sign) != std::string_view::npos) return Match::kYes;
    }
    return Match::kMaybe;
  }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& /*diagnostics*/) const override {
    Line line;
    const bool whole = ForEachField(
        record.bytes,
        [&](std::string_view key, std::string_view value) { TakeValue(key, value, event, line); });
    if (!whole) return Sniff(record.bytes) == Match::kYes ? Outcome::kDamaged : Outcome::kNotMine;
    if (!line.has_time || !line.has_level || line.msg.empty() || IsOfAuthenticator(record)) {
      return Outcome::kNotMine;
    }
    event[Text::kTimeKind] = "Event Time";
    ReadSentence(line.msg, event);
    SetIfEmpty(event[Text::kContainerId], line.container);
    std::string& message = event[Text::kMessage];
    message = line.msg;
    if (!line.topic.empty()) {
      event[Text::kAction] = line.topic;
      message += ": ";
      message += line.topic;
    }
    if (!event[Text::kError].empty()) {
      event[Text::kOutcome] = "failure";
      message += ": ";
      message += event[Text::kError];
    }
    sink.Add(event);
    return Outcome::kEvents;
  }

 private:
  // The same form; what it says about logins is for the format that reads it.
  static bool IsOfAuthenticator(const Record& record) {
    return record.stream->log_stream.starts_with("authenticator-") ||
           record.bytes.find("path=/authenticate") != std::string_view::npos;
  }
};

}  // namespace

const Format& RuntimeLogFormat() {
  static const Reader reader;
  return reader;
}

}  // namespace ekshume::log::runtime_log
