// SPDX-License-Identifier: Apache-2.0
#include "log/k8s_audit/sentence.h"

#include <fmt/format.h>

#include <algorithm>

namespace ekshume::log::k8s_audit {
namespace {

// A predicate in the two forms that sentences need: "listed", and "list" of "tried to list".
struct Predicate {
  std::string_view past;
  std::string_view infinitive;
};

Predicate OfVerb(std::string_view verb) {
  if (verb == "get") return {"read", "read"};
  if (verb == "list") return {"listed", "list"};
  if (verb == "watch") return {"watched", "watch"};
  if (verb == "create") return {"created", "create"};
  if (verb == "update") return {"updated", "update"};
  if (verb == "patch") return {"patched", "patch"};
  if (verb == "delete") return {"deleted", "delete"};
  if (verb == "deletecollection") return {"deleted all", "delete all"};
  return {};
}

// Resources that live in namespaces: without one in the request, all namespaces were asked for. Of
// other resources (those that live in none, and unknown ones) nothing is said.
constexpr std::string_view kNamespaced[] = {"configmaps",
                                            "controllerrevisions",
                                            "cronjobs",
                                            "daemonsets",
                                            "deployments",
                                            "endpoints",
                                            "endpointslices",
                                            "events",
                                            "horizontalpodautoscalers",
                                            "ingresses",
                                            "jobs",
                                            "leases",
                                            "limitranges",
                                            "networkpolicies",
                                            "persistentvolumeclaims",
                                            "poddisruptionbudgets",
                                            "pods",
                                            "podtemplates",
                                            "replicasets",
                                            "replicationcontrollers",
                                            "resourcequotas",
                                            "rolebindings",
                                            "roles",
                                            "secrets",
                                            "serviceaccounts",
                                            "services",
                                            "statefulsets"};

// "networkpolicies" -> "networkpolicy", "ingresses" -> "ingress", "pods" -> "pod".
void AppendSingular(std::string_view resource, std::string& out) {
  if (resource == "serviceaccounts") {
    out += "service account";
  } else if (resource.ends_with("ies")) {
    out += resource.substr(0, resource.size() - 3);
    out += 'y';
  } else if (resource.ends_with("sses")) {
    out += resource.substr(0, resource.size() - 2);
  } else if (resource.ends_with('s') && resource != "endpoints") {
    out += resource.substr(0, resource.size() - 1);
  } else {
    out += resource;
  }
}

void AppendObject(const AuditRecord& record, std::string& out) {
  const ObjectReference& object = record.object;
  const std::string_view name = ObjectName(record);
  if (name.empty() && (record.verb == "list" || record.verb == "watch" || record.verb == "get" ||
                       record.verb == "deletecollection")) {
    out += object.resource;
    if (!object.namespace_name.empty()) {
      out += " in ";
      out += object.namespace_name;
    } else if (std::ranges::find(kNamespaced, object.resource) != std::end(kNamespaced)) {
      out += " in all namespaces";
    }
    return;
  }
  AppendSingular(object.resource, out);
  out += ' ';
  if (!object.namespace_name.empty() && object.resource != "namespaces") {
    out += object.namespace_name;
    out += '/';
  }
  out += name.empty() ? std::string_view("(unnamed)") : name;
}

void AppendActor(const AuditRecord& record, std::string& out) {
  const User& user = record.user;
  out += user.username.empty() ? std::string_view("somebody") : user.username;
  if (const std::string_view arn = user.arn.empty() ? user.canonical_arn : user.arn;
      !arn.empty() && arn != user.username) {
    out += " (";
    out += arn;
    out += ')';
  }
  if (!user.pod_name.empty()) {
    out += " (token of pod ";
    out += user.pod_name;
    out += ')';
  }
  if (!record.impersonated.empty()) {
    out += " acting as ";
    out += record.impersonated;
  }
  if (!record.source_ip.empty()) {
    out += " from ";
    out += record.source_ip;
  }
  out += ' ';
}

void AppendContainer(const ExecRequest& exec, std::string& out) {
  if (exec.container.empty()) return;
  out += " container ";
  out += exec.container;
}

void AppendTokenTerms(const AuditRecord& record, std::string& out) {
  if (!record.request.bound_name.empty()) {
    out += " for ";
    out += record.request.bound_kind;
    out += ' ';
    out += record.request.bound_name;
  }
  if (record.request.expiration_seconds) {
    out += ", valid for ";
    out += fmt::format_int(*record.request.expiration_seconds).c_str();
    out += " s";
  }
}

// What was done through a subresource that has a meaning of its own. False for all others.
bool AppendSubresource(const AuditRecord& record, const ExecRequest& exec, bool done,
                       std::string& out) {
  const auto say = [&](Predicate predicate) {
    out += done ? predicate.past : predicate.infinitive;
    out += ' ';
  };
  const std::string_view sub = record.object.subresource;
  if (record.object.resource == "serviceaccounts" && sub == "token") {
    say({"got a token of", "get a token of"});
    AppendObject(record, out);
    AppendTokenTerms(record, out);
    return true;
  }
  if (sub == "proxy") {
    say({"sent a request through the API server to", "send a request through the API server to"});
    AppendObject(record, out);
    return true;
  }
  if (record.object.resource != "pods") return false;
  if (sub == "exec") {
    say({"ran", "run"});
    out += '"';
    out += exec.command_line;
    out += "\" in ";
    AppendObject(record, out);
    AppendContainer(exec, out);
  } else if (sub == "attach") {
    say({"attached to", "attach to"});
    AppendObject(record, out);
    AppendContainer(exec, out);
  } else if (sub == "portforward") {
    say({"forwarded a port of", "forward a port of"});
    AppendObject(record, out);
  } else if (sub == "log") {
    say({"read the log of", "read the log of"});
    AppendObject(record, out);
    AppendContainer(exec, out);
  } else if (sub == "eviction") {
    say({"evicted", "evict"});
    AppendObject(record, out);
  } else if (sub == "binding") {
    say({"placed", "place"});
    AppendObject(record, out);
    out += " on node ";
    out += record.request.target_name;
  } else if (sub == "ephemeralcontainers" && record.verb != "get") {
    say({"added an ephemeral container to", "add an ephemeral container to"});
    AppendObject(record, out);
  } else {
    return false;
  }
  return true;
}

void AppendDeed(const AuditRecord& record, const ExecRequest& exec, bool done, std::string& out) {
  const ObjectReference& object = record.object;
  if (object.resource.empty()) {
    out += done ? "requested " : "request ";
    out += record.request_uri.empty() ? std::string_view("something") : record.request_uri;
    if (!record.verb.empty() && record.verb != "get") {
      out += " (";
      out += record.verb;
      out += ')';
    }
    return;
  }
  if (!object.subresource.empty() && AppendSubresource(record, exec, done, out)) return;
  if (object.resource == "selfsubjectrulesreviews" ||
      object.resource == "selfsubjectaccessreviews") {
    out += done ? "asked what it is allowed to do" : "ask what it is allowed to do";
    return;
  }
  const Predicate predicate = OfVerb(record.verb);
  if (predicate.past.empty()) {
    out += done ? "did \"" : "do \"";
    out += record.verb;
    out += "\" on";
  } else {
    out += done ? predicate.past : predicate.infinitive;
  }
  out += ' ';
  if (!object.subresource.empty()) {
    out += "the ";
    out += object.subresource;
    out += " of ";
  }
  AppendObject(record, out);
}

void AppendBinding(const Object& object, std::string& out) {
  if (object.role_name.empty()) return;
  out += ", which gives ";
  out += object.role_kind.empty() ? std::string_view("role") : object.role_kind;
  out += ' ';
  out += object.role_name;
  out += " to ";
  std::string_view separator;
  for (const Object::Subject& subject : object.subjects) {
    out += separator;
    separator = ", ";
    out += subject.kind;
    out += ' ';
    if (!subject.namespace_name.empty()) {
      out += subject.namespace_name;
      out += '/';
    }
    out += subject.name;
  }
  if (object.subjects.empty()) out += "nobody";
}

void AppendPodFacts(const PodFacts& facts, std::string& out) {
  if (!facts.Any()) return;
  std::string_view separator = " (";
  const auto add = [&](std::string_view words, std::string_view value = {}) {
    out += separator;
    out += words;
    out += value;
    separator = ", ";
  };
  if (facts.privileged) add("privileged");
  if (facts.host_pid) add("host's processes");
  if (facts.host_network) add("host's network");
  if (facts.host_ipc) add("host's IPC");
  for (const std::string_view path : facts.host_paths) add("host path ", path);
  for (const std::string_view capability : facts.capabilities) add("capability ", capability);
  for (const std::string_view image : facts.images) add("image ", image);
  if (!facts.command_line.empty()) {
    add("runs \"", facts.command_line);
    out += '"';
  }
  out += ')';
}

void AppendFailure(const AuditRecord& record, std::string& out) {
  out += ':';
  if (record.code) {
    out += ' ';
    out += fmt::format_int(*record.code).c_str();
  }
  if (const std::string_view reason = FailureReason(record); !reason.empty()) {
    out += ' ';
    out += reason;
  }
  if (record.decision == "forbid" && !record.decision_reason.empty()) {
    out += " (";
    out += record.decision_reason;
    out += ')';
  }
}

bool IsSession(const AuditRecord& record) {
  const std::string_view sub = record.object.subresource;
  return record.object.resource == "pods" &&
         (sub == "exec" || sub == "attach" || sub == "portforward");
}

}  // namespace

bool IsFailure(const AuditRecord& record) {
  if (record.stage == "Panic") return true;
  return record.code ? *record.code >= 400 : record.decision == "forbid";
}

const PodFacts* AskedPod(const AuditRecord& record) {
  if (record.verb != "create" && record.verb != "update" && record.verb != "patch") return nullptr;
  if (!record.object.subresource.empty() && record.object.subresource != "ephemeralcontainers") {
    return nullptr;
  }
  const bool result_says_it =
      record.response.present && (!record.request.present || record.request.is_json_patch);
  return result_says_it ? &record.response.pod : &record.request.pod;
}

std::string_view ObjectName(const AuditRecord& record) {
  if (!record.object.name.empty()) return record.object.name;
  if (record.verb != "create") return {};
  if (!record.response.name.empty()) return record.response.name;
  return record.request.name;
}

std::string_view FailureReason(const AuditRecord& record) {
  if (!record.status_reason.empty()) return record.status_reason;
  if (!record.status_message.empty()) return record.status_message;
  if (record.stage == "Panic") return "Panic";
  if (record.code == 401) return "Unauthorized";
  if (record.code == 403 || record.decision == "forbid") return "Forbidden";
  return {};
}

std::string_view AccessPolicy(const AuditRecord& record) {
  if (!record.decision_reason.starts_with("EKS Access Policy:")) return {};
  constexpr std::string_view kMarker = ":cluster-access-policy/";
  const size_t at = record.decision_reason.find(kMarker);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = record.decision_reason.substr(at + kMarker.size());
  return rest.substr(0, rest.find('"'));
}

void AppendSentence(const AuditRecord& record, const ExecRequest& exec,
                    std::optional<int64_t> duration_ns, std::string& out) {
  AppendActor(record, out);
  const bool failed = IsFailure(record);
  const bool done = !failed && record.stage != "RequestReceived";
  if (!done) out += failed ? "tried to " : "asked to ";
  AppendDeed(record, exec, done, out);
  if (IsSession(record) && record.stage == "ResponseComplete" && duration_ns && !failed) {
    fmt::format_to(std::back_inserter(out), ", for {}.{:03} s", *duration_ns / 1'000'000'000,
                   *duration_ns / 1'000'000 % 1000);
  }
  AppendBinding(record.request.role_name.empty() ? record.response : record.request, out);
  if (const PodFacts* facts = AskedPod(record)) AppendPodFacts(*facts, out);
  if (const std::string_view policy = AccessPolicy(record); !policy.empty()) {
    out += ", allowed by access policy ";
    out += policy;
  }
  if (failed) AppendFailure(record, out);
}

}  // namespace ekshume::log::k8s_audit
