// SPDX-License-Identifier: Apache-2.0
#include "process/checkpoint/container.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "fs/path.h"
#include "runtime/containerd/spec.h"
#include "runtime/json.h"
#include "runtime/labels.h"

namespace ekshume::process::checkpoint {
namespace {

using runtime::Json;
using runtime::Member;
using runtime::Text;

// The members of checkpoint archives: checkpointctl, lib/metadata.go (Apache-2.0).
constexpr std::string_view kConfigDump = "config.dump";
constexpr std::string_view kSpecDump = "spec.dump";
constexpr std::string_view kStatus = "status";
constexpr std::string_view kNetworkStatus = "network.status";

// Annotations of the runtimes' own, where the kubelet's labels are not.
constexpr std::string_view kCriSandboxId = "io.kubernetes.cri.sandbox-id";
constexpr std::string_view kCriSandboxName = "io.kubernetes.cri.sandbox-name";
constexpr std::string_view kCriSandboxNamespace = "io.kubernetes.cri.sandbox-namespace";
constexpr std::string_view kCriSandboxUid = "io.kubernetes.cri.sandbox-uid";
constexpr std::string_view kCriContainerName = "io.kubernetes.cri.container-name";
constexpr std::string_view kCriImageName = "io.kubernetes.cri.image-name";
constexpr std::string_view kManager = "io.container.manager";  // "libpod", "cri-o"
constexpr std::string_view kCrioSandboxId = "io.kubernetes.cri-o.SandboxID";
constexpr std::string_view kCrioImageName = "io.kubernetes.cri-o.ImageName";

// A member that is JSON; null when it is not there or damaged (reported).
Json ReadJson(const Source& source, std::string_view name, DiagnosticSink& diagnostics) {
  const Result<std::string> text = fs::ReadWholeFile(source.tree, name, limits::kMaxDocumentBytes);
  if (!text) {
    if (text.error().code != ErrorCode::kNotFound) {
      diagnostics.Report(DiagnosticCode::kCheckpointDamaged, source.name,
                         fmt::format("{}: {}", name, text.error().message));
    }
    return nullptr;
  }
  Result<Json> json = runtime::ParseJson(*text);
  if (json) return *std::move(json);
  diagnostics.Report(DiagnosticCode::kCheckpointDamaged, source.name,
                     fmt::format("{}: {}", name, json.error().message));
  return nullptr;
}

// Nanoseconds since 1970, as containerd keeps times; 0 is never.
std::optional<Timestamp> NanosecondTime(const Json& value) {
  const auto nanoseconds = runtime::Integer(value);
  if (!nanoseconds || *nanoseconds <= 0) return std::nullopt;
  return TimestampFromNanoseconds(*nanoseconds);
}

std::string FirstOf(std::initializer_list<std::string> texts) {
  for (const std::string& text : texts) {
    if (!text.empty()) return text;
  }
  return "";
}

void ReadPod(runtime::Container& container) {
  const auto annotation = [&](std::string_view name) {
    return runtime::LabelValue(container.annotations, name);
  };
  runtime::PodReference pod;
  pod.name = FirstOf({annotation(runtime::kPodNameLabel), annotation(kCriSandboxName)});
  pod.namespace_name =
      FirstOf({annotation(runtime::kPodNamespaceLabel), annotation(kCriSandboxNamespace)});
  pod.uid = FirstOf({annotation(runtime::kPodUidLabel), annotation(kCriSandboxUid)});
  pod.container =
      FirstOf({annotation(runtime::kContainerNameLabel), annotation(kCriContainerName)});
  if (!pod.uid.empty() || !pod.name.empty()) container.pod = std::move(pod);
  container.sandbox = FirstOf({annotation(kCriSandboxId), annotation(kCrioSandboxId)});
  if (container.image.empty()) {
    container.image = FirstOf({annotation(kCriImageName), annotation(kCrioImageName)});
  }
  const std::string manager = annotation(kManager);
  container.runtime = manager == "libpod"                                       ? "podman"
                      : !manager.empty()                                        ? manager
                      : !annotation("io.kubernetes.cri.container-type").empty() ? "containerd"
                                                                                : "";
}

}  // namespace

std::optional<ContainerRecord> ReadContainer(const Source& source, DiagnosticSink& diagnostics) {
  const Json config = ReadJson(source, kConfigDump, diagnostics);
  const Json spec = ReadJson(source, kSpecDump, diagnostics);
  if (!config.is_object() && !spec.is_object()) return std::nullopt;
  ContainerRecord record;
  runtime::Container& container = record.container;
  runtime::containerd::ReadOciSpec(spec, container);
  container.id = Text(Member(config, "id"));
  container.name = Text(Member(config, "name"));
  container.image = Text(Member(config, "rootfsImageName"));
  container.image_digest =
      FirstOf({Text(Member(config, "rootfsImageRef")), Text(Member(config, "rootfsImage"))});
  container.created = runtime::Time(Member(config, "createdTime"));
  record.checkpointed = runtime::Time(Member(config, "checkpointedTime"));
  ReadPod(container);
  container.state = runtime::ContainerState::kRunning;
  const Json status = ReadJson(source, kStatus, diagnostics);
  if (status.is_object()) {
    if (!container.created) container.created = NanosecondTime(Member(status, "CreatedAt"));
    container.started = NanosecondTime(Member(status, "StartedAt"));
    container.pid = runtime::Integer(Member(status, "Pid"));
  }
  const Json network = ReadJson(source, kNetworkStatus, diagnostics);
  if (network.is_object()) {
    for (const Json& one : network) {
      for (const Json& interface : Member(one, "interfaces")) {
        for (const Json& subnet : Member(interface, "subnets")) {
          const std::string address = Text(Member(subnet, "ipnet"));
          if (container.ip_address.empty()) {
            container.ip_address = address.substr(0, address.find('/'));
          }
        }
      }
    }
  }
  if (container.id.empty()) container.id = FirstOf({container.name, "checkpoint"});
  return record;
}

}  // namespace ekshume::process::checkpoint
