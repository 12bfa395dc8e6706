// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/json.h"
#include "log/k8s_audit/pod_spec.h"

// What an audit event says, with the names of audit/v1 types.go. Texts point into the record or
// into the thread's JSON parser: valid until the thread reads its next record.
namespace ekshume::log::k8s_audit {

struct User {
  std::string_view username;
  std::string_view uid;
  bool unauthenticated = false;  // in the group system:unauthenticated
  // extra: aws-iam-authenticator's
  std::string_view arn;
  std::string_view canonical_arn;
  std::string_view access_key_id;
  // extra: of a service account's token (authentication.kubernetes.io/...)
  std::string_view credential_id;
  std::string_view pod_name;
  std::string_view pod_uid;
  std::string_view node_name;
};

struct ObjectReference {
  std::string_view resource;  // "pods"
  std::string_view subresource;
  std::string_view namespace_name;
  std::string_view name;
  std::string_view uid;
};

// What requestObject or responseObject says.
struct Object {
  bool present = false;
  bool is_json_patch = false;  // an array of operations
  std::string_view name;       // metadata
  std::string_view generate_name;
  std::string_view uid;
  std::string_view role_arn;  // annotation eks.amazonaws.com/role-arn, of service accounts (IRSA)
  PodFacts pod;
  // (Cluster)RoleBinding
  std::string_view role_kind;
  std::string_view role_name;
  struct Subject {
    std::string_view kind;
    std::string_view namespace_name;
    std::string_view name;
  };
  std::vector<Subject> subjects;
  // Binding: the node. TokenRequest: the pod that the token is bound to.
  std::string_view target_name;
  std::optional<int64_t> expiration_seconds;
  std::string_view bound_kind;
  std::string_view bound_name;
  std::string_view bound_uid;
};

struct AuditRecord {
  std::string_view kind;
  std::string_view api_version;
  std::string_view level;
  std::string_view audit_id;
  std::string_view stage;
  std::string_view request_uri;
  std::string_view verb;
  User user;
  std::string_view impersonated;
  std::string_view source_ip;  // the first: the client, as far as proxies can be believed
  std::string_view peer_ip;    // the last, when there are several: who connected
  std::string_view user_agent;
  ObjectReference object;
  std::optional<int64_t> code;
  std::string_view status_message;
  std::string_view status_reason;
  Object request;
  Object response;
  std::string_view received;  // requestReceivedTimestamp
  std::string_view staged;    // stageTimestamp
  std::string_view old_time;  // timestamp, metadata.creationTimestamp: before v1
  std::string_view decision;  // annotation authorization.k8s.io/decision
  std::string_view decision_reason;
  std::string_view issued_credential_id;
  std::string_view cluster;  // only an envelope says it
};

// Takes one member of an audit event.
void ReadAuditMember(std::string_view key, JsonValue value, AuditRecord& record);
void ReadObject(JsonValue value, Object& object);

// Reads a record of the Google Cloud log; false when the JSON is broken. Leaves audit_id empty when
// it is of no Kubernetes API.
bool ReadGoogleRecord(const Record& record, AuditRecord& audit);

}  // namespace ekshume::log::k8s_audit
