// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "collect/context.h"
#include "collect/system.h"

namespace ekshume::collect {

// Metadata of an open file, as tar keeps it; extended attributes are read from `descriptor` where
// it is one of a file (-1: none are read).
collection::TarMember MemberOf(std::string path, const struct stat& status, int descriptor);

// Writes a member with the bytes of an open regular file, as many as it had when it was opened: a
// file that shrank ends in zeros and is told in the journal. Pages that were not in the page cache
// before are given back to the kernel, so that the machine keeps what it had cached.
Result<void> CopyFile(Context& context, const collection::TarMember& member, int descriptor);

}  // namespace ekshume::collect
