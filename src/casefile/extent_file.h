// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "base/result.h"
#include "casefile/live_evidence.h"
#include "fs/filesystem.h"
#include "process/model.h"

namespace ekshume::casefile {

// The bytes of an extent as a file. The evidence must outlive it.
Result<std::unique_ptr<fs::File>> OpenExtent(const LiveEvidence& live,
                                             const process::Extent& extent);

}  // namespace ekshume::casefile
