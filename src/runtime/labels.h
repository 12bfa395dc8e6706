// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "runtime/model.h"

// Names of labels and annotations by which runtimes, the kubelet and the ECS agent tell what a
// container belongs to.
namespace ekshume::runtime {

// kubernetes: pkg/kubelet/types/labels.go
inline constexpr std::string_view kPodNameLabel = "io.kubernetes.pod.name";
inline constexpr std::string_view kPodNamespaceLabel = "io.kubernetes.pod.namespace";
inline constexpr std::string_view kPodUidLabel = "io.kubernetes.pod.uid";
inline constexpr std::string_view kContainerNameLabel = "io.kubernetes.container.name";
// kubernetes: pkg/kubelet/kuberuntime/labels.go
inline constexpr std::string_view kRestartCountAnnotation = "io.kubernetes.container.restartCount";
// dockershim and cri-dockerd
inline constexpr std::string_view kDockerTypeLabel = "io.kubernetes.docker.type";
inline constexpr std::string_view kDockerSandboxLabel = "io.kubernetes.sandbox.id";
inline constexpr std::string_view kDockerLogPathLabel = "io.kubernetes.container.logpath";
inline constexpr std::string_view kDockerAnnotationPrefix = "annotation.";
// containerd: internal/cri/labels
inline constexpr std::string_view kCriKindLabel = "io.cri-containerd.kind";
// amazon-ecs-agent: agent/engine/docker_task_engine.go
inline constexpr std::string_view kEcsClusterLabel = "com.amazonaws.ecs.cluster";
inline constexpr std::string_view kEcsTaskLabel = "com.amazonaws.ecs.task-arn";
inline constexpr std::string_view kEcsFamilyLabel = "com.amazonaws.ecs.task-definition-family";
inline constexpr std::string_view kEcsVersionLabel = "com.amazonaws.ecs.task-definition-version";
inline constexpr std::string_view kEcsContainerLabel = "com.amazonaws.ecs.container-name";

// The label's value, or "".
std::string LabelValue(const Labels& labels, std::string_view name);

// Sets `pod` and `ecs` from the labels; where they name no pod, from a name of dockershim's form
// k8s_<container>_<pod>_<namespace>_<uid>_<attempt>. Sets `kind` to a sandbox for the container
// "POD" and for cri-dockerd's type label, and `restart_count` from the annotations or the name.
void ReadLabels(Container& container);

}  // namespace ekshume::runtime
