// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// Amazon GuardDuty findings: as the service exports them to S3 and sends them over EventBridge
// (camelCase), as GetFindings returns them (PascalCase), and as Security Hub passes them on (ASFF,
// flattened under ProductFields). Fields: GuardDuty API reference, "Finding"; Security Hub user
// guide, "ASFF syntax".
//
// One event per finding. A finding grows and is exported again under the same id, so the identity
// is the id and updatedAt. Sample findings get the tag `sample` and one kLogSample a stream.
namespace ekshume::log::guardduty {

const Format& GuardDutyFormat();

}  // namespace ekshume::log::guardduty
