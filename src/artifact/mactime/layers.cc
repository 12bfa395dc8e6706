// SPDX-License-Identifier: Apache-2.0
#include "artifact/mactime/layers.h"

namespace ekshume::artifact::mactime {

LayerDirectories::LayerDirectories(const View& view) {
  if (view.is_container || view.inventory == nullptr) return;
  for (const runtime::Snapshot& snapshot : view.inventory->snapshots) {
    const bool shown_elsewhere = !snapshot.owner.empty() || snapshot.kind == "committed";
    if (shown_elsewhere) Add(view, snapshot.directory);
  }
  for (const runtime::Container& container : view.inventory->containers) {
    if (container.layers.upper) Add(view, *container.layers.upper);
    for (const runtime::Location& lower : container.layers.lower) Add(view, lower);
    if (container.native_root) Add(view, *container.native_root);
  }
  for (const runtime::Image& image : view.inventory->images) {
    for (const runtime::Location& lower : image.layers.lower) Add(view, lower);
  }
}

void LayerDirectories::Add(const View& view, const runtime::Location& location) {
  if (location.filesystem == view.filesystem && !location.path.empty()) {
    paths_.insert(location.path);
  }
}

}  // namespace ekshume::artifact::mactime
