// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/docker/layers.h"
#include "runtime/location.h"
#include "runtime/model.h"

namespace ekshume::runtime::docker {

// Adds the images of image/<driver> to the inventory: configs of imagedb, names of
// repositories.json, layers of layerdb; and names each layer's snapshot of this store by its owner.
void ReadImages(const Location& root, const LayerStore& layers, Inventory& inventory,
                DiagnosticSink& diagnostics);

}  // namespace ekshume::runtime::docker
