// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/bolt/database.h"
#include "runtime/chain.h"
#include "runtime/containerd/content.h"
#include "runtime/model.h"

namespace ekshume::runtime::containerd {

// Adds the images of one namespace bucket to the inventory, one per config with all its names.
// Of an index the platform that is unpacked is taken. `snapshots` is the index over
// inventory.snapshots. Layer blobs that are not there are normal: they are reported once per store
// (kRuntimeLayerBlobsDiscarded).
void ReadImages(const bolt::Bucket& namespace_bucket, const std::string& runtime_namespace,
                const Location& store, const ContentStore& content, const SnapshotIndex& snapshots,
                Inventory& inventory, DiagnosticSink& diagnostics);

// The key of the snapshot that holds the layers up to the last of `diff_ids`
// (opencontainers/image-spec, config.md, "Layer ChainID"); "" for none.
std::string ChainId(const std::vector<std::string>& diff_ids);

}  // namespace ekshume::runtime::containerd
