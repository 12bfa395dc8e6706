// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/mapping.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/limits.h"
#include "detect/sigma/value.h"

namespace ekshume::detect::sigma {
namespace {

using event::Event;
using event::Number;
using event::Text;

constexpr std::string_view kAuditMembers[] = {"kind",
                                              "apiVersion",
                                              "level",
                                              "auditID",
                                              "stage",
                                              "requestURI",
                                              "verb",
                                              "user",
                                              "impersonatedUser",
                                              "authenticationMetadata",
                                              "sourceIPs",
                                              "userAgent",
                                              "objectRef",
                                              "responseStatus",
                                              "requestObject",
                                              "responseObject",
                                              "requestReceivedTimestamp",
                                              "stageTimestamp",
                                              "annotations",
                                              "timestamp",
                                              "metadata"};

// AWS CloudTrail User Guide, "CloudTrail record contents".
constexpr std::string_view kTrailMembers[] = {"eventVersion",
                                              "userIdentity",
                                              "eventTime",
                                              "eventSource",
                                              "eventName",
                                              "awsRegion",
                                              "sourceIPAddress",
                                              "userAgent",
                                              "errorCode",
                                              "errorMessage",
                                              "requestParameters",
                                              "responseElements",
                                              "requestID",
                                              "eventID",
                                              "additionalEventData",
                                              "eventType",
                                              "apiVersion",
                                              "managementEvent",
                                              "readOnly",
                                              "resources",
                                              "recipientAccountId",
                                              "serviceEventDetails",
                                              "sharedEventID",
                                              "vpcEndpointId",
                                              "vpcEndpointAccountId",
                                              "eventCategory",
                                              "addendum",
                                              "sessionCredentialFromConsole",
                                              "edgeDeviceDetails",
                                              "tlsDetails",
                                              "insightDetails",
                                              "eventContext"};

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

template <size_t kCount>
bool BeginsWithMember(std::string_view path, const std::string_view (&members)[kCount]) {
  const std::string_view first = path.substr(0, path.find('.'));
  return std::ranges::find(members, first) != std::end(members);
}

constexpr std::string_view kPodSpecs[] = {"requestObject.spec", "requestObject.spec.template.spec",
                                          "requestObject.spec.jobTemplate.spec.template.spec"};

void PlanAuditField(FieldPlan& plan) {
  plan.paths = {plan.name};
  if (plan.name == "hostPath") {
    plan.unite = true;
    for (const std::string_view spec : kPodSpecs) {
      plan.paths.push_back(std::string(spec) + ".volumes.hostPath.path");
    }
  } else if (plan.name == "capabilities") {
    plan.unite = true;
    plan.special = Virtual::kCapabilities;
    for (const std::string_view spec : kPodSpecs) {
      for (const std::string_view list : {"containers", "initContainers", "ephemeralContainers"}) {
        plan.paths.push_back(std::string(spec) + "." + std::string(list) +
                             ".securityContext.capabilities.add");
      }
    }
  } else if (plan.name == "apiGroup") {
    plan.paths.emplace_back("objectRef.apiGroup");
  } else if (plan.name == "responseStatus.code") {
    plan.unite = true;
    plan.paths.emplace_back("annotations.authorization.k8s.io/decision");
  } else if (plan.name == "verb") {
    plan.special = Virtual::kVerb;
  } else {
    plan.is_known = BeginsWithMember(plan.name, kAuditMembers);
  }
}

struct ProcessField {
  std::string_view name;
  Virtual special;
  std::optional<Text> text;
  std::optional<Number> number;
  std::vector<std::string> paths;
};

// Falco's fields are keys with dots; those of Tetragon and GuardDuty are paths.
const std::vector<ProcessField>& ProcessFields() {
  static const std::vector<ProcessField> fields = {
      {"Image", Virtual::kImage, {}, {}, {}},
      {"CommandLine", Virtual::kCommandLine, {}, {}, {}},
      {"ParentImage",
       Virtual::kParentImage,
       {},
       {},
       {"output_fields.proc.pexepath", "process_exec.parent.binary"}},
      {"ParentCommandLine",
       Virtual::kNone,
       {},
       {},
       {"output_fields.proc.pcmdline", "process_exec.parent.arguments"}},
      {"User", Virtual::kUser, {}, {}, {}},
      {"CurrentDirectory",
       Virtual::kNone,
       {},
       {},
       {"output_fields.proc.cwd", "process_exec.process.cwd", "service.runtimeDetails.process.pwd",
        "Service.RuntimeDetails.Process.Pwd"}},
      {"LogonId",
       Virtual::kNone,
       {},
       {},
       {"output_fields.user.loginuid", "process_exec.process.auid"}},
      {"ProcessId", Virtual::kNone, {}, Number::kPid, {}},
      {"Hashes", Virtual::kNone, Text::kSha256, {}, {}},
      {"TargetFilename", Virtual::kNone, Text::kPath, {}, {}},
      {"DestinationIp", Virtual::kNone, Text::kDestinationIp, {}, {}},
      {"DestinationPort", Virtual::kNone, {}, Number::kDestinationPort, {}},
      {"DestinationHostname",
       Virtual::kNone,
       {},
       {},
       {"output_fields.fd.sip.name", "output_fields.fd.rip.name"}},
      {"SourceIp", Virtual::kNone, Text::kSourceIp, {}, {}},
      {"SourcePort", Virtual::kNone, {}, Number::kSourcePort, {}},
      {"Protocol", Virtual::kNone, {}, {}, {"output_fields.fd.l4proto"}},
      {"Initiated", Virtual::kInitiated, {}, {}, {}},
  };
  return fields;
}

// A column of the event by its name.
bool PlanColumn(FieldPlan& plan) {
  for (size_t i = 0; i < event::kTextCount; ++i) {
    if (event::ColumnName(static_cast<Text>(i)) == plan.name) plan.text = static_cast<Text>(i);
  }
  for (size_t i = 0; i < event::kNumberCount; ++i) {
    if (event::ColumnName(static_cast<Number>(i)) == plan.name)
      plan.number = static_cast<Number>(i);
  }
  if (plan.name == "time") plan.special = Virtual::kTime;
  return plan.text || plan.number || plan.special == Virtual::kTime;
}

// The process's name may be a path.
std::string_view ProgramName(const Event& event) {
  const std::string_view process = event[Text::kProcess];
  return process.substr(process.rfind('/') + 1);
}

bool AppliesText(std::string_view service, const Event& event) {
  const std::string_view source = event[Text::kSource];
  const bool is_system = IsOneOf(source, {"syslog", "journal"});
  constexpr std::pair<std::string_view, std::string_view> kPrograms[] = {
      {"sshd", "sshd"},   {"cron", "cron"},     {"sudo", "sudo"},
      {"clamav", "clam"}, {"vsftpd", "vsftpd"}, {"guacamole", "guac"}};
  for (const auto& [name, program] : kPrograms) {
    if (service == name) return is_system && AsciiLower(ProgramName(event)).starts_with(program);
  }
  if (!service.empty()) return is_system;
  return is_system || !event[Text::kCommandLine].empty() ||
         IsOneOf(source, {"auditd", "shell_history", "cri", "docker_json"});
}

}  // namespace

std::vector<View> ViewsOf(const LogSource& log_source) {
  const auto& [category, product, service] = log_source;
  if (product == "kubernetes") {
    if (!IsOneOf(service, {"audit", ""}) || !IsOneOf(category, {"application", ""})) return {};
    return {{ViewKind::kKubernetesAudit, ""}};
  }
  if (product == "aws") {
    if (service == "guardduty") return {{ViewKind::kJson, "guardduty"}};
    if (IsOneOf(service, {"cloudtrail", ""})) return {{ViewKind::kCloudTrail, ""}};
    return {};
  }
  if (product == "ekshume") return {{ViewKind::kJson, service}};
  if (IsOneOf(product, {"linux", ""})) {
    if (category == "process_creation") return {{ViewKind::kProcess, ""}};
    if (IsOneOf(category, {"file_event", "file_change", "file_rename"})) {
      return {{ViewKind::kFile, ""}};
    }
    if (category == "network_connection") return {{ViewKind::kNetwork, ""}};
  }
  if (product == "linux" && category.empty()) {
    if (service == "auditd") return {{ViewKind::kAuditLine, ""}};
    return {{ViewKind::kText, service}};
  }
  return {};
}

bool Applies(const View& view, const Event& event) {
  const std::string_view source = event[Text::kSource];
  const bool sees_processes = IsOneOf(source, {"falco", "tetragon", "guardduty", "auditd"});
  switch (view.kind) {
    case ViewKind::kKubernetesAudit: return source == "k8s_audit";
    case ViewKind::kCloudTrail: return source == "cloudtrail";
    case ViewKind::kJson: return view.source.empty() || view.source == source;
    case ViewKind::kProcess:
      return !event[Text::kCommandLine].empty() ||
             (sees_processes && !event[Text::kProcess].empty());
    case ViewKind::kFile:
      if (event[Text::kPath].empty()) return false;
      if (source == "file") return IsOneOf(event[Text::kAction], {"created", "modified"});
      return sees_processes;
    case ViewKind::kNetwork: return !event[Text::kDestinationIp].empty();
    case ViewKind::kAuditLine: return source == "auditd";
    case ViewKind::kText: return AppliesText(view.source, event);
  }
  return false;
}

bool ScansJson(const View& view) {
  return view.kind == ViewKind::kKubernetesAudit || view.kind == ViewKind::kCloudTrail ||
         view.kind == ViewKind::kJson;
}

FieldPlan PlanField(const View& view, std::string_view name) {
  FieldPlan plan;
  plan.name = name;
  switch (view.kind) {
    case ViewKind::kKubernetesAudit: PlanAuditField(plan); break;
    case ViewKind::kCloudTrail:
      plan.paths = {plan.name};
      plan.is_known = BeginsWithMember(name, kTrailMembers);
      break;
    case ViewKind::kJson:
      plan.paths = {plan.name};
      PlanColumn(plan);
      break;
    case ViewKind::kAuditLine: break;
    case ViewKind::kText: plan.is_known = PlanColumn(plan); break;
    case ViewKind::kProcess:
    case ViewKind::kFile:
    case ViewKind::kNetwork: {
      const auto& fields = ProcessFields();
      const auto found = std::ranges::find(fields, name, &ProcessField::name);
      if (found == fields.end()) {
        plan.is_known = PlanColumn(plan);
        break;
      }
      plan.special = found->special;
      plan.text = found->text;
      plan.number = found->number;
      plan.paths = found->paths;
      break;
    }
  }
  return plan;
}

std::vector<std::string> ProgramsOf(std::string_view command_line) {
  constexpr std::string_view kWrappers[] = {"sudo", "env",   "nohup", "exec",    "time",
                                            "nice", "doas",  "then",  "do",      "else",
                                            "if",   "while", "!",     "command", "busybox"};
  constexpr std::string_view kEnds = "|;&\n(){}`";
  constexpr std::string_view kBlank = " \t\r'\"$";
  std::vector<std::string> programs;
  bool expects_program = true;
  bool behind_wrapper = false;
  for (size_t i = 0; i < command_line.size() && programs.size() < limits::kMaxArguments;) {
    const char c = command_line[i];
    if (kEnds.contains(c)) {
      expects_program = true;
      behind_wrapper = false;
      ++i;
      continue;
    }
    if (kBlank.contains(c)) {
      ++i;
      continue;
    }
    const size_t end =
        std::min(command_line.find_first_of(" \t\r'\"|;&\n(){}`", i), command_line.size());
    const std::string_view word = command_line.substr(i, end - i);
    i = std::max(end, i + 1);
    if (word == "-c" && !programs.empty() && programs.back().ends_with("sh")) {
      expects_program = true;  // the command of sh -c
      continue;
    }
    if (!expects_program) continue;
    const bool is_assignment = word.contains('=') && !word.starts_with('/');
    if (is_assignment && i < command_line.size() && word.ends_with('=')) {
      const char quote = command_line[i];  // a value in quotes may hold blanks
      if (quote == '\'' || quote == '"')
        i = std::min(command_line.find(quote, i + 1), command_line.size());
    }
    if (is_assignment || (behind_wrapper && word.starts_with('-'))) continue;
    const std::string_view name = word.substr(word.rfind('/') + 1);
    behind_wrapper = std::ranges::find(kWrappers, name) != std::end(kWrappers);
    expects_program = behind_wrapper;
    programs.push_back(word.contains('/') ? std::string(word) : "/" + std::string(word));
  }
  return programs;
}

}  // namespace ekshume::detect::sigma
