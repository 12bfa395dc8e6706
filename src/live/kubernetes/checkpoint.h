// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "live/acquire/acquisition.h"
#include "live/kubernetes/client.h"
#include "live/kubernetes/collector_run.h"

// The kubelet's checkpoint API (KEP-2008): the runtime freezes a container, dumps its processes by
// CRIU with their memory, and lets it go on. Reached through the API server's proxy to the node.
namespace ekshume::live::kubernetes {

// The permission that is missing, as a sentence; "" when none is.
Result<std::string> WhyNoCheckpoint(Client& client);

// Has one container checkpointed. The path of the archive on the node, below
// /var/lib/kubelet/checkpoints. kUnsupported with what is missing when the kubelet or the runtime
// cannot; kCorrupt for an answer that names no such file.
Result<std::string> MakeCheckpoint(const std::string& node, const std::string& in_namespace,
                                   const std::string& pod, const std::string& container,
                                   Client& client);

// Fetches such an archive through a pod of ours on the node (node_pod.h) into
// checkpoint/CONTAINER.tar and compares its size and SHA-256 with what the node says; then deletes
// it on the node, as the kubelet never does. What was left there is in the record.
Result<void> FetchCheckpoint(const std::string& path, const std::string& container,
                             const Place& node_pod, CollectorRun& run, Acquisition& acquisition);

}  // namespace ekshume::live::kubernetes
