// SPDX-License-Identifier: Apache-2.0
#include "log/k8s_audit/pod_spec.h"

#include "base/limits.h"
#include "log/fields.h"

namespace ekshume::log::k8s_audit {
namespace {

std::string_view View(JsonValue value) {
  std::string_view text;
  JsonView(value, text);
  return text;
}

bool IsTrue(JsonValue value) { return JsonBoolean(value).value_or(false); }

void ReadSecurityContextMember(std::string_view key, JsonValue value, PodFacts& facts) {
  if (key == "privileged") {
    if (IsTrue(value)) facts.privileged = true;
  } else if (key == "capabilities") {
    ForEachMember(value, [&](std::string_view name, JsonValue list) {
      if (name != "add") return;
      ForEachElement(list, [&](JsonValue word) { facts.capabilities.push_back(View(word)); });
    });
  }
}

void AppendArguments(JsonValue list, std::string& line, PodFacts& facts) {
  size_t count = 0;
  ForEachElement(list, [&](JsonValue word) {
    if (++count <= limits::kMaxArguments) {
      AppendArgument(line, View(word));
    } else {
      facts.arguments_left_out = true;
    }
  });
}

void ReadContainer(JsonValue container, PodFacts& facts) {
  std::string command;
  std::string arguments;
  ForEachMember(container, [&](std::string_view key, JsonValue value) {
    if (key == "image") {
      facts.images.push_back(View(value));
    } else if (key == "securityContext") {
      ForEachMember(value, [&](std::string_view name, JsonValue inner) {
        ReadSecurityContextMember(name, inner, facts);
      });
    } else if (key == "command") {
      AppendArguments(value, command, facts);
    } else if (key == "args") {
      AppendArguments(value, arguments, facts);
    }
  });
  if (!facts.command_line.empty()) return;
  facts.command_line = std::move(command);
  if (arguments.empty()) return;
  if (!facts.command_line.empty()) facts.command_line += ' ';
  facts.command_line += arguments;
}

void ReadVolume(JsonValue volume, PodFacts& facts) {
  ForEachMember(volume, [&](std::string_view key, JsonValue value) {
    if (key != "hostPath") return;
    ForEachMember(value, [&](std::string_view name, JsonValue path) {
      if (name == "path") facts.host_paths.push_back(View(path));
    });
  });
}

// A member of a pod's own specification.
void ReadOwnMember(std::string_view key, JsonValue value, PodFacts& facts) {
  switch (key.size()) {
    case 7:
      if (key == "hostPID") {
        if (IsTrue(value)) facts.host_pid = true;
      } else if (key == "hostIPC") {
        if (IsTrue(value)) facts.host_ipc = true;
      } else if (key == "volumes") {
        ForEachElement(value, [&](JsonValue volume) { ReadVolume(volume, facts); });
      }
      break;
    case 8:
      if (key == "nodeName") facts.node_name = View(value);
      break;
    case 10:
      if (key != "containers") break;
      ForEachElement(value, [&](JsonValue container) {
        const size_t before = facts.images.size();
        ReadContainer(container, facts);
        if (facts.image.empty() && facts.images.size() > before) facts.image = facts.images[before];
      });
      break;
    case 11:
      if (key == "hostNetwork" && IsTrue(value)) facts.host_network = true;
      break;
    case 14:
      if (key != "initContainers") break;
      ForEachElement(value, [&](JsonValue container) { ReadContainer(container, facts); });
      break;
    case 18:
      if (key == "serviceAccountName") facts.service_account = View(value);
      break;
    case 19:
      if (key != "ephemeralContainers") break;
      ForEachElement(value, [&](JsonValue container) { ReadContainer(container, facts); });
      break;
    default: break;
  }
}

// `template`: {"metadata":{...},"spec":{...}}
void ReadTemplate(JsonValue pod_template, PodFacts& facts) {
  ForEachMember(pod_template, [&](std::string_view key, JsonValue value) {
    if (key != "spec") return;
    ForEachMember(
        value, [&](std::string_view name, JsonValue inner) { ReadOwnMember(name, inner, facts); });
  });
}

// `jobTemplate`: {"metadata":{...},"spec":{"template":{...}}}
void ReadJobTemplate(JsonValue job_template, PodFacts& facts) {
  ForEachMember(job_template, [&](std::string_view key, JsonValue value) {
    if (key != "spec") return;
    ForEachMember(value, [&](std::string_view name, JsonValue inner) {
      if (name == "template") ReadTemplate(inner, facts);
    });
  });
}

// A JSON pointer's last part that is a name, and whether parts that are indices ("0", "-") follow
// it.
std::string_view LastName(std::string_view path) {
  while (!path.empty()) {
    const size_t slash = path.rfind('/');
    const std::string_view part = slash == std::string_view::npos ? path : path.substr(slash + 1);
    if (part != "-" && part.find_first_not_of("0123456789") != std::string_view::npos) return part;
    if (slash == std::string_view::npos) break;
    path = path.substr(0, slash);
  }
  return {};
}

}  // namespace

void ReadPodMember(std::string_view key, JsonValue value, PodFacts& facts) {
  if (key == "template") {
    ReadTemplate(value, facts);
  } else if (key == "jobTemplate") {
    ReadJobTemplate(value, facts);
  } else {
    ReadOwnMember(key, value, facts);
  }
}

void ReadPodPatch(std::string_view path, JsonValue value, PodFacts& facts) {
  const std::string_view name = LastName(path);
  if (name == "spec") {
    ForEachMember(value,
                  [&](std::string_view key, JsonValue inner) { ReadPodMember(key, inner, facts); });
  } else if (name == "image") {
    facts.images.push_back(View(value));
  } else if (name == "securityContext") {
    ForEachMember(value, [&](std::string_view key, JsonValue inner) {
      ReadSecurityContextMember(key, inner, facts);
    });
  } else if (name == "privileged" || name == "capabilities") {
    ReadSecurityContextMember(name, value, facts);
  } else if (name == "add") {
    ForEachElement(value, [&](JsonValue word) { facts.capabilities.push_back(View(word)); });
  } else {
    ReadPodMember(name, value, facts);
  }
}

}  // namespace ekshume::log::k8s_audit
