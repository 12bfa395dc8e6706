// SPDX-License-Identifier: Apache-2.0
#include "runtime/containerd/images.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/checked.h"
#include "runtime/containerd/decode.h"
#include "runtime/containerd/format.h"
#include "runtime/image_config.h"

namespace ekshume::runtime::containerd {
namespace {

// What one manifest leads to.
struct Manifest {
  std::string digest;
  std::string config_digest;
  Json config;
  std::vector<std::string> layer_digests;
  uint64_t size_bytes = 0;
};

uint64_t SizeOf(const Json& descriptor) {
  const auto size = Integer(Member(descriptor, "size"));
  return size && *size > 0 ? static_cast<uint64_t>(*size) : 0;
}

class ImageReader {
 public:
  ImageReader(const std::string& runtime_namespace, const Location& store,
              const ContentStore& content, const SnapshotIndex& snapshots,
              const Inventory& inventory, DiagnosticSink& diagnostics)
      : runtime_namespace_(runtime_namespace),
        store_(store),
        content_(content),
        snapshots_(snapshots),
        diagnostics_(diagnostics) {
    for (const Snapshot& snapshot : inventory.snapshots) {
      if (snapshot.store == store_) snapshotters_.insert(snapshot.snapshotter);
    }
  }

  // The image that `target` leads to, without its names.
  Image Read(const std::string& digest, const std::string& media_type, uint64_t target_size) const {
    Image image{.digest = digest,
                .media_type = media_type,
                .runtime = "containerd",
                .runtime_namespace = runtime_namespace_,
                .store = store_};
    const auto manifest = FindManifest(digest);
    if (!manifest) {
      image.id = digest;
      return image;
    }
    image.id = manifest->config_digest;
    ReadImageConfig(manifest->config, image);
    const bool is_index = manifest->digest != digest;
    image.size_bytes = CheckedAdd(manifest->size_bytes, is_index ? uint64_t{0} : target_size);
    image.layer_blobs_present = std::ranges::all_of(
        manifest->layer_digests, [&](const std::string& blob) { return content_.Has(blob); });
    if (!image.layer_blobs_present) {
      diagnostics_.Report(DiagnosticCode::kRuntimeLayerBlobsDiscarded, Describe(store_), "");
    }
    if (const auto scope = UnpackedIn(image.diff_ids)) {
      image.layers =
          snapshots_.Resolve(*scope, ChainId(image.diff_ids), image.id, diagnostics_).layers;
    }
    return image;
  }

 private:
  SnapshotScope ScopeFor(const std::string& snapshotter) const {
    return {store_.path, store_.filesystem, snapshotter, runtime_namespace_};
  }

  // The snapshotter that holds the image's layers.
  std::optional<SnapshotScope> UnpackedIn(const std::vector<std::string>& diff_ids) const {
    if (diff_ids.empty()) return std::nullopt;
    for (const std::string& snapshotter : snapshotters_) {
      SnapshotScope scope = ScopeFor(snapshotter);
      if (snapshots_.Find(scope, ChainId(diff_ids))) return scope;
    }
    return std::nullopt;
  }

  // Reads a manifest whose config is in the store.
  std::optional<Manifest> ReadManifest(const std::string& digest, const Json& document) const {
    Manifest manifest{.digest = digest,
                      .config_digest = Text(Member(document, "config", "digest")),
                      .config = {},
                      .layer_digests = {},
                      .size_bytes = SizeOf(Member(document, "config"))};
    auto config = content_.ReadJson(manifest.config_digest);
    if (!config) return std::nullopt;
    manifest.config = *std::move(config);
    for (const Json& layer : Member(document, "layers")) {
      manifest.layer_digests.push_back(Text(Member(layer, "digest")));
      manifest.size_bytes = CheckedAdd(manifest.size_bytes, SizeOf(layer)).value_or(UINT64_MAX);
    }
    return manifest;
  }

  // The manifest of an image: the target itself, or of an index the one that is unpacked, else the
  // first that is there and not an attestation.
  std::optional<Manifest> FindManifest(const std::string& digest) const {
    const auto document = content_.ReadJson(digest);
    if (!document) return std::nullopt;
    const Json& manifests = Member(*document, "manifests");
    if (!manifests.is_array()) return ReadManifest(digest, *document);
    std::optional<Manifest> first;
    for (const Json& entry : manifests) {
      if (Text(Member(entry, "platform", "os")) == "unknown") continue;
      const std::string child = Text(Member(entry, "digest"));
      const auto child_document = content_.ReadJson(child);
      if (!child_document) continue;
      auto manifest = ReadManifest(child, *child_document);
      if (!manifest) continue;
      manifest->size_bytes = CheckedAdd(manifest->size_bytes, SizeOf(entry)).value_or(UINT64_MAX);
      if (UnpackedIn(Texts(Member(manifest->config, "rootfs", "diff_ids")))) return manifest;
      if (!first) first = std::move(manifest);
    }
    return first;
  }

  const std::string& runtime_namespace_;
  const Location& store_;
  const ContentStore& content_;
  const SnapshotIndex& snapshots_;
  DiagnosticSink& diagnostics_;
  std::set<std::string> snapshotters_;  // of this store
};

}  // namespace

std::string ChainId(const std::vector<std::string>& diff_ids) {
  const auto chain_ids = ChainIds(diff_ids);
  return chain_ids.empty() ? "" : chain_ids.back();
}

void ReadImages(const bolt::Bucket& namespace_bucket, const std::string& runtime_namespace,
                const Location& store, const ContentStore& content, const SnapshotIndex& snapshots,
                Inventory& inventory, DiagnosticSink& diagnostics) {
  const auto bucket = namespace_bucket.Child(kBucketImages);
  if (!bucket) return;
  const ImageReader reader(runtime_namespace, store, content, snapshots, inventory, diagnostics);
  std::map<std::pair<std::string, std::string>, Image> images;  // by config and target
  std::map<std::string, std::string> id_of_target;
  bucket->ForEachChild([&](std::string_view name, const bolt::Bucket& record) {
    const auto target = record.Child(kBucketTarget);
    if (!target) {
      diagnostics.Report(DiagnosticCode::kRuntimeRecordDamaged, Describe(store),
                         fmt::format("image {} has no target", name));
      return;
    }
    const std::string digest = TextAt(*target, kKeyDigest);
    auto known = id_of_target.find(digest);
    if (known == id_of_target.end()) {
      const int64_t size = DecodeVarint(target->Get(kKeySize).value_or("")).value_or(0);
      Image image = reader.Read(digest, TextAt(*target, kKeyMediaType),
                                size > 0 ? static_cast<uint64_t>(size) : 0);
      known = id_of_target.emplace(digest, image.id).first;
      images.emplace(std::pair(image.id, digest), std::move(image));
    }
    Image& image = images.at({known->second, digest});
    image.references.emplace_back(name);
    // A new pull of the name updates its record.
    image.pulled = std::max(image.pulled, TimeAt(record, kKeyUpdatedAt));
    for (auto& [label, value] : LabelsAt(record, kBucketLabels)) {
      image.labels.try_emplace(label, value);
    }
  });
  for (auto& [key, image] : images) {
    std::ranges::sort(image.references);
    inventory.images.push_back(std::move(image));
  }
}

}  // namespace ekshume::runtime::containerd
