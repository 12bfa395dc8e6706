// SPDX-License-Identifier: Apache-2.0
#include "runtime/containerd/containers.h"

#include <fmt/format.h>

#include "base/text.h"
#include "runtime/containerd/cri.h"
#include "runtime/containerd/decode.h"
#include "runtime/containerd/format.h"
#include "runtime/containerd/spec.h"
#include "runtime/labels.h"

namespace ekshume::runtime::containerd {
namespace {

// nerdctl: pkg/labels
constexpr std::string_view kNerdctlNameLabel = "nerdctl/name";
// containerd: core/runtime/restart
constexpr std::string_view kExplicitlyStoppedLabel = "containerd.io/restart.explicitly-stopped";

// The JSON document inside an Any; damage is reported for the container `id`.
std::optional<Json> DocumentIn(std::optional<std::string_view> bytes, std::string_view what,
                               const std::string& id, DiagnosticSink& diagnostics) {
  if (!bytes) return std::nullopt;
  const auto any = DecodeAny(*bytes);
  auto document =
      any ? ParseJson(any->value) : Result<Json>(Fail(ErrorCode::kCorrupt, "no protobuf Any"));
  if (!document) {
    diagnostics.Report(DiagnosticCode::kRuntimeRecordDamaged, "container " + id,
                       fmt::format("{}: {}", what, document.error().message));
    return std::nullopt;
  }
  return *std::move(document);
}

Container NewContainer(const std::string& id, const std::string& runtime_namespace,
                       const Location& store, const bolt::Bucket& bucket) {
  return {.id = id,
          .name = "",
          .runtime = "containerd",
          .runtime_namespace = runtime_namespace,
          .created = TimeAt(bucket, kKeyCreatedAt),
          .labels = LabelsAt(bucket, kBucketLabels),
          .store = store};
}

}  // namespace

RunningTasks ReadRunningTasks(const Location& store, DiagnosticSink& diagnostics) {
  RunningTasks tasks;
  const Location root = Below(store, kTasksPath);
  for (const auto& runtime_namespace : List(root, diagnostics)) {
    for (const auto& id : List(Below(root, runtime_namespace.name), diagnostics)) {
      tasks.emplace(runtime_namespace.name, id.name);
    }
  }
  return tasks;
}

Container ReadContainerRecord(const std::string& id, const std::string& runtime_namespace,
                              const Location& store, const bolt::Bucket& bucket,
                              SnapshotReference& reference, DiagnosticSink& diagnostics) {
  Container container = NewContainer(id, runtime_namespace, store, bucket);
  container.image = TextAt(bucket, kKeyImage);
  container.sandbox = TextAt(bucket, kKeySandboxId);
  reference = {TextAt(bucket, kKeySnapshotter), TextAt(bucket, kKeySnapshotKey)};
  container.snapshotter = reference.snapshotter;
  if (const auto spec = DocumentIn(bucket.Get(kKeySpec), "specification", id, diagnostics)) {
    ReadOciSpec(*spec, container);
  }
  if (const auto extensions = bucket.Child(kBucketExtensions)) {
    const auto document = [&](std::string_view name) {
      return DocumentIn(extensions->Get(name), name, id, diagnostics);
    };
    if (const auto cri = document(kCriContainerExtension)) ReadCriContainer(*cri, container);
    if (const auto cri = document(kCriSandboxExtension)) ReadCriSandbox(*cri, container);
  }
  if (LabelValue(container.labels, kCriKindLabel) == "sandbox") {
    container.kind = ContainerKind::kSandbox;
  }
  ReadLabels(container);
  if (container.name.empty() && container.pod) container.name = container.pod->container;
  if (container.name.empty()) container.name = LabelValue(container.labels, kNerdctlNameLabel);
  if (container.name.empty() && container.ecs) container.name = container.ecs->container;
  return container;
}

Container ReadSandboxRecord(const std::string& id, const std::string& runtime_namespace,
                            const Location& store, const bolt::Bucket& bucket,
                            DiagnosticSink& diagnostics) {
  Container container = NewContainer(id, runtime_namespace, store, bucket);
  container.kind = ContainerKind::kSandbox;
  container.sandbox = id;
  if (const auto spec = DocumentIn(bucket.Get(kKeySpec), "specification", id, diagnostics)) {
    ReadOciSpec(*spec, container);
  }
  if (const auto extensions = bucket.Child(kBucketExtensions)) {
    const auto cri =
        DocumentIn(extensions->Get(kSandboxMetadataExtension), "sandbox metadata", id, diagnostics);
    if (cri) ReadCriSandbox(*cri, container);
  }
  ReadLabels(container);
  return container;
}

void ReadContainerState(const RunningTasks& tasks, Container& container,
                        DiagnosticSink& diagnostics) {
  if (ReadCriStatus(Below(container.store, kCriPath), container, diagnostics)) return;
  const bool running = tasks.contains({container.runtime_namespace, container.id});
  if (running) {
    container.state = ContainerState::kRunning;
  } else if (container.kind == ContainerKind::kSandbox ||
             LabelValue(container.labels, kExplicitlyStoppedLabel) == "true") {
    // A sandbox is started in the call that creates it.
    container.state = ContainerState::kExited;
  }
}

}  // namespace ekshume::runtime::containerd
