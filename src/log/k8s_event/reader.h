// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// Kubernetes Events (core/v1 and events.k8s.io/v1; `kubectl get events -o json`, etcd backups):
// what controllers, schedulers and kubelets say of objects. The API server counts repetitions in
// one object and forgets it after an hour.
namespace ekshume::log::k8s_event {

const Format& KubernetesEventFormat();

}  // namespace ekshume::log::k8s_event
