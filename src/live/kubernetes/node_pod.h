// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/progress.h"
#include "live/acquire/acquisition.h"
#include "live/kubernetes/client.h"
#include "live/kubernetes/collector_run.h"

namespace ekshume::live::kubernetes {

// The folder of the cluster that our own pods live in, made when it is not there.
inline constexpr std::string_view kOwnNamespace = "ekshume";

struct NodePodRequest {
  std::string node;   // its name in the API
  std::string image;  // of our pod; has sh, head, chmod and sleep
};

// True for what a container waits for in vain (ContainerStateWaiting.reason of the kubelet): its
// image cannot be had, its configuration is wrong.
bool IsHopeless(std::string_view waiting_reason);

// Why nothing can be started on a node now, as a sentence; "" when it is ready, or when we may not
// look.
std::string WhyNodeNotReady(const std::string& node, Client& client);

// The permission that is missing to collect by a pod of ours, as a sentence; "" when none is.
Result<std::string> WhyNoNodePod(Client& client);

// Makes a privileged pod on the node that sees all its processes and, below /host, its files; lets
// `work` use it, whose place has `--root /host` as its only argument; deletes it, also after Ctrl-C
// and when `work` fails. Errors: the API's; kIo when the pod does not run within three minutes;
// those of `work`. What could not be deleted is in the record.
Result<void> WithNodePod(const NodePodRequest& request, Client& client, Acquisition& acquisition,
                         const Progress& progress,
                         const std::function<Result<void>(Place place)>& work);

}  // namespace ekshume::live::kubernetes
