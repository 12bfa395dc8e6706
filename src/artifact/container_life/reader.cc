// SPDX-License-Identifier: Apache-2.0
#include "artifact/container_life/reader.h"

#include <fmt/format.h>

#include "artifact/command_line.h"
#include "artifact/reading.h"
#include "base/checked.h"
#include "base/text.h"

namespace ekshume::artifact::container_life {
namespace {

using event::Number;
using event::Text;
using runtime::Container;

// A JSON object of text members, in the order given; empty values are left out.
class JsonObject {
 public:
  void Add(std::string_view name, std::string_view value) {
    if (!value.empty()) AddRaw(name, JsonString(value));
  }
  void Add(std::string_view name, const std::vector<std::string>& values) {
    if (values.empty()) return;
    std::string list = "[";
    for (const std::string& value : values) {
      if (list.size() > 1) list += ',';
      list += JsonString(value);
    }
    AddRaw(name, list + "]");
  }
  std::string Finish() && { return text_ + "}"; }

 private:
  void AddRaw(std::string_view name, std::string_view json) {
    if (text_.size() > 1) text_ += ',';
    fmt::format_to(std::back_inserter(text_), "{}:{}", JsonString(name), json);
  }
  std::string text_ = "{";
};

std::string RawContainer(const Container& container) {
  JsonObject json;
  json.Add("id", container.id);
  json.Add("runtime", container.runtime);
  json.Add("runtime_namespace", container.runtime_namespace);
  json.Add("image", container.image);
  json.Add("image_digest", container.image_digest);
  json.Add("state", runtime::ContainerStateName(container.state));
  json.Add("arguments", container.arguments);
  json.Add("capabilities", container.capabilities);
  std::vector<std::string> mounts;
  for (const runtime::Mount& mount : container.mounts) {
    mounts.push_back(mount.source + ":" + mount.destination);
  }
  json.Add("mounts", mounts);
  json.Add("log_path", container.log_path);
  json.Add("message", container.message);
  json.Add("recovered", container.recovered);
  return std::move(json).Finish();
}

// "Container web of pod shop/web-1 (nginx:1.25)"
std::string Describe(const Container& container) {
  const bool is_sandbox = container.kind == runtime::ContainerKind::kSandbox;
  std::string text = is_sandbox ? "Sandbox" : "Container";
  const std::string name = container.pod && !container.pod->container.empty()
                               ? container.pod->container
                           : container.name.empty() ? container.id.substr(0, 12)
                                                    : container.name;
  if (!is_sandbox) text += " " + name;
  if (container.pod) {
    text += fmt::format(" of pod {}/{}", container.pod->namespace_name, container.pod->name);
  } else if (is_sandbox) {
    text += " " + name;
  }
  if (!container.image.empty()) text += fmt::format(" ({})", container.image);
  return text;
}

class Writer {
 public:
  explicit Writer(Reading& reading) : reading_(reading) {}

  void Write(const Container& container) {
    const std::string who = Describe(container);
    if (container.created) {
      Begin(container, container.created, "Creation Time", "created")[Text::kMessage] =
          who + " was created";
      Add(container.store);
    }
    if (container.started) {
      Begin(container, container.started, "Start Time", "started")[Text::kMessage] =
          who + " started";
      Add(container.store);
    }
    if (container.finished) WriteEnd(container, who);
    if (!container.created && !container.started && !container.finished) {
      event::Event& event = Begin(container, std::nullopt, "", "known");
      event.AddTag("untimed");
      event[Text::kMessage] =
          container.recovered.empty()
              ? who + " existed"
              : fmt::format("{} existed (known from: {})", who, container.recovered);
      Add(container.store);
    }
  }

  void Write(const runtime::Image& image) {
    event::Event& event = reading_.Begin();
    const std::string name = image.references.empty() ? image.id : image.references.front();
    event.time = image.pulled;
    if (image.pulled) {
      event[Text::kTimeKind] = "Event Time";
    } else {
      event.AddTag("untimed");
    }
    event[Text::kAction] = "pulled";
    event[Text::kObjectKind] = "image";
    event[Text::kObjectName] = name;
    event[Text::kImage] = name;
    if (image.size_bytes && *image.size_bytes <= static_cast<uint64_t>(INT64_MAX)) {
      event[Number::kSize] = static_cast<int64_t>(*image.size_bytes);
    }
    event[Text::kMessage] = fmt::format("Image {} came onto the node", name);
    JsonObject json;
    json.Add("id", image.id);
    json.Add("digest", image.digest);
    json.Add("references", image.references);
    json.Add("platform", image.platform);
    json.Add("entrypoint", image.entrypoint);
    json.Add("command", image.command);
    json.Add("history", image.history);
    event.raw = std::move(json).Finish();
    Add(image.store);
  }

  void Write(const runtime::Pod& pod) {
    if (!pod.created) return;  // its containers' events say all there is
    event::Event& event = reading_.Begin();
    event.time = pod.created;
    event[Text::kTimeKind] = "Creation Time";
    event[Text::kAction] = "created";
    event[Text::kObjectKind] = "pod";
    event[Text::kObjectName] = pod.name;
    event[Text::kPod] = pod.name;
    event[Text::kNamespace] = pod.namespace_name;
    event[Text::kPodUid] = pod.uid;
    if (!pod.service_account.empty()) {
      event[Text::kServiceAccount] = pod.namespace_name + "/" + pod.service_account;
    }
    if (pod.host_network) event.AddTag("host_network");
    if (pod.host_pid) event.AddTag("host_pid");
    if (pod.host_ipc) event.AddTag("host_ipc");
    if (!pod.recovered.empty()) event.AddTag("recovered");
    event[Text::kMessage] = fmt::format("Pod {}/{} came to the node", pod.namespace_name, pod.name);
    JsonObject json;
    json.Add("uid", pod.uid);
    json.Add("ip_address", pod.ip_address);
    json.Add("containers", pod.containers);
    json.Add("recovered", pod.recovered);
    event.raw = std::move(json).Finish();
    Add({});
  }

  // What is left of a container that the store does not name any more.
  void Write(const runtime::Snapshot& snapshot) {
    if (!snapshot.owner.empty() || snapshot.kind != "active" || !snapshot.created) return;
    event::Event& event = reading_.Begin();
    event.time = snapshot.created;
    event[Text::kTimeKind] = "Creation Time";
    event[Text::kAction] = "created";
    event[Text::kObjectKind] = "snapshot";
    event[Text::kObjectName] = snapshot.key;
    event[Text::kPath] = snapshot.directory.path.empty() ? "" : "/" + snapshot.directory.path;
    event[Text::kMessage] = fmt::format(
        "Snapshot {} was created for a container that is not there any more", snapshot.key);
    JsonObject json;
    json.Add("key", snapshot.key);
    json.Add("id", snapshot.id);
    json.Add("parent", snapshot.parent);
    json.Add("snapshotter", snapshot.snapshotter);
    event.raw = std::move(json).Finish();
    Add(snapshot.store);
  }

 private:
  event::Event& Begin(const Container& container, std::optional<Timestamp> time,
                      std::string_view time_kind, std::string_view action) {
    event::Event& event = reading_.Begin();
    event.time = time;
    event.raw = RawContainer(container);
    event[Text::kTimeKind] = time_kind;
    event[Text::kAction] = action;
    const bool is_sandbox = container.kind == runtime::ContainerKind::kSandbox;
    event[Text::kObjectKind] = is_sandbox ? "sandbox" : "container";
    event[Text::kObjectName] = container.name.empty() ? container.id : container.name;
    event[Text::kContainerId] = container.id;
    event[Text::kContainer] = container.name;
    event[Text::kImage] = container.image;
    if (container.pod) {
      event[Text::kPod] = container.pod->name;
      event[Text::kNamespace] = container.pod->namespace_name;
      event[Text::kPodUid] = container.pod->uid;
      event[Text::kContainer] = container.pod->container;
    }
    event[Text::kCommandLine] = CommandLine(container.arguments);
    event[Number::kPid] = container.pid;
    if (container.privileged) event.AddTag("privileged");
    if (container.host_pid) event.AddTag("host_pid");
    if (container.host_network) event.AddTag("host_network");
    if (container.host_ipc) event.AddTag("host_ipc");
    if (!container.recovered.empty()) event.AddTag("recovered");
    return event;
  }

  void WriteEnd(const Container& container, const std::string& who) {
    event::Event& event = Begin(container, container.finished, "End Time", "finished");
    event[Number::kStatusCode] = container.exit_code;
    event[Text::kError] = container.reason;
    if (container.exit_code) {
      event[Text::kOutcome] = *container.exit_code == 0 ? "success" : "failure";
    }
    if (container.started && *container.started <= *container.finished) {
      const auto seconds = CheckedMultiply(container.finished->seconds - container.started->seconds,
                                           int64_t{1000000000});
      if (seconds) {
        event[Number::kDurationNs] =
            CheckedAdd(*seconds, int64_t{container.finished->nanoseconds} -
                                     int64_t{container.started->nanoseconds});
      }
    }
    std::string& message = event[Text::kMessage];
    message = who + " ended";
    if (container.exit_code) message += fmt::format(" with exit code {}", *container.exit_code);
    if (!container.reason.empty()) message += fmt::format(" ({})", container.reason);
    Add(container.store);
  }

  void Add(const runtime::Location& store) {
    reading_.Add(store.path.empty() ? "" : "/" + store.path, number_++);
  }

  Reading& reading_;
  uint64_t number_ = 0;
};

class ContainerLife : public Format {
 public:
  std::string_view name() const override { return "container_life"; }
  std::string_view description() const override {
    return "lives of containers and pods, and pulled images, from the runtimes' stores";
  }
  bool host_only() const override { return true; }
  void Read(const View& view, Output& output, DiagnosticSink& diagnostics) const override {
    if (view.inventory == nullptr) return;
    Reading reading(view, output, diagnostics);
    Writer writer(reading);
    for (const auto& container : view.inventory->containers) writer.Write(container);
    for (const auto& image : view.inventory->images) writer.Write(image);
    for (const auto& pod : view.inventory->pods) writer.Write(pod);
    for (const auto& snapshot : view.inventory->snapshots) writer.Write(snapshot);
  }
};

}  // namespace

const Format& ContainerLifeFormat() {
  static const ContainerLife format;
  return format;
}

}  // namespace ekshume::artifact::container_life
