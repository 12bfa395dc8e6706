// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/containerd/cri.h"
#include "runtime/containerd/decode.h"
#include "runtime/containerd/spec.h"
#include "runtime/containerd/store.h"
#include "runtime/json.h"
#include "runtime/labels.h"
#include "runtime/memory_tree.h"

// The input is meta.db, the snapshotter's metadata.db, and every JSON document of a store at once:
// what it is not is refused at its first bytes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ekshume;
  using namespace ekshume::runtime;
  const std::string text(ByteView(std::as_bytes(std::span(data, size))).AsText());
  const std::string id(64, 'a');
  MemoryTree tree;
  tree.AddFile("c/io.containerd.metadata.v1.bolt/meta.db", text);
  tree.AddFile("c/io.containerd.snapshotter.v1.overlayfs/metadata.db", text);
  tree.AddDirectory("c/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs");
  tree.AddFile("c/io.containerd.grpc.v1.cri/containers/" + id + "/status", text);
  DiagnosticSink diagnostics;
  Inventory inventory;
  (void)containerd::ReadStore({&tree, "c"}, NodeFilesystems{{&tree}}, inventory, diagnostics);
  containerd::DecodeGoTime(text);
  containerd::DecodeAny(text);
  if (const auto document = ParseJson(text)) {
    Container container{.id = id};
    containerd::ReadOciSpec(*document, container);
    containerd::ReadCriContainer(*document, container);
    containerd::ReadCriSandbox(*document, container);
    ReadLabels(container);
  }
  return 0;
}
