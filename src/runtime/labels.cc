// SPDX-License-Identifier: Apache-2.0
#include "runtime/labels.h"

#include <charconv>
#include <memory>
#include <vector>

#include "base/text.h"

namespace ekshume::runtime {
namespace {

std::optional<int64_t> ParseCount(std::string_view text) {
  int64_t count = 0;
  const auto [end, error] =
      std::from_chars(std::to_address(text.begin()), std::to_address(text.end()), count);
  if (error != std::errc() || end != std::to_address(text.end())) return std::nullopt;
  return count;
}

// k8s_<container>_<pod>_<namespace>_<uid>_<attempt>; none of the parts holds an underscore.
std::optional<PodReference> PodOfDockerName(std::string_view name,
                                            std::optional<int64_t>& attempt) {
  if (!name.starts_with("k8s_")) return std::nullopt;
  const auto parts = SplitNonEmpty(name, '_');
  if (parts.size() < 6) return std::nullopt;
  attempt = ParseCount(parts[5]);
  return PodReference{.name = std::string(parts[2]),
                      .namespace_name = std::string(parts[3]),
                      .uid = std::string(parts[4]),
                      .container = std::string(parts[1])};
}

}  // namespace

std::string LabelValue(const Labels& labels, std::string_view name) {
  const auto found = labels.find(std::string(name));
  return found == labels.end() ? std::string() : found->second;
}

void ReadLabels(Container& container) {
  const Labels& labels = container.labels;
  if (labels.contains(std::string(kPodUidLabel)) || labels.contains(std::string(kPodNameLabel))) {
    container.pod = PodReference{.name = LabelValue(labels, kPodNameLabel),
                                 .namespace_name = LabelValue(labels, kPodNamespaceLabel),
                                 .uid = LabelValue(labels, kPodUidLabel),
                                 .container = LabelValue(labels, kContainerNameLabel)};
  }
  std::optional<int64_t> attempt;
  const auto named = PodOfDockerName(container.name, attempt);
  if (!container.pod) container.pod = named;
  if (container.pod &&
      (container.pod->container == "POD" || LabelValue(labels, kDockerTypeLabel) == "podsandbox")) {
    container.kind = ContainerKind::kSandbox;
    container.pod->container.clear();
  }
  if (const auto count = ParseCount(LabelValue(container.annotations, kRestartCountAnnotation))) {
    container.restart_count = count;
  } else if (attempt && container.kind == ContainerKind::kContainer) {
    container.restart_count = attempt;
  }
  if (labels.contains(std::string(kEcsTaskLabel)) ||
      labels.contains(std::string(kEcsClusterLabel))) {
    container.ecs = EcsReference{.cluster = LabelValue(labels, kEcsClusterLabel),
                                 .task_arn = LabelValue(labels, kEcsTaskLabel),
                                 .task_family = LabelValue(labels, kEcsFamilyLabel),
                                 .task_version = LabelValue(labels, kEcsVersionLabel),
                                 .container = LabelValue(labels, kEcsContainerLabel)};
  }
}

}  // namespace ekshume::runtime
