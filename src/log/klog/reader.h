// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// klog: the text log of Kubernetes' own programs (the EKS streams kube-apiserver-,
// kube-controller-manager-, kube-scheduler- and cloud-controller-manager-<32 hex>, the kubelet).
// The text is a sentence, or since Kubernetes 1.19 a quoted one with fields behind it:
//   "Killing container with a grace period" pod="shop/web-1" podUID="..." containerName="app"
namespace ekshume::log::klog {

const Format& KlogFormat();

}  // namespace ekshume::log::klog
