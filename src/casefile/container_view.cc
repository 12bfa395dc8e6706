// SPDX-License-Identifier: Apache-2.0
#include "casefile/container_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "fs/path.h"

namespace ekshume::casefile {
namespace {

fs::overlay::Layer OpenLayer(const runtime::Location& location) {
  fs::overlay::Layer layer;
  layer.name = "/" + location.path;
  if (location.filesystem == nullptr) return layer;
  const auto node = fs::ResolvePath(*location.filesystem, location.path);
  if (!node) return layer;  // the union reports it by name
  layer.filesystem = location.filesystem;
  layer.root = *node;
  return layer;
}

// The view over layers. `copy` is the container's own tree where the snapshotter copies whole
// trees; `chain` then names the tree it was copied from.
Result<FileView> OpenChain(const runtime::LayerChain& chain,
                           const std::optional<runtime::Location>& copy,
                           DiagnosticSink& diagnostics) {
  fs::overlay::OverlayOptions options;
  options.diagnostics = &diagnostics;
  options.user_xattrs = chain.user_xattrs;
  options.has_upper = chain.upper.has_value() || copy.has_value();
  if (copy) {
    options.layers.push_back(OpenLayer(*copy));
    options.layers.back().is_whole = true;
  } else if (chain.upper) {
    options.layers.push_back(OpenLayer(*chain.upper));
  }
  for (const runtime::Location& lower : chain.lower) options.layers.push_back(OpenLayer(lower));
  for (const std::string& missing : chain.missing) {
    options.layers.push_back({nullptr, fs::NodeId{}, missing});
  }
  for (const runtime::Location& data : chain.data_only) {
    options.data_only.push_back(OpenLayer(data));
  }
  auto overlay = EKSHUME_TRY(fs::overlay::OverlayFilesystem::Open(std::move(options)));
  FileView view;
  view.overlay = overlay.get();
  const bool comparable = copy ? !chain.lower.empty() : chain.upper.has_value();
  view.own_layer_count = comparable ? 1 : 0;
  view.filesystem = std::move(overlay);
  return view;
}

// Every container fits a text that is a prefix of its id, its name, or the end of
// namespace/pod/container.
bool Fits(const runtime::Container& container, const std::string& text) {
  if (container.id.starts_with(text) || container.name == text) return true;
  if (!container.pod || container.kind == runtime::ContainerKind::kSandbox) return false;
  const runtime::PodReference& pod = *container.pod;
  const std::string full = pod.namespace_name + "/" + pod.name + "/" + pod.container;
  return text == full || text == pod.name + "/" + pod.container ||
         text == pod.namespace_name + "/" + pod.name || text == pod.name;
}

template <typename T>
Result<const T*> OnlyOne(const std::vector<const T*>& fitting, const std::string& text,
                         std::string_view kind, std::string_view verb) {
  if (fitting.empty()) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("no {} {} in the evidence; `ekshume {}` lists them", kind,
                            EscapeForTerminal(text), verb));
  }
  if (fitting.size() > 1) {
    std::string ids;
    for (const T* item : fitting) ids += (ids.empty() ? "" : ", ") + item->id.substr(0, 19);
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} fits several: {}", EscapeForTerminal(text), ids));
  }
  return fitting.front();
}

}  // namespace

Result<FileView> OpenContainer(const runtime::Container& container, DiagnosticSink& diagnostics) {
  if (!container.native_root && !container.layers.upper && container.layers.lower.empty()) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("the files of container {} are not in the evidence",
                            container.id.substr(0, 12)));
  }
  return OpenChain(container.layers, container.native_root, diagnostics);
}

Result<FileView> OpenImage(const runtime::Image& image, DiagnosticSink& diagnostics) {
  if (image.layers.lower.empty()) {
    return Fail(ErrorCode::kNotFound, fmt::format("the layers of image {} are not in the evidence",
                                                  EscapeForTerminal(image.id)));
  }
  return OpenChain(image.layers, std::nullopt, diagnostics);
}

Result<const runtime::Container*> FindContainer(const runtime::Inventory& inventory,
                                                const std::string& text) {
  std::vector<const runtime::Container*> fitting;
  for (const runtime::Container& container : inventory.containers) {
    if (container.id == text) return &container;
    if (!text.empty() && Fits(container, text)) fitting.push_back(&container);
  }
  return OnlyOne(fitting, text, "container", "containers list");
}

Result<const runtime::Image*> FindImage(const runtime::Inventory& inventory,
                                        const std::string& text) {
  std::vector<const runtime::Image*> fitting;
  for (const runtime::Image& image : inventory.images) {
    const auto is_prefix = [&](const std::string& digest) {
      return digest.starts_with(text) || digest.starts_with("sha256:" + text);
    };
    const bool named = std::ranges::find(image.references, text) != image.references.end();
    if (!text.empty() && (named || is_prefix(image.id) || is_prefix(image.digest))) {
      fitting.push_back(&image);
    }
  }
  return OnlyOne(fitting, text, "image", "images list");
}

}  // namespace ekshume::casefile
