// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "fs/overlay/memory_filesystem.h"
#include "fs/overlay/overlay.h"
#include "fs/path.h"
#include "fs/walk.h"

namespace ekshume::fs::overlay {

// A union of layers in memory for the tests of this folder.
class OverlayTest : public testing::Test {
 protected:
  // `count` empty layers, topmost first.
  void MakeLayers(size_t count) { layers_.resize(count); }

  void Open(bool user_xattrs = false, size_t data_only = 0) {
    OpenWith({}, user_xattrs, data_only);
  }
  // The same with the limits of `options`.
  void OpenWith(OverlayOptions options, bool user_xattrs = false, size_t data_only = 0) {
    options.diagnostics = &diagnostics_;
    options.has_upper = true;
    options.user_xattrs = user_xattrs;
    for (size_t i = 0; i < layers_.size(); ++i) {
      Layer layer{&layers_[i], layers_[i].root(), "layer" + std::to_string(i)};
      (i + data_only < layers_.size() ? options.layers : options.data_only).push_back(layer);
    }
    auto overlay = OverlayFilesystem::Open(std::move(options));
    ASSERT_TRUE(overlay.has_value()) << overlay.error().message;
    overlay_ = *std::move(overlay);
  }

  // Every path with its type's letter, in the order of a walk: "d a", "f a/b".
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    const auto walked = Walk(*overlay_, overlay_->root(), diagnostics_, [&](const WalkItem& item) {
      if (!item.path.empty()) {
        names.push_back(std::string(1, NodeTypeLetter(item.stat.type)) + " " + item.path);
      }
      return WalkStep::kContinue;
    });
    EXPECT_TRUE(walked.has_value());
    return names;
  }

  std::string Content(std::string_view path) {
    return ReadWholeFile(*overlay_, path, 1 << 20).value_or("(unreadable)");
  }

  NodeId Node(std::string_view path) {
    const auto node = ResolvePath(*overlay_, path, FollowLast::kNo);
    EXPECT_TRUE(node.has_value()) << path;
    return node.value_or(NodeId{0});
  }

  DiagnosticSink diagnostics_;
  std::deque<MemoryFilesystem> layers_;
  std::unique_ptr<OverlayFilesystem> overlay_;
};

}  // namespace ekshume::fs::overlay
