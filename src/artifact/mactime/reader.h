// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "artifact/format.h"

// The times of files, as mactime(1) of The Sleuth Kit folds them: one event for each distinct
// moment among a node's modification, access, change of metadata and creation. The raw record is
// the node's line of a body file (wiki.sleuthkit.org, "Body file"), with nanoseconds.
namespace ekshume::artifact::mactime {

// Source "file". Of a host every name, except below the layer directories of its containers, which
// belong to the containers' own views; and what was deleted but still has its data. Of a container
// what was changed. Offsets count the events of one node.
const Format& MactimeFormat();

}  // namespace ekshume::artifact::mactime
