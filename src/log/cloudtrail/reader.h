// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// AWS CloudTrail: one record is one API call, console sign-in, service event or Insight. Record
// contents: AWS CloudTrail user guide, "CloudTrail record contents". Items of LookupEvents whose
// inner record is not there are read too.
//
// The identity is eventID, recipientAccountId and sharedEventID: trails deliver records more than
// once, and one call across accounts yields one record in each.
namespace ekshume::log::cloudtrail {

const Format& CloudTrailFormat();

}  // namespace ekshume::log::cloudtrail
