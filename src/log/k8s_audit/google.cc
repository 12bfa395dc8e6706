// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "base/text.h"
#include "log/k8s_audit/audit_record.h"

// GKE's audit events as Cloud Audit Logs have them: google.cloud.audit.AuditLog in a LogEntry. The
// API server's event is spread over it: labels hold its annotations, operation.id its auditID.
namespace ekshume::log::k8s_audit {
namespace {

std::string_view View(JsonValue value) {
  std::string_view text;
  JsonView(value, text);
  return text;
}

// google.rpc.Code as the HTTP status that the API server must have sent.
std::optional<int64_t> HttpStatus(int64_t code) {
  switch (code) {
    case 0: return 200;
    case 3: return 400;
    case 5: return 404;
    case 6: return 409;
    case 7: return 403;
    case 8: return 429;
    case 10: return 409;
    case 16: return 401;
    default: return 500;
  }
}

// "core/v1/namespaces/shop/pods/web-1/exec": group, version, then as in the API's own paths.
void ReadResourceName(std::string_view text, ObjectReference& object) {
  std::vector<std::string_view> parts = SplitNonEmpty(text, '/');
  if (parts.size() < 3) return;
  size_t next = 2;
  if (parts[next] == "namespaces" && parts.size() > next + 2) {
    object.namespace_name = parts[next + 1];
    next += 2;
  }
  object.resource = parts[next++];
  if (next < parts.size()) object.name = parts[next++];
  if (next < parts.size()) object.subresource = parts[next++];
}

// "io.k8s.core.v1.pods.exec.create"
void ReadMethodName(std::string_view method, AuditRecord& audit, bool& is_kubernetes) {
  is_kubernetes =
      method.starts_with("io.k8s.") || method.find(".k8s.io.") != std::string_view::npos;
  audit.verb = method.substr(method.rfind('.') + 1);
}

void ReadStatus(JsonValue value, AuditRecord& audit) {
  int64_t code = 0;
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "code") {
      code = JsonInteger(inner).value_or(0);
    } else if (key == "message") {
      audit.status_message = View(inner);
    }
  });
  audit.code = HttpStatus(code);
}

void ReadPayload(JsonValue payload, AuditRecord& audit, bool& is_kubernetes) {
  ForEachMember(payload, [&](std::string_view key, JsonValue value) {
    if (key == "methodName") {
      ReadMethodName(View(value), audit, is_kubernetes);
    } else if (key == "resourceName") {
      audit.request_uri = View(value);
      ReadResourceName(audit.request_uri, audit.object);
    } else if (key == "authenticationInfo") {
      ForEachMember(value, [&](std::string_view name, JsonValue inner) {
        if (name == "principalEmail") audit.user.username = View(inner);
      });
    } else if (key == "requestMetadata") {
      ForEachMember(value, [&](std::string_view name, JsonValue inner) {
        if (name == "callerIp") audit.source_ip = View(inner);
        if (name == "callerSuppliedUserAgent") audit.user_agent = View(inner);
      });
    } else if (key == "request") {
      ReadObject(value, audit.request);
    } else if (key == "response") {
      ReadObject(value, audit.response);
    } else if (key == "status") {
      ReadStatus(value, audit);
    }
  });
}

}  // namespace

bool ReadGoogleRecord(const Record& record, AuditRecord& audit) {
  bool is_kubernetes = false;
  std::string_view insert_id;
  const bool whole = ForEachMember(record, [&](std::string_view key, JsonValue value) {
    if (key == "protoPayload") {
      ReadPayload(value, audit, is_kubernetes);
    } else if (key == "insertId") {
      insert_id = View(value);
    } else if (key == "operation") {
      ForEachMember(value, [&](std::string_view name, JsonValue inner) {
        if (name == "id") audit.audit_id = View(inner);
      });
    } else if (key == "labels") {
      ForEachMember(value, [&](std::string_view name, JsonValue inner) {
        if (name == "authorization.k8s.io/decision") audit.decision = View(inner);
        if (name == "authorization.k8s.io/reason") audit.decision_reason = View(inner);
      });
    } else if (key == "resource") {
      ForEachMember(value, [&](std::string_view name, JsonValue inner) {
        if (name != "labels") return;
        ForEachMember(inner, [&](std::string_view label, JsonValue text) {
          if (label == "cluster_name") audit.cluster = View(text);
        });
      });
    } else if (key == "timestamp") {
      audit.staged = View(value);
    }
  });
  if (audit.audit_id.empty()) audit.audit_id = insert_id;
  if (!is_kubernetes) audit.audit_id = {};
  return whole;
}

}  // namespace ekshume::log::k8s_audit
