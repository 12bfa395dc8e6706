// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "volume/volume.h"

namespace ekshume::volume {

// One kind of partition table: what a registry entry is.
struct Format {
  std::string_view name;         // "gpt"; PartitionTable::kind
  std::string_view description;  // one line for the docs
  int priority;                  // higher is asked first
  // Whether the image has such a table, whole or damaged. Looks at content only, reads little.
  bool (*sniff)(const image::Image& image);
  // Reads it. Damage is reported; fails when nothing of the table can be read.
  Result<PartitionTable> (*read)(const image::Image& image, DiagnosticSink& diagnostics);
};

// All formats, highest priority first: volume/registry.cc.
std::span<const Format> Formats();

// Reports when a partition does not lie wholly inside `image`; `what` names it.
void CheckRange(const Partition& partition, const image::Image& image, DiagnosticSink& diagnostics);

}  // namespace ekshume::volume
