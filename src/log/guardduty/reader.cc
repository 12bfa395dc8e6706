// SPDX-License-Identifier: Apache-2.0
#include "log/guardduty/reader.h"

#include <algorithm>
#include <charconv>

#include "log/fields.h"
#include "log/guardduty/finding.h"
#include "log/json.h"

namespace ekshume::log::guardduty {
namespace {

using event::Event;
using event::Number;
using event::Text;

constexpr size_t kSniffedBytes = 4096;
constexpr std::string_view kSampleTitle = "[SAMPLE]";

bool IsAsff(const Finding& finding) {
  return finding[Field::kProductArn].ends_with("product/aws/guardduty");
}

bool IsFinding(const Finding& finding) {
  if (!finding[Field::kProductArn].empty()) return IsAsff(finding);
  const bool resource = !finding[Field::kResourceType].empty();
  if (finding[Field::kSchemaVersion] == "2.0" && resource) return true;
  const bool service = !finding[Field::kActionType].empty() || !finding[Field::kLastSeen].empty();
  return finding[Field::kType].find(':') != std::string::npos && (resource || service);
}

// ASFF's Id is the finding's ARN.
std::string_view IdOf(const Finding& finding) { return AfterLast(finding[Field::kId], '/'); }

// "Discovery:Kubernetes/MaliciousIPCaller". ASFF has
// "TTPs/Discovery/Discovery:Kubernetes-MaliciousIPCaller".
std::string TypeOf(const Finding& finding) {
  if (!IsAsff(finding)) return finding[Field::kType];
  std::string type(AfterLast(finding[Field::kType], '/'));
  const size_t dash = type.find('-');
  if (dash != std::string::npos) type[dash] = '/';
  return type;
}

// Low is 1.0 to 3.9, medium to 6.9, high to 8.9, critical from 9: GuardDuty user guide, "Severity
// levels". Security Hub gives a word.
std::string SeverityOf(const Finding& finding) {
  std::string label = finding[Field::kSeverityLabel];
  std::ranges::transform(label, label.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  if (!label.empty()) return label;
  const std::string& number = finding[Field::kSeverity];
  double value = 0;
  if (std::from_chars(number.data(), number.data() + number.size(), value).ec != std::errc()) {
    return {};
  }
  if (value >= 9) return "critical";
  if (value >= 7) return "high";
  if (value >= 4) return "medium";
  return value >= 1 ? "low" : "informational";
}

bool IsSample(const Finding& finding) {
  if (finding[Field::kSample] == "true") return true;
  if (finding[Field::kTitle].starts_with(kSampleTitle)) return true;
  std::string info = finding[Field::kAdditionalInfo];
  std::erase(info, ' ');
  return info.find(R"("sample":true)") != std::string::npos;
}

void FillTimes(const Finding& finding, Event& event) {
  const std::optional<Timestamp> first = ParseTimestamp(finding[Field::kFirstSeen]);
  const std::optional<Timestamp> last = ParseTimestamp(finding[Field::kLastSeen]);
  event.time = last;
  if (!event.time) event.time = ParseTimestamp(finding[Field::kUpdated]);
  if (!event.time) event.time = ParseTimestamp(finding[Field::kCreated]);
  event[Text::kTimeKind] = last ? "Last Seen Time" : "Update Time";
  if (first) AddTag(event, "first", finding[Field::kFirstSeen]);
  // The store keeps the version with the greatest of these, which are all of one length.
  const std::optional<Timestamp> updated = ParseTimestamp(finding[Field::kUpdated]);
  if (updated) AddTag(event, "updated", FormatTimestamp(*updated));
}

void FillKubernetes(const Finding& finding, Event& event) {
  event[Text::kCluster] = finding[Field::kCluster];
  SetIfEmpty(event[Text::kCluster], AfterLast(finding[Field::kClusterArn], '/'));
  event[Text::kNamespace] = finding[Field::kNamespace];
  SetIfEmpty(event[Text::kNamespace], finding[Field::kKubernetesNamespace]);
  const std::string& type = finding[Field::kWorkloadType];
  if (type == "pods" || type == "pod" || type == "Pod") {
    event[Text::kPod] = finding[Field::kWorkload];
    event[Text::kPodUid] = finding[Field::kWorkloadUid];
  }
  event[Text::kContainer] = finding[Field::kContainer];
  event[Text::kContainerId] = AfterLast(finding[Field::kContainerId], '/');  // "containerd://..."
  event[Text::kImage] = finding[Field::kImage];
  event[Text::kNode] = finding[Field::kNode];
  SetIfEmpty(event[Text::kNode], finding[Field::kInstance]);
  AddTag(event, "instance", finding[Field::kInstance]);
}

void FillActor(const Finding& finding, Event& event) {
  for (const Field field : {Field::kKubernetesUser, Field::kAccessKeyUser, Field::kActorUser,
                            Field::kProcessUser, Field::kPrincipal}) {
    SetIfEmpty(event[Text::kUserName], finding[field]);
  }
  event[Text::kServiceAccount] = ServiceAccountOf(event[Text::kUserName]);
  if (!finding[Field::kServiceAccount].empty() && event[Text::kServiceAccount].empty()) {
    event[Text::kServiceAccount] =
        finding[Field::kNamespace] + '/' + finding[Field::kServiceAccount];
  }
  event[Text::kAccessKeyId] = finding[Field::kAccessKey];
  SetIfEmpty(event[Text::kAccessKeyId], finding[Field::kActorKey]);
  AddTag(event, "impersonated", finding[Field::kImpersonated]);
  if (finding[Field::kKubernetesUser] == "system:anonymous") event.AddTag("anonymous");
}

void FillConnection(const Finding& finding, Event& event) {
  const bool outbound =
      finding[Field::kDirection] == "OUTBOUND" || !finding[Field::kDomain].empty();
  const std::optional<int64_t> local_port = ParseInteger(finding[Field::kLocalPort]);
  const std::optional<int64_t> remote_port = ParseInteger(finding[Field::kRemotePort]);
  std::string remote = finding[Field::kRemoteIp];
  if (remote.empty()) remote = finding[Field::kSourceIps];
  if (remote.empty()) remote = finding[Field::kEndpointIp];
  event[outbound ? Text::kDestinationIp : Text::kSourceIp] = remote;
  event[outbound ? Text::kSourceIp : Text::kDestinationIp] = finding[Field::kLocalIp];
  event[outbound ? Number::kDestinationPort : Number::kSourcePort] = remote_port;
  event[outbound ? Number::kSourcePort : Number::kDestinationPort] = local_port;
  event[Text::kUserAgent] = finding[Field::kUserAgent];
}

void FillOutcome(const Finding& finding, Event& event) {
  event[Number::kStatusCode] = ParseInteger(finding[Field::kStatusCode]);
  event[Text::kError] = finding[Field::kErrorCode];
  const int64_t status = event[Number::kStatusCode].value_or(0);
  if (status >= 400 || !event[Text::kError].empty() || finding[Field::kBlocked] == "true") {
    event[Text::kOutcome] = "failure";
  } else if (status >= 100 || !finding[Field::kApi].empty()) {
    event[Text::kOutcome] = "success";
  } else {
    event[Text::kOutcome] = "unknown";
  }
}

// What it was done to: the object of a Kubernetes call, else the resource that the finding is
// about.
void FillObject(const Finding& finding, Event& event) {
  std::string& kind = event[Text::kObjectKind];
  kind = finding[Field::kKubernetesResource];
  if (!kind.empty() && !finding[Field::kKubernetesSubresource].empty()) {
    kind += '/';
    kind += finding[Field::kKubernetesSubresource];
  }
  for (const Field field : {Field::kWorkloadType, Field::kService, Field::kResourceType}) {
    SetIfEmpty(kind, finding[field]);
  }
  for (const Field field :
       {Field::kKubernetesName, Field::kWorkload, Field::kDomain, Field::kBucket, Field::kDatabase,
        Field::kFunction, Field::kApi, Field::kThreatName, Field::kRequestUri, Field::kContainer,
        Field::kInstance, Field::kAccessKeyUser, Field::kCluster}) {
    SetIfEmpty(event[Text::kObjectName], finding[field]);
  }
}

void FillProcess(const Finding& finding, Event& event) {
  event[Text::kProcess] = finding[Field::kProcessPath];
  SetIfEmpty(event[Text::kProcess], finding[Field::kProcess]);
  event[Number::kPid] = ParseInteger(finding[Field::kPid]);
  event[Text::kCommandLine] = finding[Field::kCommandLine];
  event[Text::kPath] = finding[Field::kFilePath];
  event[Text::kSha256] = finding[Field::kFileSha256];
  SetIfEmpty(event[Text::kSha256], finding[Field::kProcessSha256]);
}

// "A privileged container was launched. (seen 3 times, sample)"
void FillMessage(const Finding& finding, bool sample, Event& event) {
  std::string& message = event[Text::kMessage];
  message = finding[Field::kDescription];
  if (message.empty()) message = finding[Field::kTitle];
  if (message.empty()) message = "GuardDuty finding about " + event[Text::kObjectName];
  const std::optional<int64_t> count = ParseInteger(finding[Field::kCount]);
  if (count && *count > 1) {
    message += " (seen ";
    message += std::to_string(*count);
    message += " times)";
  }
  if (sample && !message.starts_with(kSampleTitle)) message.insert(0, "[SAMPLE] ");
}

class GuardDuty final : public Format {
 public:
  std::string_view name() const override { return "guardduty"; }
  std::string_view description() const override {
    return "Amazon GuardDuty findings: S3 export, EventBridge, GetFindings, Security Hub (ASFF)";
  }

  Match Sniff(std::string_view record) const override {
    if (!record.starts_with('{')) return Match::kNo;
    const std::string_view beginning = record.substr(0, kSniffedBytes);
    if (beginning.find("product/aws/guardduty\"") != std::string_view::npos) return Match::kYes;
    const bool schema = HasKey(beginning, "schemaVersion") || HasKey(beginning, "SchemaVersion");
    if (beginning.find(":guardduty:") != std::string_view::npos &&
        beginning.find("/finding/") != std::string_view::npos &&
        (schema || HasKey(beginning, "resource") || HasKey(beginning, "Resource"))) {
      return HasKey(beginning, "eventVersion") ? Match::kNo : Match::kYes;
    }
    if (HasKey(beginning, "resourceType") || HasKey(beginning, "ResourceType")) {
      return schema ? Match::kYes : Match::kMaybe;
    }
    return Match::kNo;
  }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& diagnostics) const override {
    if (!record.bytes.starts_with('{')) return Outcome::kNotMine;
    Finding finding;
    if (!ReadFinding(record, finding)) return Outcome::kDamaged;
    if (!IsFinding(finding)) return Outcome::kNotMine;
    event[Text::kRecordId] = IdOf(finding);
    if (!event[Text::kRecordId].empty()) {
      event.identity = event[Text::kRecordId] + '/' + finding[Field::kUpdated];
    }
    event[Text::kAction] = TypeOf(finding);
    event[Text::kAccountId] = finding[Field::kAccount];
    event[Text::kRegion] = finding[Field::kRegion];
    event[Text::kSeverity] = SeverityOf(finding);
    const bool sample = IsSample(finding);
    if (sample) {
      event.AddTag("sample");
      diagnostics.Report(DiagnosticCode::kLogSample, record.stream->evidence, "GuardDuty");
    }
    FillTimes(finding, event);
    FillKubernetes(finding, event);
    FillActor(finding, event);
    FillConnection(finding, event);
    FillOutcome(finding, event);
    FillObject(finding, event);
    FillProcess(finding, event);
    FillMessage(finding, sample, event);
    if (finding[Field::kArchived] == "true" || finding[Field::kArchived] == "ARCHIVED") {
      event.AddTag("archived");
    }
    sink.Add(event);
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& GuardDutyFormat() {
  static const GuardDuty format;
  return format;
}

}  // namespace ekshume::log::guardduty
