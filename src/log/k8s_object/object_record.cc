// SPDX-License-Identifier: Apache-2.0
#include "log/k8s_object/object_record.h"

namespace ekshume::log::k8s_object {
namespace {

std::string_view View(JsonValue value) {
  std::string_view text;
  JsonView(value, text);
  return text;
}

bool IsTrue(JsonValue value) { return JsonBoolean(value).value_or(false); }

void ReadManagedFields(JsonValue value, ObjectRecord& out) {
  ForEachElement(value, [&](JsonValue element) {
    ManagedFields& entry = out.managed_fields.emplace_back();
    ForEachMember(element, [&](std::string_view key, JsonValue inner) {
      if (key == "manager") entry.manager = View(inner);
      if (key == "operation") entry.operation = View(inner);
      if (key == "time") entry.time = View(inner);
      if (key == "subresource") entry.subresource = View(inner);
      if (key == "fieldsV1") JsonRaw(inner, entry.fields_v1);
    });
  });
}

void ReadMetadata(JsonValue value, ObjectRecord& out) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "name") out.name = View(inner);
    if (key == "namespace") out.namespace_name = View(inner);
    if (key == "uid") out.uid = View(inner);
    if (key == "creationTimestamp") out.creation_timestamp = View(inner);
    if (key == "deletionTimestamp") out.deletion_timestamp = View(inner);
    if (key == "deletionGracePeriodSeconds") out.deletion_grace_period_seconds = JsonInteger(inner);
    if (key == "managedFields") ReadManagedFields(inner, out);
  });
}

void ReadContainers(JsonValue value, PodSpec& out) {
  ForEachElement(value, [&](JsonValue element) {
    ForEachMember(element, [&](std::string_view key, JsonValue inner) {
      if (key == "image") out.images.push_back(View(inner));
      if (key != "securityContext") return;
      ForEachMember(inner, [&](std::string_view name, JsonValue setting) {
        if (name == "privileged") out.privileged = IsTrue(setting) || out.privileged;
      });
    });
  });
}

void ReadVolumes(JsonValue value, PodSpec& out) {
  ForEachElement(value, [&](JsonValue element) {
    ForEachMember(element, [&](std::string_view key, JsonValue inner) {
      if (key != "hostPath") return;
      ForEachMember(inner, [&](std::string_view name, JsonValue path) {
        if (name == "path") out.host_paths.push_back(View(path));
      });
    });
  });
}

void ReadPodMember(std::string_view key, JsonValue value, PodSpec& out) {
  if (key == "containers" || key == "initContainers" || key == "ephemeralContainers") {
    ReadContainers(value, out);
  } else if (key == "volumes") {
    ReadVolumes(value, out);
  } else if (key == "nodeName") {
    out.node_name = View(value);
  } else if (key == "serviceAccountName") {
    out.service_account_name = View(value);
  } else if (key == "hostNetwork") {
    out.host_network = IsTrue(value);
  } else if (key == "hostPID") {
    out.host_pid = IsTrue(value);
  } else if (key == "hostIPC") {
    out.host_ipc = IsTrue(value);
  }
}

// Calls `read` with the value of the one member.
template <typename Read>
void Within(JsonValue value, std::string_view name, Read read) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == name) read(inner);
  });
}

void ReadTemplate(JsonValue value, PodSpec& out) {
  Within(value, "spec", [&](JsonValue spec) {
    ForEachMember(spec,
                  [&](std::string_view key, JsonValue inner) { ReadPodMember(key, inner, out); });
  });
}

void ReadSpec(JsonValue value, ObjectRecord& out) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "template") {
      ReadTemplate(inner, out.pod);
    } else if (key == "jobTemplate") {
      Within(inner, "spec", [&](JsonValue job) {
        Within(job, "template", [&](JsonValue pod) { ReadTemplate(pod, out.pod); });
      });
    } else if (key == "username" && out.kind == "CertificateSigningRequest") {
      out.requester = View(inner);
    } else if (out.kind == "Pod") {
      ReadPodMember(key, inner, out.pod);
    }
  });
}

void ReadConditions(JsonValue value, ObjectRecord& out) {
  ForEachElement(value, [&](JsonValue element) {
    Condition& condition = out.conditions.emplace_back();
    ForEachMember(element, [&](std::string_view key, JsonValue inner) {
      if (key == "type") condition.type = View(inner);
      if (key == "status") condition.status = View(inner);
      if (key == "lastTransitionTime") condition.last_transition_time = View(inner);
      if (key == "reason") condition.reason = View(inner);
      if (key == "message") condition.message = View(inner);
    });
  });
}

void ReadState(JsonValue value, ContainerStatus& out) {
  ForEachMember(value, [&](std::string_view name, JsonValue inner) {
    if (name != "running" && name != "terminated") return;
    ContainerState state;
    ForEachMember(inner, [&](std::string_view key, JsonValue field) {
      if (key == "startedAt") state.started_at = View(field);
      if (key == "finishedAt") state.finished_at = View(field);
      if (key == "exitCode") state.exit_code = JsonInteger(field);
      if (key == "reason") state.reason = View(field);
      if (key == "message") state.message = View(field);
      if (key == "containerID") state.container_id = View(field);
    });
    out.states.push_back(state);
  });
}

void ReadContainerStatuses(JsonValue value, ObjectRecord& out) {
  ForEachElement(value, [&](JsonValue element) {
    ContainerStatus& status = out.containers.emplace_back();
    ForEachMember(element, [&](std::string_view key, JsonValue inner) {
      if (key == "name") status.name = View(inner);
      if (key == "image") status.image = View(inner);
      if (key == "containerID") status.container_id = View(inner);
      if (key == "state" || key == "lastState") ReadState(inner, status);
    });
  });
}

void ReadStatus(JsonValue value, ObjectRecord& out) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "conditions") ReadConditions(inner, out);
    if (key == "containerStatuses" || key == "initContainerStatuses" ||
        key == "ephemeralContainerStatuses") {
      ReadContainerStatuses(inner, out);
    }
  });
}

void ReadRole(JsonValue value, ObjectRecord& out) {
  std::string_view kind;
  std::string_view name;
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "kind") kind = View(inner);
    if (key == "name") name = View(inner);
  });
  out.role = kind;
  out.role += ' ';
  out.role += name;
}

void ReadSubjects(JsonValue value, ObjectRecord& out) {
  ForEachElement(value, [&](JsonValue element) {
    Subject& subject = out.subjects.emplace_back();
    ForEachMember(element, [&](std::string_view key, JsonValue inner) {
      if (key == "kind") subject.kind = View(inner);
      if (key == "namespace") subject.namespace_name = View(inner);
      if (key == "name") subject.name = View(inner);
    });
  });
}

void ReadClient(JsonValue value, Webhook& out) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "url") out.url = View(inner);
    if (key != "service") return;
    std::string_view namespace_name;
    std::string_view name;
    ForEachMember(inner, [&](std::string_view part, JsonValue text) {
      if (part == "namespace") namespace_name = View(text);
      if (part == "name") name = View(text);
    });
    out.service = namespace_name;
    out.service += '/';
    out.service += name;
  });
}

void ReadWebhooks(JsonValue value, ObjectRecord& out) {
  ForEachElement(value, [&](JsonValue element) {
    Webhook& webhook = out.webhooks.emplace_back();
    ForEachMember(element, [&](std::string_view key, JsonValue inner) {
      if (key == "name") webhook.name = View(inner);
      if (key == "clientConfig") ReadClient(inner, webhook);
      if (key == "failurePolicy") webhook.failure_policy = View(inner);
    });
  });
}

}  // namespace

void ReadMember(std::string_view key, JsonValue value, ObjectRecord& out) {
  if (key == "apiVersion") {
    out.api_version = View(value);
  } else if (key == "kind") {
    out.kind = View(value);
  } else if (key == "metadata") {
    out.has_metadata = true;
    ReadMetadata(value, out);
  } else if (key == "spec") {
    ReadSpec(value, out);
  } else if (key == "status") {
    ReadStatus(value, out);
  } else if (key == "roleRef") {
    ReadRole(value, out);
  } else if (key == "subjects") {
    ReadSubjects(value, out);
  } else if (key == "webhooks") {
    ReadWebhooks(value, out);
  }
}

}  // namespace ekshume::log::k8s_object
