// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "live/acquire/acquisition.h"
#include "live/kubernetes/client.h"

namespace ekshume::live::kubernetes {

// Whether a pod runs on Fargate: nothing of ours can be beside it, and deleting it is the only
// stop.
bool IsOnFargate(const Json& pod);
// The path of the object that an ownerReference of something in that namespace names.
std::string PathOfOwner(const Json& reference, std::string_view in_namespace);
// What the runtime calls a container, of its status: "containerd://ID" without the runtime; ""
// while there is none.
std::string ContainerIdOf(const Json& status);

// Saves what the API has of a pod into state/ and logs/: itself, its owners, node, service account,
// the RBAC bindings that apply to that account, events, logs of each container (current and
// previous). What is not there or not allowed is in the record.
void SavePodState(const Json& pod, Client& client, Acquisition& acquisition);

}  // namespace ekshume::live::kubernetes
