// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/format.h"

namespace ekshume::runtime::kubelet {

// Who the node is, from what lies on its filesystems: host name, machine id, distribution, kernel,
// the kubelet's configuration and kubeconfig, cloud-init's instance id, EKS's version files.
NodeIdentity ReadNodeIdentity(const NodeFilesystems& node, DiagnosticSink& diagnostics);

// The AWS region in a host name of EC2 or EKS ("ABC.gr7.us-east-1.eks.amazonaws.com",
// "ip-10-0-0-1.eu-west-1.compute.internal", "ip-10-0-0-1.ec2.internal"), or "".
std::string RegionOfHostName(std::string_view name);

}  // namespace ekshume::runtime::kubelet
