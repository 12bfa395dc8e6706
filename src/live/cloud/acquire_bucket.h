// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "live/acquire/acquisition.h"
#include "live/aws/connection.h"
#include "live/aws/s3.h"
#include "live/cloud/moment.h"

namespace ekshume::live::cloud {

struct BucketRequest {
  std::string bucket;
  std::vector<std::string> prefixes;  // "" for all of it
  // A case whose earlier acquisitions are looked through: an object that was acquired whole, with
  // the same entity tag, is not fetched again. "": none.
  std::string case_directory;
  unsigned threads = 8;
};

// The objects below the prefixes, as files under BUCKET/KEY, and objects.jsonl, which says of each
// its key, entity tag, size, SHA-256 and how it was verified. A download that is cut goes on where
// it ended.
Result<void> AcquireBucket(const BucketRequest& request, aws::Connection& connection,
                           Acquisition& acquisition, Progress& progress);

// A key as a path below a folder: what is no safe name there is percent-encoded or hashed.
std::string PathOfKey(std::string_view key);

}  // namespace ekshume::live::cloud
