// SPDX-License-Identifier: Apache-2.0
#include "log/k8s_event/reader.h"

#include <algorithm>

#include "log/container_words.h"
#include "log/fields.h"
#include "log/json.h"
#include "log/kubernetes_kind.h"

namespace ekshume::log::k8s_event {
namespace {

using event::Event;
using event::Number;
using event::Text;

std::string_view View(JsonValue value) {
  std::string_view text;
  JsonView(value, text);
  return text;
}

// involvedObject or regarding
struct ObjectReference {
  std::string_view kind;
  std::string_view namespace_name;
  std::string_view name;
  std::string_view uid;
  std::string_view field_path;  // spec.containers{app}
};

struct KubernetesEvent {
  bool has_object = false;
  ObjectReference object;
  std::string_view uid;
  std::string_view resource_version;
  std::string_view created;  // metadata.creationTimestamp
  std::string_view first;    // firstTimestamp, deprecatedFirstTimestamp
  std::string_view last;
  std::string_view event_time;
  std::string_view last_observed;  // series
  std::optional<int64_t> count;
  std::string_view reason;
  std::string_view message;  // note
  std::string_view type;
  std::string_view component;
  std::string_view host;
  std::string_view reporting_instance;
};

void ReadObject(JsonValue value, ObjectReference& object) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "kind") object.kind = View(inner);
    if (key == "namespace") object.namespace_name = View(inner);
    if (key == "name") object.name = View(inner);
    if (key == "uid") object.uid = View(inner);
    if (key == "fieldPath") object.field_path = View(inner);
  });
}

void ReadMetadata(JsonValue value, KubernetesEvent& out) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "uid") out.uid = View(inner);
    if (key == "resourceVersion") out.resource_version = View(inner);
    if (key == "creationTimestamp") out.created = View(inner);
  });
}

void ReadSource(JsonValue value, KubernetesEvent& out) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "component") out.component = View(inner);
    if (key == "host") out.host = View(inner);
  });
}

void ReadSeries(JsonValue value, KubernetesEvent& out) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "count") out.count = JsonInteger(inner);
    if (key == "lastObservedTime") out.last_observed = View(inner);
  });
}

void ReadMember(std::string_view key, JsonValue value, KubernetesEvent& out) {
  if (key == "involvedObject" || key == "regarding") {
    out.has_object = true;
    ReadObject(value, out.object);
  } else if (key == "metadata") {
    ReadMetadata(value, out);
  } else if (key == "source" || key == "deprecatedSource") {
    ReadSource(value, out);
  } else if (key == "series") {
    ReadSeries(value, out);
  } else if (key == "firstTimestamp" || key == "deprecatedFirstTimestamp") {
    out.first = View(value);
  } else if (key == "lastTimestamp" || key == "deprecatedLastTimestamp") {
    out.last = View(value);
  } else if (key == "eventTime") {
    out.event_time = View(value);
  } else if (key == "count" || key == "deprecatedCount") {
    if (!out.count) out.count = JsonInteger(value);
  } else if (key == "reason") {
    out.reason = View(value);
  } else if (key == "message" || key == "note") {
    out.message = View(value);
  } else if (key == "type") {
    out.type = View(value);
  } else if (key == "reportingComponent" || key == "reportingController") {
    if (out.component.empty()) out.component = View(value);
  } else if (key == "reportingInstance") {
    out.reporting_instance = View(value);
  }
}

void FillTimes(const KubernetesEvent& in, Event& event) {
  std::optional<Timestamp> first = ParseTimestamp(in.first);
  if (!first) first = ParseTimestamp(in.event_time);
  for (const std::string_view text :
       {in.last_observed, in.last, in.event_time, in.first, in.created}) {
    event.time = ParseTimestamp(text);
    if (event.time) break;
  }
  event[Text::kTimeKind] = "Event Time";
  constexpr int64_t kMaxSeconds = 9'000'000'000;
  if (!first || !event.time || *event.time <= *first) return;
  const int64_t seconds = event.time->seconds - first->seconds;
  if (seconds > kMaxSeconds) return;
  event[Number::kDurationNs] =
      seconds * 1'000'000'000 + event.time->nanoseconds - first->nanoseconds;
}

void FillObject(const ObjectReference& object, Event& event) {
  event[Text::kObjectKind] = ResourceOf(object.kind);
  event[Text::kObjectName] = object.name;
  event[Text::kNamespace] = object.namespace_name;
  if (object.kind == "Pod") {
    event[Text::kPod] = object.name;
    event[Text::kPodUid] = object.uid;
    event[Text::kContainer] = Between(object.field_path, "{", "}");
  } else if (object.kind == "Node") {
    event[Text::kNode] = object.name;
  }
}

// Kubelets quote the image: Pulling image "registry.test/app:1", Container image "..." already
// present on machine.
void FillImage(std::string_view message, Event& event) {
  for (const std::string_view before : {"image \"", "Image \""}) {
    SetIfEmpty(event[Text::kImage], Between(message, before, "\""));
  }
}

void FillMessage(const KubernetesEvent& in, Event& event) {
  std::string& message = event[Text::kMessage];
  message = in.object.kind;
  message += ' ';
  if (!in.object.namespace_name.empty()) {
    message += in.object.namespace_name;
    message += '/';
  }
  message += in.object.name;
  message += ": ";
  message += in.reason;
  if (!in.message.empty()) {
    message += ": ";
    message += in.message;
  }
  if (in.count && *in.count > 1) {
    message += " (";
    message += std::to_string(*in.count);
    message += " times)";
  }
}

void Fill(const KubernetesEvent& in, Event& event) {
  FillTimes(in, event);
  FillObject(in.object, event);
  event[Text::kAction] = in.reason;
  event[Text::kSeverity] = in.type == "Warning"  ? "warning"
                           : in.type == "Normal" ? "info"
                                                 : in.type;
  event[Text::kProcess] = in.component;
  // Events of kubelets come from the node; those of others name the host they run on, if any.
  if (in.component == "kubelet") {
    SetIfEmpty(event[Text::kNode], in.host.empty() ? in.reporting_instance : in.host);
  }
  if (in.reason == "Scheduled") {
    const size_t to = in.message.rfind(" to ");
    if (to != std::string_view::npos) SetIfEmpty(event[Text::kNode], in.message.substr(to + 4));
  }
  event[Text::kRecordId] = in.uid;
  if (!in.uid.empty()) {
    event.identity = in.uid;
    event.identity += '/';
    event.identity += in.resource_version;
  }
  if (in.count && *in.count > 1) AddTag(event, "count", std::to_string(*in.count));
  FillImage(in.message, event);
  FillMessage(in, event);
}

class Reader final : public Format {
 public:
  std::string_view name() const override { return "k8s_event"; }
  std::string_view description() const override {
    return "Kubernetes Events: what controllers and kubelets say of objects";
  }

  Match Sniff(std::string_view record) const override {
    if (HasKey(record, "auditID")) return Match::kNo;
    const bool object = HasKey(record, "involvedObject") || HasKey(record, "regarding");
    return object && (HasKey(record, "reason") || HasKey(record, "kind")) ? Match::kYes
                                                                          : Match::kNo;
  }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& /*diagnostics*/) const override {
    KubernetesEvent in;
    const bool whole = ForEachMember(
        record, [&](std::string_view key, JsonValue value) { ReadMember(key, value, in); });
    if (!whole) return Sniff(record.bytes) == Match::kNo ? Outcome::kNotMine : Outcome::kDamaged;
    if (!in.has_object || in.reason.empty()) return Outcome::kNotMine;
    Fill(in, event);
    sink.Add(event);
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& KubernetesEventFormat() {
  static const Reader reader;
  return reader;
}

}  // namespace ekshume::log::k8s_event
