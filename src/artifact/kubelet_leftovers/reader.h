// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "artifact/format.h"

// What the kubelet and the network plugins leave on a node beside the containers' stores: addresses
// of pods (CNI's cache and host-local's reservations), the kubelet's configuration, certificates,
// checkpoints, volumes, state of the CPU and memory managers, and manifests of static pods.
namespace ekshume::artifact::kubelet_leftovers {

// Private keys and tokens are in no column. Column credential_id of a certificate
// is what API servers log as authentication.kubernetes.io/credential-id: X509SHA256=...
const Format& KubeletLeftoversFormat();

}  // namespace ekshume::artifact::kubelet_leftovers
