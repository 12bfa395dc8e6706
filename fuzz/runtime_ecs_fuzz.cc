// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/ecs/store.h"
#include "runtime/memory_tree.h"

// The input is the ECS agent's database.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ekshume;
  using namespace ekshume::runtime;
  MemoryTree tree;
  tree.AddFile("ecs/data/agent.db",
               std::string(ByteView(std::as_bytes(std::span(data, size))).AsText()));
  DiagnosticSink diagnostics;
  Inventory inventory;
  (void)ecs::ReadStore({&tree, "ecs"}, NodeFilesystems{{&tree}}, inventory, diagnostics);
  return 0;
}
