// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "image/evidence_file.h"

namespace ekshume::image {

// A file without a name in $TMPDIR, or in /var/tmp, which is meant for large files. It goes away
// with its descriptor. kIo when none can be made.
Result<FileDescriptor> OpenTemporaryFile();

}  // namespace ekshume::image
