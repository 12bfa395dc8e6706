// SPDX-License-Identifier: Apache-2.0
#include "log/k8s_audit/audit_record.h"

namespace ekshume::log::k8s_audit {
namespace {

std::string_view View(JsonValue value) {
  std::string_view text;
  JsonView(value, text);
  return text;
}

// The first element of a list of texts; a text that is no list as it is.
std::string_view First(JsonValue list) {
  std::string_view first;
  bool seen = false;
  ForEachElement(list, [&](JsonValue value) {
    if (!seen) first = View(value);
    seen = true;
  });
  return first;
}

// aws-iam-authenticator adds the first three, the API server those of service account tokens.
void ReadExtra(JsonValue extra, User& user) {
  ForEachMember(extra, [&](std::string_view key, JsonValue value) {
    if (key == "arn") {
      user.arn = First(value);
    } else if (key == "canonicalArn") {
      user.canonical_arn = First(value);
    } else if (key == "accessKeyId") {
      user.access_key_id = First(value);
    } else if (key.starts_with("authentication.kubernetes.io/")) {
      key.remove_prefix(std::string_view("authentication.kubernetes.io/").size());
      if (key == "credential-id") {
        user.credential_id = First(value);
      } else if (key == "pod-name") {
        user.pod_name = First(value);
      } else if (key == "pod-uid") {
        user.pod_uid = First(value);
      } else if (key == "node-name") {
        user.node_name = First(value);
      }
    }
  });
}

void ReadUser(JsonValue value, User& user) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "username") {
      user.username = View(inner);
    } else if (key == "uid") {
      user.uid = View(inner);
    } else if (key == "groups") {
      ForEachElement(inner, [&](JsonValue group) {
        if (View(group) == "system:unauthenticated") user.unauthenticated = true;
      });
    } else if (key == "extra") {
      ReadExtra(inner, user);
    }
  });
}

void ReadObjectReference(JsonValue value, ObjectReference& object) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "resource") {
      object.resource = View(inner);
    } else if (key == "namespace") {
      object.namespace_name = View(inner);
    } else if (key == "name") {
      object.name = View(inner);
    } else if (key == "uid") {
      object.uid = View(inner);
    } else if (key == "subresource") {
      object.subresource = View(inner);
    }
  });
}

void ReadSourceAddresses(JsonValue value, AuditRecord& record) {
  size_t count = 0;
  ForEachElement(value, [&](JsonValue address) {
    (count++ == 0 ? record.source_ip : record.peer_ip) = View(address);
  });
}

void ReadStatus(JsonValue value, AuditRecord& record) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "code") {
      record.code = JsonInteger(inner);
    } else if (key == "reason") {
      record.status_reason = View(inner);
    } else if (key == "message") {
      record.status_message = View(inner);
    }
  });
}

void ReadAnnotations(JsonValue value, AuditRecord& record) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "authorization.k8s.io/decision") {
      record.decision = View(inner);
    } else if (key == "authorization.k8s.io/reason") {
      record.decision_reason = View(inner);
    } else if (key == "authentication.kubernetes.io/issued-credential-id") {
      record.issued_credential_id = View(inner);
    }
  });
}

void ReadSubject(JsonValue value, Object& object) {
  Object::Subject subject;
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "kind") {
      subject.kind = View(inner);
    } else if (key == "namespace") {
      subject.namespace_name = View(inner);
    } else if (key == "name") {
      subject.name = View(inner);
    }
  });
  if (!subject.name.empty()) object.subjects.push_back(subject);
}

void ReadMetadata(JsonValue value, Object& object) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "name") {
      object.name = View(inner);
    } else if (key == "generateName") {
      object.generate_name = View(inner);
    } else if (key == "uid") {
      object.uid = View(inner);
    } else if (key == "annotations") {
      ForEachMember(inner, [&](std::string_view name, JsonValue text) {
        if (name == "eks.amazonaws.com/role-arn") object.role_arn = View(text);
      });
    }
  });
}

// The members of `spec` that a TokenRequest has.
void ReadTokenMember(std::string_view key, JsonValue value, Object& object) {
  if (key == "expirationSeconds") {
    object.expiration_seconds = JsonInteger(value);
  } else if (key == "boundObjectRef") {
    ForEachMember(value, [&](std::string_view name, JsonValue inner) {
      if (name == "kind") {
        object.bound_kind = View(inner);
      } else if (name == "name") {
        object.bound_name = View(inner);
      } else if (name == "uid") {
        object.bound_uid = View(inner);
      }
    });
  }
}

// JSON patch (RFC 6902): [{"op":"add","path":"/spec/hostPID","value":true}, ...]. Encoders write
// the path before the value; where one does not, only the result in responseObject tells.
void ReadPatchOperation(JsonValue operation, Object& object) {
  std::string_view path;
  ForEachMember(operation, [&](std::string_view key, JsonValue value) {
    if (key == "path") {
      path = View(value);
    } else if (key == "value" && path == "/metadata/annotations/eks.amazonaws.com~1role-arn") {
      object.role_arn = View(value);
    } else if (key == "value" && !path.empty()) {
      ReadPodPatch(path, value, object.pod);
    }
  });
}

void ReadObjectMember(std::string_view key, JsonValue value, Object& object) {
  if (key == "metadata") {
    ReadMetadata(value, object);
  } else if (key == "spec") {
    ReadSpec(value, object.pod,
             [&](std::string_view name, JsonValue inner) { ReadTokenMember(name, inner, object); });
  } else if (key == "roleRef") {
    ForEachMember(value, [&](std::string_view name, JsonValue inner) {
      if (name == "kind") {
        object.role_kind = View(inner);
      } else if (name == "name") {
        object.role_name = View(inner);
      }
    });
  } else if (key == "subjects") {
    ForEachElement(value, [&](JsonValue subject) { ReadSubject(subject, object); });
  } else if (key == "target") {
    ForEachMember(value, [&](std::string_view name, JsonValue inner) {
      if (name == "name") object.target_name = View(inner);
    });
  }
}

}  // namespace

void ReadObject(JsonValue value, Object& object) {
  object.present = true;
  simdjson::ondemand::json_type type;
  if (value.type().get(type) != simdjson::SUCCESS) return;
  if (type == simdjson::ondemand::json_type::array) {
    object.is_json_patch = true;
    ForEachElement(value, [&](JsonValue operation) { ReadPatchOperation(operation, object); });
    return;
  }
  ForEachMember(
      value, [&](std::string_view key, JsonValue inner) { ReadObjectMember(key, inner, object); });
}

void ReadAuditMember(std::string_view key, JsonValue value, AuditRecord& record) {
  switch (key.size()) {
    case 4:
      if (key == "kind") record.kind = View(value);
      if (key == "verb") record.verb = View(value);
      if (key == "user") ReadUser(value, record.user);
      break;
    case 5:
      if (key == "level") record.level = View(value);
      if (key == "stage") record.stage = View(value);
      break;
    case 7:
      if (key == "auditID") record.audit_id = View(value);
      break;
    case 8:
      if (key == "metadata") {
        ForEachMember(value, [&](std::string_view name, JsonValue inner) {
          if (name == "creationTimestamp" && record.old_time.empty()) record.old_time = View(inner);
        });
      }
      break;
    case 9:
      if (key == "sourceIPs") ReadSourceAddresses(value, record);
      if (key == "userAgent") record.user_agent = View(value);
      if (key == "objectRef") ReadObjectReference(value, record.object);
      if (key == "timestamp") record.old_time = View(value);
      break;
    case 10:
      if (key == "apiVersion") record.api_version = View(value);
      if (key == "requestURI") record.request_uri = View(value);
      break;
    case 11:
      if (key == "annotations") ReadAnnotations(value, record);
      break;
    case 13:
      if (key == "requestObject") ReadObject(value, record.request);
      break;
    case 14:
      if (key == "responseStatus") ReadStatus(value, record);
      if (key == "stageTimestamp") record.staged = View(value);
      if (key == "responseObject") ReadObject(value, record.response);
      break;
    case 16:
      if (key == "impersonatedUser") {
        ForEachMember(value, [&](std::string_view name, JsonValue inner) {
          if (name == "username") record.impersonated = View(inner);
        });
      }
      break;
    case 24:
      if (key == "requestReceivedTimestamp") record.received = View(value);
      break;
    default: break;
  }
}

}  // namespace ekshume::log::k8s_audit
