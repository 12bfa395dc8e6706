// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// Timelines in Timesketch's form, CSV with a header or JSON lines: `message`, `datetime` (ISO 8601)
// or `timestamp` (microseconds since 1970), `timestamp_desc`, and any further columns. Those with
// the name of an event's column (schema/event.yaml) go there, so that an export of ekshume reads
// back as it was; so do the usual names of plaso and others. Specification: Timesketch
// documentation, "Import JSON or CSV".
namespace ekshume::log::timesketch {

const Format& TimesketchFormat();

}  // namespace ekshume::log::timesketch
