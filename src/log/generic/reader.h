// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// Lines that begin with a time, of any program: `2026-11-24 21:39:08 message` and its relatives
// (log/text_time.h, TakeLeadingTime). Lines without a time belong to the one before (stack traces).
// A time without a zone is taken as UTC.
namespace ekshume::log::generic {

const Format& GenericFormat();

}  // namespace ekshume::log::generic
