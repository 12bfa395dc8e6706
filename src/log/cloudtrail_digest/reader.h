// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// Digest files of CloudTrail's log file validation: one event each, at the end of the hour it
// covers. Whether the log files are what the digests say is for log/cloudtrail_digest/verify.h.
namespace ekshume::log::cloudtrail_digest {

const Format& DigestFormat();

}  // namespace ekshume::log::cloudtrail_digest
