// SPDX-License-Identifier: Apache-2.0
#include "casefile/image_files.h"

#include <algorithm>

#include "casefile/container_view.h"
#include "fs/path.h"

namespace ekshume::casefile {

struct ImageFiles::Image {
  FileView view;
  std::unique_ptr<fs::overlay::OverlayFilesystem> below;  // of `view`, without its own layers
};

const fs::Filesystem* ImageFiles::Of(const runtime::Container& container) {
  const auto [found, is_new] = images_.try_emplace(&container);
  if (is_new && !container.layers.lower.empty() && container.layers.missing.empty()) {
    Result<FileView> opened = OpenContainer(container, diagnostics_);
    if (opened && opened->overlay != nullptr && opened->own_layer_count > 0) {
      auto image = std::make_shared<Image>();
      image->view = std::move(*opened);
      auto below = image->view.overlay->Below(image->view.own_layer_count);
      if (below) {
        image->below = std::move(*below);
        found->second = std::move(image);
      }
    }
  }
  return found->second == nullptr ? nullptr : found->second->below.get();
}

std::optional<bool> ImageFiles::Has(const runtime::Container& container, std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  const fs::Filesystem* image = Of(container);
  if (image == nullptr) return std::nullopt;
  const auto node = fs::ResolvePath(*image, path, fs::FollowLast::kYes);
  if (node) return true;
  // What cannot be read says nothing.
  if (node.error().code != ErrorCode::kNotFound) return std::nullopt;
  return false;
}

bool ImageFiles::IsOnVolume(const runtime::Container& container, std::string_view path) {
  return std::ranges::any_of(container.mounts, [&](const runtime::Mount& mount) {
    const std::string_view place = mount.destination;
    return place.size() > 1 && path.starts_with(place) &&
           (path.size() == place.size() || path[place.size()] == '/' || place.ends_with('/'));
  });
}

}  // namespace ekshume::casefile
