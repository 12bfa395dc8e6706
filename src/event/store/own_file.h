// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"

namespace ekshume::event {

// What errno says of one of the store's own files: kNoSpace when the disk is full, otherwise kIo.
// `what` could not be done: "cannot write the coded events".
Error SystemFailure(std::string_view what);

}  // namespace ekshume::event
