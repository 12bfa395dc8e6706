// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "base/progress.h"
#include "live/aws/client.h"
#include "live/cloud/moment.h"
#include "live/wire/json.h"

namespace ekshume::live::cloud {

// Gives `take` every finding of GuardDuty in the client's region that was updated within `range`
// and is at least so severe, of all detectors, fifty at a time. kCancelled when the user stops.
Result<void> ForEachFinding(const aws::Client& client, const TimeRange& range, double min_severity,
                            const std::function<Result<void>(const wire::Json&)>& take,
                            const Progress& progress, aws::ServiceError* failure = nullptr);

}  // namespace ekshume::live::cloud
