// SPDX-License-Identifier: Apache-2.0
#include "runtime/docker/images.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"
#include "fs/path.h"
#include "runtime/docker/format.h"
#include "runtime/image_config.h"

namespace ekshume::runtime::docker {
namespace {

// Names by image id ("sha256:..."). A name with "@sha256:" tells the manifest's digest.
using References = std::map<std::string, std::vector<std::string>>;

References ReadReferences(const Location& file, DiagnosticSink& diagnostics) {
  References references;
  const auto document = ReadDocument(file, diagnostics);
  if (!document) return references;
  const Json& repositories = Member(*document, "Repositories");
  if (!repositories.is_object()) return references;
  for (const auto& [repository, names] : repositories.items()) {
    for (auto& [name, id] : TextMembers(names)) references[id].push_back(name);
  }
  return references;
}

// dockerd writes an image's config once, when the pull ends.
std::optional<Timestamp> ModifiedTime(const Location& file) {
  const auto node = fs::ResolvePath(*file.filesystem, file.path);
  if (!node) return std::nullopt;
  const auto stat = file.filesystem->GetStat(*node);
  if (!stat) return std::nullopt;
  return stat->modified;
}

void SetOwners(const Image& image, const std::vector<std::string>& chain_ids,
               const LayerStore& layers, const Location& root, Inventory& inventory) {
  const std::string& owner = image.references.empty() ? image.id : image.references.front();
  for (const std::string& chain_id : chain_ids) {
    const std::string id = layers.CacheIdOf(chain_id);
    for (Snapshot& snapshot : inventory.snapshots) {
      if (snapshot.store != root || snapshot.id != id) continue;
      if (snapshot.owner.empty() || owner < snapshot.owner) snapshot.owner = owner;
      snapshot.size_bytes = layers.SizeOf(chain_id);
    }
  }
}

}  // namespace

void ReadImages(const Location& root, const LayerStore& layers, Inventory& inventory,
                DiagnosticSink& diagnostics) {
  const Location database = Below(Below(root, kImageDirectory), layers.driver());
  References references = ReadReferences(Below(database, kRepositoriesFile), diagnostics);
  const Location configs = Below(database, kImageConfigs);
  for (const auto& entry : List(configs, diagnostics)) {
    const Location file = Below(configs, entry.name);
    const auto config = ReadDocument(file, diagnostics);
    if (!config) continue;
    Image image{.id = "sha256:" + entry.name,
                .references = references["sha256:" + entry.name],
                .runtime = "docker",
                .pulled = ModifiedTime(file),
                .store = root};
    std::ranges::sort(image.references);
    for (const std::string& name : image.references) {
      const size_t at = name.find("@sha256:");
      if (at != std::string::npos && image.digest.empty()) image.digest = name.substr(at + 1);
    }
    ReadImageConfig(*config, image);
    const auto chain_ids = ChainIds(image.diff_ids);
    uint64_t size = 0;
    for (const std::string& chain_id : chain_ids) {
      size = CheckedAdd(size, layers.SizeOf(chain_id).value_or(0)).value_or(UINT64_MAX);
    }
    image.size_bytes = size;
    image.layers = layers.ImageLayers(chain_ids, "image " + image.id);
    SetOwners(image, chain_ids, layers, root, inventory);
    inventory.images.push_back(std::move(image));
  }
}

}  // namespace ekshume::runtime::docker
