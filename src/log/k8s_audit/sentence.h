// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "log/k8s_audit/audit_record.h"
#include "log/k8s_audit/request_uri.h"

namespace ekshume::log::k8s_audit {

// Whether it failed: a status from 400 on, or a decision against it.
bool IsFailure(const AuditRecord& record);
// What the record says of pods that it asks for; null when it asks for none. Of a JSON patch only
// the result says it.
const PodFacts* AskedPod(const AuditRecord& record);
// The name in the reference, else the one that the server or the client gave to the new object.
std::string_view ObjectName(const AuditRecord& record);
// Why, in one word where there is one: "Forbidden".
std::string_view FailureReason(const AuditRecord& record);
// "AmazonEKSClusterAdminPolicy" of a decision that an EKS access policy made, else "".
std::string_view AccessPolicy(const AuditRecord& record);

// The event as a sentence: `alice from 192.0.2.7 ran "id" in pod shop/web-1 container app`.
// `exec` is what the URI says when the request is an exec or attach, `duration_ns` the time from
// the request to the record's stage.
void AppendSentence(const AuditRecord& record, const ExecRequest& exec,
                    std::optional<int64_t> duration_ns, std::string& out);

}  // namespace ekshume::log::k8s_audit
