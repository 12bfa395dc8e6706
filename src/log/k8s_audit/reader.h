// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// Kubernetes audit events (k8s.io/apiserver/pkg/apis/audit/v1/types.go, also v1beta1 and v1alpha1),
// as API servers write them, and in the envelopes that GKE (Cloud Audit Logs) and AKS (resource
// logs) put around them. docs/formats/logs.md says which column holds what.
namespace ekshume::log::k8s_audit {

// One event of a record: one stage of one request. Stages of one request share record_id.
const Format& AuditFormat();

}  // namespace ekshume::log::k8s_audit
