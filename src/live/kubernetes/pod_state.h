// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "live/acquire/acquisition.h"
#include "live/kubernetes/client.h"

namespace ekshume::live::kubernetes {

// Saves what the API has of a pod into state/ and logs/: itself, its owners, node, service account,
// the RBAC bindings that apply to that account, events, logs of each container (current and
// previous). What is not there or not allowed is in the record.
void SavePodState(const Json& pod, Client& client, Acquisition& acquisition);

}  // namespace ekshume::live::kubernetes
