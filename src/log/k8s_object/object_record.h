// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/json.h"

// The parts of an object of the Kubernetes API that say when something happened, and what decides
// how dangerous it is. Names are the API's. Views are valid until the thread's next record.
namespace ekshume::log::k8s_object {

// metadata.managedFields[]: the last write of each manager to its fields.
struct ManagedFields {
  std::string_view manager;    // "kubectl-edit"
  std::string_view operation;  // "Update", "Apply"
  std::string_view time;
  std::string_view subresource;  // "status"; not named before Kubernetes 1.22
  std::string fields_v1;         // as JSON
};

// status.conditions[]
struct Condition {
  std::string_view type;
  std::string_view status;
  std::string_view last_transition_time;
  std::string_view reason;
  std::string_view message;
};

// state or lastState of one of status.containerStatuses[] and its siblings.
struct ContainerState {
  std::string_view started_at;
  std::string_view finished_at;
  std::optional<int64_t> exit_code;
  std::string_view reason;
  std::string_view message;
  std::string_view container_id;  // of terminated: "containerd://..."
};

struct ContainerStatus {
  std::string_view name;
  std::string_view image;
  std::string_view container_id;
  std::vector<ContainerState> states;
};

// Of a pod, or of the template of what makes pods.
struct PodSpec {
  std::string_view node_name;
  std::string_view service_account_name;
  std::vector<std::string_view> images;
  std::vector<std::string_view> host_paths;
  bool host_network = false;
  bool host_pid = false;
  bool host_ipc = false;
  bool privileged = false;  // one of its containers
};

struct Subject {
  std::string_view kind;
  std::string_view namespace_name;
  std::string_view name;
};

struct Webhook {
  std::string_view name;
  std::string_view url;
  std::string service;  // namespace/name
  std::string_view failure_policy;
};

struct ObjectRecord {
  std::string_view api_version;
  std::string_view kind;
  bool has_metadata = false;
  std::string_view name;
  std::string_view namespace_name;
  std::string_view uid;
  std::string_view creation_timestamp;
  std::string_view deletion_timestamp;
  std::optional<int64_t> deletion_grace_period_seconds;
  std::vector<ManagedFields> managed_fields;
  PodSpec pod;
  std::string_view requester;  // spec.username of a CertificateSigningRequest
  std::string role;            // roleRef: "ClusterRole cluster-admin"
  std::vector<Subject> subjects;
  std::vector<Webhook> webhooks;
  std::vector<Condition> conditions;
  std::vector<ContainerStatus> containers;
};

// Fills in one member of the record.
void ReadMember(std::string_view key, JsonValue value, ObjectRecord& out);

}  // namespace ekshume::log::k8s_object
