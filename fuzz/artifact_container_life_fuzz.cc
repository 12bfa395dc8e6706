// SPDX-License-Identifier: Apache-2.0
#include "artifact/container_life/reader.h"
#include "artifact_fuzz.h"
#include "runtime/docker/store.h"

// The records come from the runtimes' stores: the input is a container of Docker's.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ekshume;
  const std::string text(ByteView(std::as_bytes(std::span(data, size))).AsText());
  runtime::MemoryTree tree;
  tree.AddFile("d/containers/" + std::string(64, 'a') + "/config.v2.json", text);
  tree.AddFile("d/image/overlay2/repositories.json", text);
  DiagnosticSink diagnostics;
  runtime::Inventory inventory;
  (void)runtime::docker::ReadStore({&tree, "d"}, runtime::NodeFilesystems{{&tree}}, inventory,
                                   diagnostics);
  artifact::View view;
  view.filesystem = &tree;
  view.inventory = &inventory;
  artifact::DroppedOutput output;
  artifact::container_life::ContainerLifeFormat().Read(view, output, diagnostics);
  return 0;
}
