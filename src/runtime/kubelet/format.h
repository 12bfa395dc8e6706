// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

// What the kubelet keeps: its root directory (/var/lib/kubelet as a rule) and the logs of pods.
// Sources: kubernetes pkg/kubelet/kubelet_getters.go, pkg/kubelet/kuberuntime/helpers.go and
// legacy.go, pkg/volume.
namespace ekshume::runtime::kubelet {

// pods/<uid>/
inline constexpr std::string_view kPodsDirectory = "pods";
inline constexpr std::string_view kVolumesDirectory = "volumes";        // <plugin>/<volume>
inline constexpr std::string_view kContainersDirectory = "containers";  // <name>/<8 hex digits>
inline constexpr std::string_view kHostsFile = "etc-hosts";
// The first line of etc-hosts for a pod in the host's network.
inline constexpr std::string_view kHostNetworkHeader =
    "# Kubernetes-managed hosts file (host network).";

// Volume plugins whose volumes are tmpfs while the node runs (pkg/volume/*: wrappedVolumeSpec with
// medium Memory). ConfigMaps are on disk.
inline constexpr std::array<std::string_view, 3> kMemoryVolumePlugins = {
    "kubernetes.io~secret", "kubernetes.io~projected", "kubernetes.io~downward-api"};

// /var/log/pods/<namespace>_<name>_<uid>/<container>/<restart>.log
inline constexpr std::string_view kPodLogsPath = "/var/log/pods";
// /var/log/containers/<pod>_<namespace>_<container>-<container id>.log, a link to the former
inline constexpr std::string_view kContainerLogsPath = "/var/log/containers";

// Static pods
inline constexpr std::string_view kManifestsPath = "/etc/kubernetes/manifests";
inline constexpr std::string_view kConfigSourceAnnotation = "kubernetes.io/config.source";

}  // namespace ekshume::runtime::kubelet
