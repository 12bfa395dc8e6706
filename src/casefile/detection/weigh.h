// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/result.h"
#include "detect/finding.h"
#include "event/store/store.h"

namespace ekshume::casefile {

// Weighs what administrators did against all that was found, and samples of GuardDuty
// (detect/weigh.h), and sorts again. An
// actor is one by its own records: in the group system:masters, or a role of AWS whose name says
// so. Programs of the cluster count as well: controllers, and service accounts whose client is no
// tool for people. Errors are those of the store.
Result<void> WeighFindings(std::vector<detect::Finding>& findings, event::Store& store);

}  // namespace ekshume::casefile
