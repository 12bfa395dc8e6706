// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "log/json.h"

// What a pod's specification says that decides how far its containers are from the node.
namespace ekshume::log::k8s_audit {

struct PodFacts {
  bool privileged = false;
  bool host_pid = false;
  bool host_network = false;
  bool host_ipc = false;
  std::vector<std::string_view> host_paths;
  std::vector<std::string_view> capabilities;  // added ones
  std::vector<std::string_view> images;        // of all containers, in the order of the record
  std::string_view image;                      // of the first container that is no init container
  std::string_view service_account;
  std::string_view node_name;
  std::string command_line;         // of the first container that is told one
  bool arguments_left_out = false;  // it has more than limits::kMaxArguments

  bool Any() const {
    return privileged || host_pid || host_network || host_ipc || !host_paths.empty() ||
           !capabilities.empty() || !images.empty();
  }
};

// Takes the value of `spec` of any object: a pod's own, that of a workload with a pod template
// (spec.template.spec) or with a job's (spec.jobTemplate.spec.template.spec). `other` is called for
// the members that say nothing about pods: other(key, value).
void ReadPodMember(std::string_view key, JsonValue value, PodFacts& facts);

// Takes one operation of a JSON patch (RFC 6902): what `value` becomes at `path`.
void ReadPodPatch(std::string_view path, JsonValue value, PodFacts& facts);

template <typename Other>
void ReadSpec(JsonValue spec, PodFacts& facts, Other other) {
  ForEachMember(spec, [&](std::string_view key, JsonValue value) {
    ReadPodMember(key, value, facts);
    other(key, value);
  });
}

}  // namespace ekshume::log::k8s_audit
