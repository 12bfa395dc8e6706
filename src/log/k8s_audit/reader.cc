// SPDX-License-Identifier: Apache-2.0
#include "log/k8s_audit/reader.h"

#include "log/fields.h"
#include "log/json.h"
#include "log/k8s_audit/audit_record.h"
#include "log/k8s_audit/request_uri.h"
#include "log/k8s_audit/sentence.h"

namespace ekshume::log::k8s_audit {
namespace {

using event::Event;
using event::Number;
using event::Text;

constexpr std::string_view kAnonymous = "system:anonymous";

bool LooksLikeGoogle(std::string_view record) {
  return HasKey(record, "protoPayload") && record.find("io.k8s.") != std::string_view::npos;
}

bool LooksLikeAzure(std::string_view record) {
  return HasKey(record, "properties") && HasKey(record, "category") &&
         record.substr(0, 4096).find("\"kube-audit") != std::string_view::npos;
}

bool IsAuditEvent(const AuditRecord& audit) {
  if (audit.audit_id.empty()) return false;
  return audit.api_version.starts_with("audit.k8s.io/") || !audit.stage.empty() ||
         !audit.request_uri.empty();
}

// From one moment to a later one; none when it does not fit or time ran backwards.
std::optional<int64_t> Nanoseconds(const Timestamp& from, const Timestamp& to) {
  constexpr int64_t kMaxSeconds = 9'000'000'000;
  const int64_t seconds = to.seconds - from.seconds;  // years 0 to 9999: no overflow
  if (to < from || seconds > kMaxSeconds) return std::nullopt;
  return seconds * 1'000'000'000 + to.nanoseconds - from.nanoseconds;
}

void FillTimes(const AuditRecord& audit, Event& event) {
  const std::optional<Timestamp> received = ParseTimestamp(audit.received);
  const std::optional<Timestamp> staged = ParseTimestamp(audit.staged);
  if (audit.stage == "RequestReceived") {
    event.time = received ? received : staged;
  } else {
    event.time = staged ? staged : received;
    if (staged && received) event[Number::kDurationNs] = Nanoseconds(*received, *staged);
  }
  if (!event.time) event.time = ParseTimestamp(audit.old_time);
  event[Text::kTimeKind] = "Event Time";
}

void FillActor(const AuditRecord& audit, Event& event) {
  const User& user = audit.user;
  event[Text::kUserName] = user.username;
  event[Text::kUserArn] = user.arn.empty() ? user.canonical_arn : user.arn;
  event[Text::kAccessKeyId] = user.access_key_id;
  if (user.username.starts_with("system:serviceaccount:")) {
    event[Text::kServiceAccount] = ServiceAccountOf(user.username);
  }
  event[Text::kCredentialId] = user.credential_id;
  event[Text::kSourceIp] = audit.source_ip;
  event[Text::kUserAgent] = audit.user_agent;
  if (user.username == kAnonymous || user.unauthenticated) event.AddTag("anonymous");
  AddTag(event, "impersonated", audit.impersonated);
  AddTag(event, "peer_ip", audit.peer_ip);
  AddTag(event, "actor_pod", user.pod_name);
  AddTag(event, "actor_pod_uid", user.pod_uid);
  AddTag(event, "actor_node", user.node_name);
}

std::string_view PodUid(const AuditRecord& audit) {
  for (const std::string_view uid : {audit.object.uid, audit.response.uid, audit.request.uid}) {
    if (!uid.empty()) return uid;
  }
  return {};
}

void FillObject(const AuditRecord& audit, Event& event) {
  const ObjectReference& object = audit.object;
  if (object.resource.empty()) {
    event[Text::kObjectKind] = "url";
    event[Text::kObjectName] = audit.request_uri.substr(0, audit.request_uri.find('?'));
    return;
  }
  std::string& kind = event[Text::kObjectKind];
  kind = object.resource;
  if (!object.subresource.empty()) {
    kind += '/';
    kind += object.subresource;
  }
  const std::string_view name = ObjectName(audit);
  event[Text::kObjectName] = name;
  event[Text::kNamespace] = object.namespace_name;
  if (object.resource == "pods") {
    event[Text::kPod] = name;
    event[Text::kPodUid] = PodUid(audit);
    event[Text::kNode] = audit.request.target_name;  // of pods/binding
  } else if (object.resource == "nodes") {
    event[Text::kNode] = name;
  } else if (audit.request.bound_kind == "Pod") {
    event[Text::kPod] = audit.request.bound_name;
    event[Text::kPodUid] = audit.request.bound_uid;
  }
}

void FillOutcome(const AuditRecord& audit, Event& event) {
  event[Number::kStatusCode] = audit.code;
  if (IsFailure(audit)) {
    event[Text::kOutcome] = "failure";
    event[Text::kError] = FailureReason(audit);
  } else {
    event[Text::kOutcome] = audit.code ? "success" : "unknown";
  }
}

void FillPodFacts(const PodFacts& facts, Event& event) {
  if (facts.privileged) event.AddTag("privileged");
  if (facts.host_pid) event.AddTag("host_pid");
  if (facts.host_network) event.AddTag("host_network");
  if (facts.host_ipc) event.AddTag("host_ipc");
  for (const std::string_view path : facts.host_paths) AddTag(event, "host_path", path);
  for (const std::string_view name : facts.capabilities) AddTag(event, "cap_add", name);
  AddTag(event, "pod_service_account", facts.service_account);
  event[Text::kImage] = facts.image;
  if (facts.image.empty() && !facts.images.empty()) event[Text::kImage] = facts.images.front();
  SetIfEmpty(event[Text::kNode], facts.node_name);
  event[Text::kCommandLine] = facts.command_line;
}

void FillTags(const AuditRecord& audit, Event& event) {
  AddTag(event, "level", audit.level);
  AddTag(event, "access_policy", AccessPolicy(audit));
  AddTag(event, "issued_credential", audit.issued_credential_id);
  if (audit.request.expiration_seconds) {
    AddTag(event, "expiration_seconds", std::to_string(*audit.request.expiration_seconds));
  }
  const Object& binding = audit.request.role_name.empty() ? audit.response : audit.request;
  AddTag(event, "role", binding.role_name);
  for (const Object::Subject& subject : binding.subjects) AddTag(event, "subject", subject.name);
  if (audit.object.resource == "serviceaccounts" && audit.object.subresource.empty()) {
    const Object& account = audit.request.role_arn.empty() ? audit.response : audit.request;
    if (account.role_arn.empty()) return;
    AddTag(event, "for_service_account", event[Text::kNamespace] + '/' + event[Text::kObjectName]);
    AddTag(event, "granted_role", account.role_arn);
  }
}

void Fill(const AuditRecord& audit, const Record& record, Event& event,
          DiagnosticSink& diagnostics) {
  FillTimes(audit, event);
  event[Text::kRecordId] = audit.audit_id;
  event[Text::kStage] = audit.stage;
  event.identity = audit.audit_id;
  event.identity += '/';
  event.identity += audit.stage;
  event[Text::kAction] = audit.verb;
  event[Text::kCluster] = audit.cluster;
  FillActor(audit, event);
  FillObject(audit, event);
  FillOutcome(audit, event);
  FillTags(audit, event);
  bool arguments_left_out = false;
  ExecRequest exec;
  if (audit.object.resource == "pods" && !audit.object.subresource.empty()) {
    exec = ReadExecRequest(audit.request_uri);
    event[Text::kContainer] = exec.container;
    event[Text::kCommandLine] = exec.command_line;
    if (exec.terminal) event.AddTag("terminal");
    arguments_left_out = exec.arguments_left_out;
  }
  if (const PodFacts* facts = AskedPod(audit); facts != nullptr && facts->Any()) {
    FillPodFacts(*facts, event);
    arguments_left_out = arguments_left_out || facts->arguments_left_out;
  }
  if (arguments_left_out) {
    diagnostics.Report(DiagnosticCode::kLogLimit, record.stream->evidence,
                       "kMaxArguments: a command line was cut");
  }
  AppendSentence(audit, exec, event[Number::kDurationNs], event[Text::kMessage]);
}

// AKS puts the event into properties.log, as a text or as an object. The text is copied to
// `buffer`, which `audit` then points into: it is the next record of the thread's parser.
bool ReadAzureRecord(const Record& record, AuditRecord& audit, std::string& buffer) {
  const bool whole = ForEachMember(record, [&](std::string_view key, JsonValue value) {
    if (key != "properties") return;
    ForEachMember(value, [&](std::string_view name, JsonValue log) {
      simdjson::ondemand::json_type type;
      if (name != "log" || log.type().get(type) != simdjson::SUCCESS) return;
      if (type == simdjson::ondemand::json_type::object) {
        ForEachMember(log, [&](std::string_view member, JsonValue inner) {
          ReadAuditMember(member, inner, audit);
        });
      } else {
        JsonText(log, buffer);
      }
    });
  });
  if (!whole || buffer.empty()) return whole;
  const size_t size = buffer.size();
  buffer.append(kRecordPadding, '\0');
  const Record inner_record{std::string_view(buffer).substr(0, size), std::nullopt, record.stream};
  return ForEachMember(inner_record, [&](std::string_view key, JsonValue value) {
    ReadAuditMember(key, value, audit);
  });
}

class Reader final : public Format {
 public:
  std::string_view name() const override { return "k8s_audit"; }
  std::string_view description() const override {
    return "Kubernetes audit events (EKS, GKE, AKS, API servers' own files)";
  }

  Match Sniff(std::string_view record) const override {
    if (HasKey(record, "auditID")) {
      const bool known = record.substr(0, 4096).find("audit.k8s.io/") != std::string_view::npos ||
                         HasKey(record, "stage") || HasKey(record, "requestURI") ||
                         HasKey(record, "level");
      return known ? Match::kYes : Match::kMaybe;
    }
    return LooksLikeGoogle(record.substr(0, 4096)) || LooksLikeAzure(record) ? Match::kYes
                                                                             : Match::kNo;
  }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& diagnostics) const override {
    AuditRecord audit;
    bool whole = ForEachMember(
        record, [&](std::string_view key, JsonValue value) { ReadAuditMember(key, value, audit); });
    std::string buffer;
    if (audit.audit_id.empty() && LooksLikeGoogle(record.bytes.substr(0, 4096))) {
      audit = {};
      whole = ReadGoogleRecord(record, audit);
    } else if (audit.audit_id.empty() && LooksLikeAzure(record.bytes)) {
      audit = {};
      whole = ReadAzureRecord(record, audit, buffer);
    }
    if (!whole) return Sniff(record.bytes) == Match::kNo ? Outcome::kNotMine : Outcome::kDamaged;
    if (!IsAuditEvent(audit)) return Outcome::kNotMine;
    Fill(audit, record, event, diagnostics);
    sink.Add(event);
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& AuditFormat() {
  static const Reader reader;
  return reader;
}

}  // namespace ekshume::log::k8s_audit
