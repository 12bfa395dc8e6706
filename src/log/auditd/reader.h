// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// The Linux audit log (/var/log/audit/audit.log): lines `type=SYSCALL msg=audit(SECONDS.MS:SERIAL):
// fields`. Lines of one serial are one event: what was called, by whom, with which arguments, on
// which files. Fields: Linux audit project, "Audit record fields"; what auditd adds after the byte
// 0x1D (log_format = ENRICHED) names users and calls. Values that are not quoted may be
// hexadecimal.
namespace ekshume::log::auditd {

const Format& AuditdFormat();

}  // namespace ekshume::log::auditd
