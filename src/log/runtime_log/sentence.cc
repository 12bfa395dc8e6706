// SPDX-License-Identifier: Apache-2.0
#include "log/runtime_log/sentence.h"

#include <algorithm>

#include "log/container_words.h"
#include "log/fields.h"

namespace ekshume::log::runtime_log {
namespace {

using event::Event;
using event::Number;
using event::Text;

enum class About : uint8_t { kContainer, kSandbox, kImage };

struct Verb {
  std::string_view beginning;
  std::string_view action;
  About about;
};

// Longer beginnings before those that they begin with.
constexpr Verb kVerbs[] = {
    {"RunPodSandbox ", "RunPodSandbox", About::kSandbox},
    {"StopPodSandbox ", "StopPodSandbox", About::kSandbox},
    {"RemovePodSandbox ", "RemovePodSandbox", About::kSandbox},
    {"CreateContainer ", "CreateContainer", About::kContainer},
    {"StartContainer ", "StartContainer", About::kContainer},
    {"StopContainer ", "StopContainer", About::kContainer},
    {"Stop container ", "StopContainer", About::kContainer},
    {"Kill container ", "KillContainer", About::kContainer},
    {"RemoveContainer ", "RemoveContainer", About::kContainer},
    {"ExecSync ", "ExecSync", About::kContainer},
    {"Exec ", "Exec", About::kContainer},
    {"Attach ", "Attach", About::kContainer},
    {"PortForward ", "PortForward", About::kSandbox},
    {"PullImage ", "PullImage", About::kImage},
    {"RemoveImage ", "RemoveImage", About::kImage},
    {"ImageCreate event ", "ImageCreate", About::kImage},
    {"ImageUpdate event ", "ImageUpdate", About::kImage},
    {"ImageDelete event ", "ImageDelete", About::kImage},
    {"TaskOOM event ", "TaskOOM", About::kContainer},
    {"TaskExit event ", "TaskExit", About::kContainer},
    {"received exit event ", "TaskExit", About::kContainer},
    {"shim disconnected", "ShimDisconnected", About::kContainer},
};

// &PodSandboxMetadata{Name:web-1,Uid:b425...,Namespace:shop,Attempt:0,}
void ReadSandboxMetadata(std::string_view msg, Event& event) {
  const std::string_view metadata = Between(msg, "PodSandboxMetadata{", "}");
  if (metadata.empty()) return;
  event[Text::kPod] = Between(metadata, "Name:", ",");
  event[Text::kPodUid] = Between(metadata, "Uid:", ",");
  event[Text::kNamespace] = Between(metadata, "Namespace:", ",");
}

void ReadImage(std::string_view msg, Event& event) {
  std::string_view name = Between(msg, "name:\"", "\"");
  if (name.empty()) name = Between(msg, "{Name:", ",");
  if (name.empty()) name = Between(msg, "\"", "\"");
  event[Text::kImage] = name;
  event[Text::kObjectName] = name;
}

// container_id:"505e..."  id:"505e..."  pid:123  exit_status:137
void ReadExit(std::string_view msg, Event& event) {
  const std::string_view rest = Between(msg, "exit_status:", " ");
  event[Number::kStatusCode] = ParseInteger(rest);
  event[Number::kPid] = ParseInteger(Between(msg, "pid:", " "));
}

void ReadContainer(std::string_view msg, Event& event) {
  const std::string_view name = Between(msg, "&ContainerMetadata{Name:", ",");
  event[Text::kContainer] = name;
  event[Text::kObjectName] = name;
  if (const std::string_view sandbox = Between(msg, "within sandbox \"", "\""); !sandbox.empty()) {
    AddTag(event, "sandbox", sandbox);
    event[Text::kContainerId] = FindContainerId(Between(msg, "returns container id \"", "\""));
    return;
  }
  event[Text::kContainerId] = FindContainerId(msg);
  if (event[Text::kObjectName].empty()) event[Text::kObjectName] = event[Text::kContainerId];
}

// with command [sh -c id], tty true and stdin true: words and blanks inside them look the same.
void ReadCommand(std::string_view msg, Event& event) {
  constexpr std::string_view kBefore = "with command [";
  const size_t begin = msg.find(kBefore);
  const size_t end = msg.rfind(']');
  if (begin == std::string_view::npos || end == std::string_view::npos) return;
  const size_t inside = begin + kBefore.size();
  if (end > inside) event[Text::kCommandLine] = msg.substr(inside, end - inside);
}

}  // namespace

void ReadSentence(std::string_view msg, Event& event) {
  const auto* verb = std::ranges::find_if(
      kVerbs, [&](const Verb& candidate) { return msg.starts_with(candidate.beginning); });
  if (verb == std::end(kVerbs)) {
    event[Text::kContainerId] = FindContainerId(msg);
    return;
  }
  event[Text::kAction] = verb->action;
  switch (verb->about) {
    case About::kSandbox:
      event[Text::kObjectKind] = "sandboxes";
      ReadSandboxMetadata(msg, event);
      event[Text::kObjectName] = event[Text::kPod];
      event[Text::kContainerId] = FindContainerId(msg);
      break;
    case About::kContainer:
      event[Text::kObjectKind] = "containers";
      ReadContainer(msg, event);
      ReadCommand(msg, event);
      if (verb->action == "TaskExit") ReadExit(msg, event);
      break;
    case About::kImage:
      event[Text::kObjectKind] = "images";
      ReadImage(msg, event);
      break;
  }
  if (msg.find(" failed") != std::string_view::npos) {
    event[Text::kOutcome] = "failure";
  } else if (msg.find(" returns ") != std::string_view::npos) {
    event[Text::kOutcome] = "success";
  }
}

}  // namespace ekshume::log::runtime_log
