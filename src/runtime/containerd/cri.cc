// SPDX-License-Identifier: Apache-2.0
#include "runtime/containerd/cri.h"

#include "runtime/labels.h"

namespace ekshume::runtime::containerd {
namespace {

// cri-api, NamespaceMode: POD 0, CONTAINER 1, NODE 2, TARGET 3.
constexpr int64_t kNamespaceModeNode = 2;
// cri-api, SecurityProfile.ProfileType: RuntimeDefault 0 (left out), Unconfined 1, Localhost 2.
constexpr int64_t kProfileUnconfined = 1;
constexpr int64_t kProfileLocalhost = 2;

std::string ProfileName(const Json& profile) {
  const int64_t type = Integer(Member(profile, "profile_type")).value_or(0);
  if (type == kProfileUnconfined) return "unconfined";
  if (type == kProfileLocalhost) return "localhost/" + Text(Member(profile, "localhost_ref"));
  return "runtime/default";
}

void ReadSecurityContext(const Json& context, Container& container) {
  if (!context.is_object()) return;
  container.privileged = IsTrue(Member(context, "privileged"));
  const auto is_host = [&](std::string_view name) {
    return Integer(Member(context, "namespace_options", name)) == kNamespaceModeNode;
  };
  // A container of a hostNetwork pod joins its sandbox's namespace by path, so that its own
  // specification does not show it.
  container.host_pid |= is_host("pid");
  container.host_network |= is_host("network");
  container.host_ipc |= is_host("ipc");
  if (const Json& profile = Member(context, "seccomp"); profile.is_object()) {
    container.seccomp = ProfileName(profile);
  } else if (const std::string path = Text(Member(context, "seccomp_profile_path"));
             !path.empty()) {
    container.seccomp = path;  // Kubernetes before 1.21
  }
  if (const Json& profile = Member(context, "apparmor");
      profile.is_object() && container.apparmor.empty()) {
    container.apparmor = ProfileName(profile);
  }
}

std::optional<Timestamp> NanosecondsAt(const Json& status, std::string_view name) {
  const auto nanoseconds = Integer(Member(status, name));
  if (!nanoseconds || *nanoseconds == 0) return std::nullopt;
  return TimestampFromNanoseconds(*nanoseconds);
}

}  // namespace

void ReadCriContainer(const Json& document, Container& container) {
  const Json& metadata = Member(document, "Metadata");
  const Json& config = Member(metadata, "Config");
  container.sandbox = Text(Member(metadata, "SandboxID"));
  container.log_path = Text(Member(metadata, "LogPath"));
  if (container.image_digest.empty()) container.image_digest = Text(Member(metadata, "ImageRef"));
  for (auto& [name, value] : TextMembers(Member(config, "annotations"))) {
    container.annotations[name] = value;
  }
  for (auto& [name, value] : TextMembers(Member(config, "labels"))) {
    container.labels.try_emplace(name, value);
  }
  container.restart_count = Integer(Member(config, "metadata", "attempt")).value_or(0);
  container.name = Text(Member(config, "metadata", "name"));
  ReadSecurityContext(Member(config, "linux", "security_context"), container);
}

void ReadCriSandbox(const Json& document, Container& container) {
  const Json& metadata = Member(document, "Metadata");
  const Json& config = Member(metadata, "Config");
  container.kind = ContainerKind::kSandbox;
  container.sandbox = container.id;
  container.ip_address = Text(Member(metadata, "IP"));
  if (const std::string hostname = Text(Member(config, "hostname")); !hostname.empty()) {
    container.hostname = hostname;
  }
  container.log_path = Text(Member(config, "log_directory"));
  for (auto& [name, value] : TextMembers(Member(config, "annotations"))) {
    container.annotations[name] = value;
  }
  for (auto& [name, value] : TextMembers(Member(config, "labels"))) {
    container.labels.try_emplace(name, value);
  }
  const Json& pod = Member(config, "metadata");
  container.name = Text(Member(pod, "name"));
  container.pod = PodReference{.name = container.name,
                               .namespace_name = Text(Member(pod, "namespace")),
                               .uid = Text(Member(pod, "uid")),
                               .container = ""};
  ReadSecurityContext(Member(config, "linux", "security_context"), container);
}

bool ReadCriStatus(const Location& cri_root, Container& container, DiagnosticSink& diagnostics) {
  const Location file = Below(cri_root, "containers/" + container.id + "/status");
  const auto status = ReadDocument(file, diagnostics);
  if (!status) return false;
  if (const auto created = NanosecondsAt(*status, "CreatedAt")) container.created = created;
  container.started = NanosecondsAt(*status, "StartedAt");
  container.finished = NanosecondsAt(*status, "FinishedAt");
  // The rule of the plugin itself: status.go, Status.State.
  if (container.finished) {
    container.state = ContainerState::kExited;
    container.exit_code = Integer(Member(*status, "ExitCode"));
  } else if (container.started) {
    container.state = ContainerState::kRunning;
  } else if (container.created) {
    container.state = ContainerState::kCreated;
  }
  const auto pid = Integer(Member(*status, "Pid"));
  if (pid && *pid != 0) container.pid = pid;
  container.reason = Text(Member(*status, "Reason"));
  if (container.finished && container.reason.empty()) {
    // What the plugin itself answers then: container_status.go, toCRIContainerStatus.
    container.reason = container.exit_code.value_or(0) == 0 ? "Completed" : "Error";
  }
  container.message = Text(Member(*status, "Message"));
  return true;
}

}  // namespace ekshume::runtime::containerd
