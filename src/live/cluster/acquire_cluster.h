// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.h"
#include "base/result.h"
#include "live/acquire/acquisition.h"
#include "live/kubernetes/client.h"

namespace ekshume::live::cluster {

// Saves every object that the API server lists, of every group that discovery names, as the server
// gives it (with managedFields, which say who wrote which field when):
// objects/GROUP/RESOURCE.jsonl, one object a line; version.json and groups.json say of which API.
// Of secrets only the metadata are asked for, and of their annotations only the names are kept, as
// `kubectl apply` writes the values into one. What may not be listed, or cannot be, is a failure of
// the acquisition and the rest goes on. Errors: no discovery; the acquisition's own; kCancelled.
Result<void> AcquireCluster(kubernetes::Client& client, Acquisition& acquisition,
                            const Progress& progress);

// A secret's metadata without what may hold its values. For tests.
kubernetes::Json WithoutValues(kubernetes::Json secret);

}  // namespace ekshume::live::cluster
