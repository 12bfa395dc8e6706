// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "fs/filesystem.h"
#include "fs/overlay/overlay.h"
#include "runtime/model.h"

namespace ekshume::casefile {

// A container's or image's files as the kernel would show them, over the evidence.
struct FileView {
  std::unique_ptr<fs::Filesystem> filesystem;
  // The same object as `filesystem`.
  const fs::overlay::OverlayFilesystem* overlay = nullptr;
  // How many layers from the top are the container's own: what `diff` looks for changes in. 0 when
  // there is nothing to compare with.
  size_t own_layer_count = 0;
};

// kNotFound when none of the layers is in the evidence. Missing ones are reported. `diagnostics`
// and the evidence must outlive the view.
Result<FileView> OpenContainer(const runtime::Container& container, DiagnosticSink& diagnostics);
Result<FileView> OpenImage(const runtime::Image& image, DiagnosticSink& diagnostics);

// The container that `text` means: its id or a prefix of it, its name, or
// [namespace/]pod[/container]. kNotFound, or kInvalidArgument when several fit.
Result<const runtime::Container*> FindContainer(const runtime::Inventory& inventory,
                                                const std::string& text);
// The same for images: a reference, an id, a digest, or a prefix of either.
Result<const runtime::Image*> FindImage(const runtime::Inventory& inventory,
                                        const std::string& text);

}  // namespace ekshume::casefile
