// SPDX-License-Identifier: Apache-2.0
#include "log/k8s_object/reader.h"

#include <initializer_list>

#include "log/fields.h"
#include "log/json.h"
#include "log/k8s_object/field_paths.h"
#include "log/k8s_object/object_record.h"
#include "log/kubernetes_kind.h"

namespace ekshume::log::k8s_object {
namespace {

using event::Event;
using event::Text;

constexpr size_t kMostListed = 8;  // of images, subjects, webhooks in a sentence

// "containerd://0123..." -> "0123..."
std::string_view BareId(std::string_view id) {
  const size_t scheme = id.find("://");
  return scheme == std::string_view::npos ? id : id.substr(scheme + 3);
}

// Adds "; WHAT one, two" to a sentence; long lists are cut.
template <typename List, typename Print>
void AddList(std::string& sentence, std::string_view what, const List& list, Print print) {
  if (list.empty()) return;
  sentence += "; ";
  sentence += what;
  size_t count = 0;
  for (const auto& one : list) {
    if (++count > kMostListed) break;
    sentence += count == 1 ? " " : ", ";
    sentence += print(one);
  }
  if (list.size() > kMostListed) {
    sentence += " and " + std::to_string(list.size() - kMostListed) + " more";
  }
}

std::string SubjectText(const Subject& subject) {
  std::string text(subject.kind);
  text += ' ';
  if (!subject.namespace_name.empty()) {
    text += subject.namespace_name;
    text += '/';
  }
  return text += subject.name;
}

std::string WebhookText(const Webhook& webhook) {
  std::string text(webhook.name);
  text += " at ";
  text += webhook.url.empty() ? std::string_view(webhook.service) : webhook.url;
  if (!webhook.failure_policy.empty()) {
    text += " (";
    text += webhook.failure_policy;
    text += ')';
  }
  return text;
}

class Writer {
 public:
  Writer(const ObjectRecord& in, Event& event, event::Sink& sink)
      : in_(in), event_(event), sink_(sink) {
    what_ = in.kind;
    what_ += ' ';
    if (!in.namespace_name.empty()) {
      what_ += in.namespace_name;
      what_ += '/';
    }
    what_ += in.name;
  }

  void Run() {
    AddCreation();
    for (const ManagedFields& entry : in_.managed_fields) AddChange(entry);
    for (const Condition& condition : in_.conditions) AddCondition(condition);
    for (const ContainerStatus& status : in_.containers) {
      for (const ContainerState& state : status.states) AddContainer(status, state);
    }
    AddDeletion();
  }

 private:
  // Fills in what all events of the object say. False when there is no such time.
  bool Begin(std::string_view time, std::string_view time_kind, std::string_view action) {
    const std::optional<Timestamp> when = ParseTimestamp(time);
    if (!when) return false;
    event_.time = when;
    event_[Text::kTimeKind] = time_kind;
    event_[Text::kAction] = action;
    event_[Text::kObjectKind] = ResourceOf(in_.kind);
    event_[Text::kObjectName] = in_.name;
    event_[Text::kNamespace] = in_.namespace_name;
    event_[Text::kRecordId] = in_.uid;
    if (in_.kind == "Node") event_[Text::kNode] = in_.name;
    if (in_.kind == "Pod") {
      event_[Text::kPod] = in_.name;
      event_[Text::kPodUid] = in_.uid;
      event_[Text::kNode] = in_.pod.node_name;
    }
    return true;
  }

  // The same fact of the same object is one event, however often the object was read.
  void End(std::string message, std::initializer_list<std::string_view> identity) {
    event_[Text::kMessage] = std::move(message);
    event_.identity = in_.uid.empty() ? what_ : std::string(in_.uid);
    event_.identity += '/';
    event_.identity += event_[Text::kAction];
    for (const std::string_view part : identity) {
      event_.identity += '/';
      event_.identity += part;
    }
    sink_.Add(event_);
  }

  void AddCreation() {
    if (!Begin(in_.creation_timestamp, "Creation Time", "create")) return;
    std::string sentence = what_ + " was created";
    const PodSpec& pod = in_.pod;
    AddList(sentence, "image", pod.images, [](std::string_view image) { return image; });
    if (pod.images.size() == 1) event_[Text::kImage] = pod.images.front();
    if (!pod.service_account_name.empty()) {
      event_[Text::kServiceAccount] = in_.namespace_name;
      event_[Text::kServiceAccount] += '/';
      event_[Text::kServiceAccount] += pod.service_account_name;
      sentence += "; service account ";
      sentence += pod.service_account_name;
    }
    const std::initializer_list<std::tuple<bool, std::string_view, std::string_view>> dangers = {
        {pod.privileged, "privileged", "privileged"},
        {pod.host_network, "host_network", "in the node's network"},
        {pod.host_pid, "host_pid", "sees the node's processes"},
        {pod.host_ipc, "host_ipc", "in the node's IPC namespace"}};
    for (const auto& [is_so, tag, words] : dangers) {
      if (!is_so) continue;
      event_.AddTag(tag);
      sentence += "; ";
      sentence += words;
    }
    AddList(sentence, "node's folders", pod.host_paths, [](std::string_view path) { return path; });
    if (!pod.host_paths.empty()) event_.AddTag("host_path");
    if (!in_.requester.empty()) {
      event_[Text::kUserName] = in_.requester;
      sentence += "; requested by ";
      sentence += in_.requester;
    }
    if (!in_.role.empty()) {
      sentence += "; gives ";
      sentence += in_.role;
    }
    AddList(sentence, "to", in_.subjects, SubjectText);
    AddList(sentence, "calls", in_.webhooks, WebhookText);
    End(std::move(sentence), {});
  }

  void AddChange(const ManagedFields& entry) {
    if (!Begin(entry.time, "Event Time", entry.operation == "Apply" ? "apply" : "update")) return;
    event_[Text::kProcess] = entry.manager;
    AddTag(event_, "subresource", entry.subresource);
    std::string sentence = what_ + ": ";
    sentence += entry.manager.empty() ? "an unnamed manager" : entry.manager;
    sentence += " last wrote ";
    const std::string fields = FieldPaths(entry.fields_v1);
    sentence += fields.empty() ? "its fields" : fields;
    End(std::move(sentence), {entry.manager, entry.subresource, entry.time});
  }

  void AddCondition(const Condition& condition) {
    if (!Begin(condition.last_transition_time, "Event Time", "condition")) return;
    AddTag(event_, "condition", condition.type);
    AddTag(event_, "status", condition.status);
    std::string sentence = what_ + ": ";
    sentence += condition.type;
    sentence += " became ";
    sentence += condition.status;
    for (const std::string_view more : {condition.reason, condition.message}) {
      if (more.empty()) continue;
      sentence += ": ";
      sentence += more;
    }
    End(std::move(sentence), {condition.type, condition.status, condition.last_transition_time});
  }

  void AddContainer(const ContainerStatus& status, const ContainerState& state) {
    const std::string_view id =
        BareId(state.container_id.empty() ? status.container_id : state.container_id);
    const auto fill = [&] {
      event_[Text::kContainer] = status.name;
      event_[Text::kContainerId] = id;
      event_[Text::kImage] = status.image;
    };
    std::string name = what_ + ": container ";
    name += status.name;
    if (Begin(state.started_at, "Start Time", "start")) {
      fill();
      End(name + " started", {id, status.name, state.started_at});
    }
    if (!Begin(state.finished_at, "End Time", "end")) return;
    fill();
    std::string sentence = name + " ended";
    if (state.exit_code) {
      sentence += " with " + std::to_string(*state.exit_code);
      AddTag(event_, "exit_code", std::to_string(*state.exit_code));
      event_[Text::kOutcome] = *state.exit_code == 0 ? "success" : "failure";
    }
    for (const std::string_view more : {state.reason, state.message}) {
      if (more.empty()) continue;
      sentence += ": ";
      sentence += more;
    }
    End(std::move(sentence), {id, status.name, state.finished_at});
  }

  // The API server writes down when the grace period ends, not when the deletion was asked for.
  void AddDeletion() {
    if (!Begin(in_.deletion_timestamp, "Deletion Time", "delete")) return;
    const int64_t grace = in_.deletion_grace_period_seconds.value_or(0);
    constexpr int64_t kMostGraceSeconds = 365 * 86400;
    std::string sentence = what_ + " was asked to be deleted";
    if (grace > 0 && grace <= kMostGraceSeconds) {
      event_.time->seconds -= grace;
      sentence += ", with " + std::to_string(grace) + " seconds of grace";
    }
    End(std::move(sentence), {in_.deletion_timestamp});
  }

  const ObjectRecord& in_;
  Event& event_;
  event::Sink& sink_;
  std::string what_;  // "Pod shop/web"
};

class Reader final : public Format {
 public:
  std::string_view name() const override { return "k8s_object"; }
  std::string_view description() const override {
    return "objects of the Kubernetes API: when they were made, changed, and by which program";
  }

  // Objects are written with apiVersion and kind first: by the API server, by kubectl and by us.
  Match Sniff(std::string_view record) const override {
    for (const std::string_view other : {"auditID", "involvedObject", "regarding"}) {
      if (HasKey(record, other)) return Match::kNo;
    }
    return HasKey(record, "apiVersion", 300) && HasKey(record, "kind") && HasKey(record, "metadata")
               ? Match::kYes
               : Match::kNo;
  }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& /*diagnostics*/) const override {
    if (Sniff(record.bytes) == Match::kNo) return Outcome::kNotMine;
    ObjectRecord in;
    const bool whole = ForEachMember(
        record, [&](std::string_view key, JsonValue value) { ReadMember(key, value, in); });
    if (!whole) return Outcome::kDamaged;
    if (!in.has_metadata || in.kind.empty() || in.api_version.empty()) return Outcome::kNotMine;
    Writer(in, event, sink).Run();
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& KubernetesObjectFormat() {
  static const Reader reader;
  return reader;
}

}  // namespace ekshume::log::k8s_object
