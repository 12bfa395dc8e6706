// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// Amazon S3 server access logs: one line is one request to a bucket. Fields: Amazon S3 user guide,
// "Amazon S3 server access log format"; AWS may append more at any time. Quotes inside the quoted
// fields are not escaped.
namespace ekshume::log::s3_access {

const Format& S3AccessFormat();

}  // namespace ekshume::log::s3_access
