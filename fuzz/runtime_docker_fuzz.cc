// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/docker/store.h"
#include "runtime/memory_tree.h"

// The input is every file of a store at once: documents, words, the list of lower layers.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ekshume;
  using namespace ekshume::runtime;
  const std::string text(ByteView(std::as_bytes(std::span(data, size))).AsText());
  const std::string id(64, 'a');
  MemoryTree tree;
  for (const std::string_view driver : {"overlay2", "vfs"}) {
    const std::string image = "d/image/" + std::string(driver);
    tree.AddFile(image + "/repositories.json", text);
    tree.AddFile(fmt::format("{}/imagedb/content/sha256/{}", image, id), text);
    tree.AddFile(fmt::format("{}/layerdb/sha256/{}/cache-id", image, id), text);
    tree.AddFile(fmt::format("{}/layerdb/sha256/{}/size", image, id), text);
    tree.AddFile(fmt::format("{}/layerdb/mounts/{}/mount-id", image, id), "m");
  }
  tree.AddFile("d/containers/" + id + "/config.v2.json", text);
  tree.AddFile("d/containers/" + id + "/hostconfig.json", text);
  tree.AddFile("d/overlay2/m/lower", text);
  tree.AddFile("d/overlay2/m/link", text);
  tree.AddDirectory("d/overlay2/m/diff");
  tree.AddSymlink("d/overlay2/l/LINK", text);
  tree.AddDirectory("d/vfs/dir/m");
  DiagnosticSink diagnostics;
  Inventory inventory;
  (void)docker::ReadStore({&tree, "d"}, NodeFilesystems{{&tree}}, inventory, diagnostics);
  return 0;
}
