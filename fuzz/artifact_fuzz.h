// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "artifact/format.h"
#include "base/byte_view.h"
#include "runtime/memory_tree.h"

namespace ekshume::artifact {

// Takes events and looks at them no further.
struct DroppedOutput : Output {
  void Add(const event::Event& /*event*/, std::string_view /*path*/, uint64_t /*offset*/) override {
  }
};

// Lets an artifact read a tree that holds the fuzzer's bytes at each of `paths`.
inline void FuzzArtifact(const Format& format, std::initializer_list<std::string_view> paths,
                         const uint8_t* data, size_t size) {
  const std::string text(ByteView(std::as_bytes(std::span(data, size))).AsText());
  runtime::MemoryTree tree;
  for (const std::string_view path : paths) tree.AddFile(path, text);
  View view;
  view.filesystem = &tree;
  DroppedOutput output;
  DiagnosticSink diagnostics;
  format.Read(view, output, diagnostics);
}

}  // namespace ekshume::artifact
