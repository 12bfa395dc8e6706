// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

namespace ekshume::log {

// Fills in what `stream.path` and `stream.log_group` tell, where `stream.defaults` say nothing yet:
//   .../pods/NAMESPACE_POD_UID/CONTAINER/N.log          kubelet
//   .../containers/POD_NAMESPACE_CONTAINER-ID.log       kubelet's links
//   .../containers/ID/ID-json.log                       Docker
//   /aws/eks/CLUSTER/cluster, /aws/containerinsights/CLUSTER/...
//   AWSLogs/ACCOUNT/SERVICE/REGION/...
void FillFromPath(Stream& stream);

}  // namespace ekshume::log
