// SPDX-License-Identifier: Apache-2.0
#include "log/cloudtrail/reader.h"

#include <algorithm>

#include "log/cloudtrail/object_name.h"
#include "log/fields.h"
#include "log/json.h"

namespace ekshume::log::cloudtrail {
namespace {

using event::Event;
using event::Number;
using event::Text;

constexpr std::string_view kConsoleSignIn = "AwsConsoleSignIn";
constexpr std::string_view kServiceEvent = "AwsServiceEvent";
constexpr std::string_view kInsight = "AwsCloudTrailInsight";

// What the members of one record say. Views are those of the record being read.
struct Draft {
  bool whole = true;  // false once a part of the JSON turned out broken

  std::string_view event_id, shared_event_id, recipient_account, event_name, event_source, time;
  std::string_view shipped_time;  // Logstash takes eventTime away and writes @timestamp
  std::string_view event_type, error_code, error_message;
  bool read_only = false;

  // userIdentity
  bool has_identity = false;
  std::string_view type, principal, arn, account, access_key, user_name, invoked_by;
  std::string_view on_behalf_of;  // IAM Identity Center

  // requestParameters and responseElements
  ObjectName object;
  std::string_view cluster, request_name, role, namespace_name, service_account, pod, pod_uid;
  // The service account that may assume `role` from now on.
  std::string_view granted_account;
  std::string_view issued_key, issued_arn;
  bool response_failed = false;

  // Insights
  std::string_view insight_type, insight_state, insight_source, insight_name, insight_error;
  std::string_view usual_rate, insight_rate;

  bool no_mfa = false;
  std::string_view bytes_in, bytes_out;

  void Read(JsonValue value, std::string_view& out) { whole = JsonView(value, out) && whole; }
  template <typename Visit>
  void Members(JsonValue value, Visit visit) {
    whole = ForEachMember(value, visit) && whole;
  }
  template <typename Visit>
  void Elements(JsonValue value, Visit visit) {
    whole = ForEachElement(value, visit) && whole;
  }
};

void ReadIdentity(JsonValue value, Draft& draft) {
  draft.has_identity = true;
  draft.Members(value, [&](std::string_view key, JsonValue inner) {
    if (key == "type") {
      draft.Read(inner, draft.type);
    } else if (key == "principalId") {
      draft.Read(inner, draft.principal);
    } else if (key == "arn") {
      draft.Read(inner, draft.arn);
    } else if (key == "accountId") {
      draft.Read(inner, draft.account);
    } else if (key == "accessKeyId") {
      draft.Read(inner, draft.access_key);
    } else if (key == "userName") {
      draft.Read(inner, draft.user_name);
    } else if (key == "invokedBy") {
      draft.Read(inner, draft.invoked_by);
    } else if (key == "onBehalfOf") {
      draft.Members(inner, [&](std::string_view name, JsonValue of) {
        if (name == "userId") draft.Read(of, draft.on_behalf_of);
      });
    }
  });
}

// The session tags that EKS Pod Identity sets when it assumes a role for a pod: EKS user guide,
// "Grant Pods access to AWS resources based on tags".
void ReadSessionTag(JsonValue value, Draft& draft) {
  std::string_view name;
  std::string_view text;
  draft.Members(value, [&](std::string_view key, JsonValue inner) {
    if (key == "key") draft.Read(inner, name);
    if (key == "value") draft.Read(inner, text);
  });
  if (name == "eks-cluster-name") draft.cluster = text;
  if (name == "kubernetes-namespace") draft.namespace_name = text;
  if (name == "kubernetes-service-account") draft.service_account = text;
  if (name == "kubernetes-pod-name") draft.pod = text;
  if (name == "kubernetes-pod-uid") draft.pod_uid = text;
}

void ReadRequest(JsonValue value, Draft& draft) {
  draft.Members(value, [&](std::string_view key, JsonValue inner) {
    if (key == "tags") {
      draft.Elements(inner, [&](JsonValue tag) { ReadSessionTag(tag, draft); });
      return;
    }
    // Members that are more than a name are read here and then offered again as text.
    std::string_view* own = key == "clusterName"      ? &draft.cluster
                            : key == "name"           ? &draft.request_name
                            : key == "roleArn"        ? &draft.role
                            : key == "namespace"      ? &draft.namespace_name
                            : key == "serviceAccount" ? &draft.granted_account
                                                      : nullptr;
    if (own == nullptr) {
      draft.whole = draft.object.OfferRequest(key, inner) && draft.whole;
      return;
    }
    draft.Read(inner, *own);
    draft.object.OfferRequest(key, *own);
  });
}

void ReadResponse(JsonValue value, Draft& draft) {
  draft.Members(value, [&](std::string_view key, JsonValue inner) {
    if (key == "credentials" || key == "accessKey") {
      draft.Members(inner, [&](std::string_view name, JsonValue of) {
        if (name == "accessKeyId") draft.Read(of, draft.issued_key);
      });
    } else if (key == "assumedRoleUser" || key == "federatedUser") {
      draft.Members(inner, [&](std::string_view name, JsonValue of) {
        if (name == "arn") draft.Read(of, draft.issued_arn);
      });
    } else if (key == "subject") {  // of AssumeRoleForPodIdentity; a text for web identities
      draft.Members(inner, [&](std::string_view name, JsonValue of) {
        if (name == "namespace") draft.Read(of, draft.namespace_name);
        if (name == "serviceAccount") draft.Read(of, draft.service_account);
      });
    } else if (key == "association") {  // of calls about EKS Pod Identity
      draft.Members(inner, [&](std::string_view name, JsonValue of) {
        if (name == "namespace") draft.Read(of, draft.namespace_name);
        if (name == "serviceAccount") draft.Read(of, draft.granted_account);
        if (name == "roleArn") draft.Read(of, draft.role);
      });
    } else if (key == "ConsoleLogin" || key == "CheckMfa" || key == "SwitchRole") {
      std::string_view answer;
      draft.Read(inner, answer);
      draft.response_failed = draft.response_failed || answer == "Failure";
    } else {
      draft.whole = draft.object.OfferResponse(key, inner) && draft.whole;
    }
  });
}

void ReadResources(JsonValue value, Draft& draft) {
  draft.Elements(value, [&](JsonValue element) {
    draft.Members(element, [&](std::string_view key, JsonValue inner) {
      // ResourceName: in items of LookupEvents.
      if (key != "ARN" && key != "arn" && key != "ResourceName") return;
      std::string_view arn;
      draft.Read(inner, arn);
      draft.object.OfferResource(arn);
    });
  });
}

void ReadAverage(JsonValue value, Draft& draft, std::string_view& out) {
  draft.Members(value, [&](std::string_view key, JsonValue inner) {
    if (key == "average") draft.Read(inner, out);
  });
}

void ReadInsight(JsonValue value, Draft& draft) {
  draft.Members(value, [&](std::string_view key, JsonValue inner) {
    if (key == "state") {
      draft.Read(inner, draft.insight_state);
    } else if (key == "insightType") {
      draft.Read(inner, draft.insight_type);
    } else if (key == "eventSource") {
      draft.Read(inner, draft.insight_source);
    } else if (key == "eventName") {
      draft.Read(inner, draft.insight_name);
    } else if (key == "errorCode") {
      draft.Read(inner, draft.insight_error);
    } else if (key == "insightContext") {
      draft.Members(inner, [&](std::string_view name, JsonValue context) {
        if (name != "statistics") return;
        draft.Members(context, [&](std::string_view which, JsonValue of) {
          if (which == "baseline") ReadAverage(of, draft, draft.usual_rate);
          if (which == "insight") ReadAverage(of, draft, draft.insight_rate);
        });
      });
    }
  });
}

void ReadAdditional(JsonValue value, Draft& draft) {
  draft.Members(value, [&](std::string_view key, JsonValue inner) {
    if (key == "MFAUsed") {
      std::string_view used;
      draft.Read(inner, used);
      draft.no_mfa = used == "No";
    } else if (key == "bytesTransferredIn") {
      draft.Read(inner, draft.bytes_in);
    } else if (key == "bytesTransferredOut") {
      draft.Read(inner, draft.bytes_out);
    }
  });
}

// Members of a record, then those of an item of LookupEvents.
void ReadMember(std::string_view key, JsonValue value, Draft& draft, Event& event) {
  const auto read = [&](std::string_view& out) { draft.Read(value, out); };
  const auto text = [&](Text column) {
    draft.whole = JsonText(value, event[column]) && draft.whole;
  };
  if (key == "userIdentity") return ReadIdentity(value, draft);
  if (key == "eventTime" || key == "EventTime") return read(draft.time);
  if (key == "@timestamp") return read(draft.shipped_time);
  if (key == "eventSource" || key == "EventSource") return read(draft.event_source);
  if (key == "eventName" || key == "EventName") return read(draft.event_name);
  if (key == "awsRegion") return text(Text::kRegion);
  if (key == "sourceIPAddress") return text(Text::kSourceIp);
  if (key == "userAgent") return text(Text::kUserAgent);
  if (key == "errorCode") return read(draft.error_code);
  if (key == "errorMessage") return read(draft.error_message);
  if (key == "requestParameters") return ReadRequest(value, draft);
  if (key == "responseElements") return ReadResponse(value, draft);
  if (key == "additionalEventData") return ReadAdditional(value, draft);
  if (key == "eventID" || key == "EventId") return read(draft.event_id);
  if (key == "readOnly" || key == "ReadOnly") {
    draft.read_only = JsonBoolean(value).value_or(false);
    return;
  }
  if (key == "resources" || key == "Resources") return ReadResources(value, draft);
  if (key == "eventType") return read(draft.event_type);
  if (key == "recipientAccountId") return read(draft.recipient_account);
  if (key == "sharedEventID") return read(draft.shared_event_id);
  if (key == "insightDetails") return ReadInsight(value, draft);
  if (key == "AccessKeyId") return read(draft.access_key);
  if (key == "Username") return read(draft.user_name);
}

bool IsRecord(const Draft& draft) {
  const int known = (draft.event_id.empty() ? 0 : 1) + (draft.event_source.empty() ? 0 : 1) +
                    (draft.event_name.empty() ? 0 : 1) + (draft.event_type.empty() ? 0 : 1) +
                    (draft.time.empty() ? 0 : 1) + (draft.has_identity ? 1 : 0);
  return known >= 2 &&
         (!draft.event_id.empty() || !draft.event_name.empty() || !draft.event_source.empty());
}

bool IsDigits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// "UpdateFunctionCode20150331v2" and "CreateDistribution2020_05_31" without the API's version.
std::string_view WithoutVersion(std::string_view name) {
  std::string_view rest = name;
  const size_t v = rest.rfind('v');
  if (v != std::string_view::npos && v + 1 < rest.size() && IsDigits(rest.substr(v + 1))) {
    rest = rest.substr(0, v);
  }
  if (rest.size() > 8 && IsDigits(rest.substr(rest.size() - 8))) {
    rest.remove_suffix(8);
  } else if (rest.size() > 10) {
    const std::string_view date = rest.substr(rest.size() - 10);
    if (date[4] != '_' || date[7] != '_' || !IsDigits(date.substr(0, 4)) ||
        !IsDigits(date.substr(5, 2)) || !IsDigits(date.substr(8))) {
      return name;
    }
    rest.remove_suffix(10);
  } else {
    return name;
  }
  return rest;
}

void FillTime(const Draft& draft, Event& event) {
  event.time = ParseTimestamp(draft.time);
  if (!event.time) event.time = ParseEpochSeconds(draft.time);  // LookupEvents
  if (!event.time) event.time = ParseTimestamp(draft.shipped_time);
  event[Text::kTimeKind] = "Event Time";
}

void FillIdentity(const Draft& draft, Event& event) {
  event[Text::kRecordId] = draft.event_id;
  if (draft.event_id.empty()) return;
  event.identity = draft.event_id;
  event.identity += '/';
  event.identity += draft.recipient_account;
  event.identity += '/';
  event.identity += draft.shared_event_id;
}

std::string_view SessionName(const Draft& draft) {
  if (draft.type == "AssumedRole" || draft.type == "FederatedUser") {
    if (!draft.arn.empty()) return AfterLast(draft.arn, '/');
    return AfterLast(draft.principal, ':');
  }
  return {};
}

void FillActor(const Draft& draft, Event& event) {
  std::string& user = event[Text::kUserName];
  user = draft.user_name;
  if (user.empty()) user = SessionName(draft);
  if (user.empty() && draft.type == "Root") user = "root";
  const bool anonymous = draft.account == "anonymous" || draft.account == "ANONYMOUS_PRINCIPAL";
  if (user.empty() && anonymous) user = "anonymous";
  if (user.empty()) user = draft.on_behalf_of;
  if (user.empty()) user = draft.invoked_by;
  if (user.empty() && draft.arn.empty()) user = draft.principal;
  event[Text::kUserArn] = draft.arn;
  event[Text::kAccessKeyId] = draft.access_key;
  event[Text::kAccountId] = draft.recipient_account;
  if (!anonymous) SetIfEmpty(event[Text::kAccountId], draft.account);
  if (draft.type == "WebIdentityUser") {
    event[Text::kServiceAccount] = ServiceAccountOf(user);
    const std::string& account = event[Text::kServiceAccount];
    event[Text::kNamespace] = account.substr(0, account.find('/'));
  }
  if (draft.type == "Root") event.AddTag("root");
  if (anonymous) event.AddTag("anonymous");
}

// What a call about an EKS cluster, and one for a pod's credentials, says of Kubernetes.
void FillKubernetes(const Draft& draft, Event& event) {
  const bool eks =
      draft.event_source == "eks.amazonaws.com" || draft.event_source == "eks-auth.amazonaws.com";
  // Anybody may set such session tags; only EKS itself is believed.
  const bool from_eks =
      draft.event_source == "sts.amazonaws.com" && draft.invoked_by == "pods.eks.amazonaws.com";
  const bool pod_identity = !draft.service_account.empty() && (eks || from_eks);
  if (!eks && !pod_identity) return;
  event[Text::kCluster] = draft.cluster.empty() ? draft.request_name : draft.cluster;
  SetIfEmpty(event[Text::kNamespace], draft.namespace_name);
  event[Text::kPod] = draft.pod;
  event[Text::kPodUid] = draft.pod_uid;
  if (!pod_identity) return;
  std::string& account = event[Text::kServiceAccount];
  account = draft.namespace_name;
  account += '/';
  account += draft.service_account;
}

void FillOutcome(const Draft& draft, Event& event) {
  const bool failed =
      draft.response_failed || (!draft.error_code.empty() && draft.error_code != "Success");
  event[Text::kOutcome] = failed ? "failure" : "success";
  if (!failed) return;
  event[Text::kError] = draft.error_code.empty() ? draft.error_message : draft.error_code;
}

void FillTags(const Draft& draft, Event& event) {
  if (draft.read_only) event.AddTag("read_only");
  if (draft.no_mfa) event.AddTag("no_mfa");
  AddTag(event, "issued_key", draft.issued_key);
  AddTag(event, "issued_arn", draft.issued_arn);
  if (draft.event_source == "sts.amazonaws.com" || draft.event_source == "eks-auth.amazonaws.com") {
    AddTag(event, "role", draft.role);
  } else if (draft.granted_account.empty() || draft.event_name.starts_with("Delete")) {
    AddTag(event, "passed_role", draft.role);
  } else {
    AddTag(event, "for_service_account",
           std::string(draft.namespace_name) + '/' + std::string(draft.granted_account));
    AddTag(event, "granted_role", draft.role);
  }
}

// "alice (AKIA...) called CreateAccessEntry (prod) on eks.amazonaws.com from 203.0.113.7:
// AccessDenied"
void FillMessage(const Draft& draft, Event& event) {
  std::string& message = event[Text::kMessage];
  message = event[Text::kUserName];
  if (message.empty()) message = draft.arn;
  if (message.empty())
    message = draft.event_type == kServiceEvent ? draft.event_source : "Somebody";
  if (!draft.access_key.empty()) {
    message += " (";
    message += draft.access_key;
    message += ')';
  }
  const bool failed = event[Text::kOutcome] == "failure";
  if (draft.event_type == kConsoleSignIn && draft.event_name == "ConsoleLogin") {
    message += failed ? " failed to sign in to the console" : " signed in to the console";
  } else {
    message += draft.event_type == kServiceEvent ? " reported " : " called ";
    message += event[Text::kAction];
    if (!event[Text::kObjectName].empty()) {
      message += " (";
      message += event[Text::kObjectName];
      message += ')';
    }
    message += " on ";
    message += draft.event_source;
  }
  if (!event[Text::kSourceIp].empty()) {
    message += " from ";
    message += event[Text::kSourceIp];
  }
  if (!event[Text::kError].empty()) {
    message += ": ";
    message += event[Text::kError];
  }
}

void FillInsight(const Draft& draft, Event& event) {
  event[Text::kAction] = draft.insight_type;
  event[Text::kObjectKind] = draft.insight_source;
  event[Text::kObjectName] = draft.insight_name;
  event[Text::kStage] = draft.insight_state;
  event[Text::kError] = draft.insight_error;
  event[Text::kOutcome] = "unknown";
  event.AddTag("insight");
  std::string& message = event[Text::kMessage];
  message = "Insight ";
  message += draft.insight_type;
  message += ' ';
  message += draft.insight_state;
  message += ": ";
  message += draft.insight_name;
  message += " on ";
  message += draft.insight_source;
  if (draft.insight_rate.empty()) return;
  message += ", ";
  message += draft.insight_rate;
  message += " a minute, usually ";
  message += draft.usual_rate;
}

void FillCall(const Draft& draft, Event& event) {
  event[Text::kAction] = WithoutVersion(draft.event_name);
  event[Text::kObjectKind] = draft.event_source;
  draft.object.AppendTo(event[Text::kObjectName]);
  FillOutcome(draft, event);
  FillActor(draft, event);
  FillKubernetes(draft, event);
  FillTags(draft, event);
  // S3 writes whole numbers with a fraction ("1024.0").
  for (const std::string_view bytes : {draft.bytes_out, draft.bytes_in}) {
    const std::optional<int64_t> size = ParseInteger(bytes.substr(0, bytes.find('.')));
    if (size && (*size > 0 || !event[Number::kSize])) event[Number::kSize] = size;
    if (event[Number::kSize].value_or(0) > 0) break;
  }
  FillMessage(draft, event);
}

class CloudTrail final : public Format {
 public:
  std::string_view name() const override { return "cloudtrail"; }
  std::string_view description() const override {
    return "AWS CloudTrail records: API calls, console sign-ins, service events, Insights";
  }

  Match Sniff(std::string_view record) const override {
    if (!record.starts_with('{')) return Match::kNo;
    if (HasKey(record, "eventName") && HasKey(record, "eventSource")) return Match::kYes;
    if (HasKey(record, "EventName") && HasKey(record, "EventSource")) return Match::kYes;
    if (HasKey(record, "eventVersion") &&
        (HasKey(record, "eventID") || HasKey(record, "eventName")))
      return Match::kYes;
    return Match::kNo;
  }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& /*diagnostics*/) const override {
    if (!record.bytes.starts_with('{')) return Outcome::kNotMine;
    Draft draft;
    const bool whole = ForEachMember(record, [&](std::string_view key, JsonValue value) {
      ReadMember(key, value, draft, event);
    });
    if (!whole || !draft.whole) return Outcome::kDamaged;
    if (!IsRecord(draft)) return Outcome::kNotMine;
    FillTime(draft, event);
    FillIdentity(draft, event);
    if (draft.event_type == kInsight) {
      event[Text::kAccountId] = draft.recipient_account;
      FillInsight(draft, event);
    } else {
      FillCall(draft, event);
    }
    sink.Add(event);
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& CloudTrailFormat() {
  static const CloudTrail format;
  return format;
}

}  // namespace ekshume::log::cloudtrail
