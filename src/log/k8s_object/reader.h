// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// Objects of the Kubernetes API as they were when they were read (`ekshume acquire cluster`,
// `acquire pod`, `kubectl get -o json`): pods, bindings, webhooks and all others but Events. An
// object is no log, but says when it was made, who wrote which of its fields last, when its
// conditions changed and when its containers began and ended.
namespace ekshume::log::k8s_object {

const Format& KubernetesObjectFormat();

}  // namespace ekshume::log::k8s_object
