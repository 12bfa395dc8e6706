// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "runtime/model.h"

namespace ekshume::runtime {

// The filesystems of one node, all that the evidence holds: root, data volumes, Bottlerocket's
// private partition. None is the "main" one; a store may lie on any of them, at any depth.
struct NodeFilesystems {
  std::vector<const fs::Filesystem*> filesystems;
};

// One kind of store: what a registry entry is.
struct Format {
  std::string_view name;         // "containerd"
  std::string_view description;  // one line for the docs
  // Whether the directory at `location` is the root of such a store, by what lies in it.
  bool (*sniff)(const Location& location);
  // Reads the store into `inventory`. `node` is there for what a store keeps elsewhere on the node.
  // Damage is reported, never fatal to the other stores.
  Result<void> (*read)(const Location& location, const NodeFilesystems& node, Inventory& inventory,
                       DiagnosticSink& diagnostics);
};

// All formats: runtime/registry.cc.
std::span<const Format> Formats();

// Finds every store on the node's filesystems (well-known places, roots named in configuration
// files, and a bounded search for their signatures), reads them, joins containers to pods, and adds
// what only logs, pod folders or snapshots still tell of (`recovered`). The same answer on every
// run.
Inventory ReadNode(const NodeFilesystems& node, DiagnosticSink& diagnostics);

}  // namespace ekshume::runtime
