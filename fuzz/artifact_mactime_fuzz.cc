// SPDX-License-Identifier: Apache-2.0
#include "artifact/mactime/reader.h"
#include "artifact_fuzz.h"

// The only bytes that this artifact reads itself are those of the account table; names and links
// come from them, too.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ekshume;
  const std::string text(ByteView(std::as_bytes(std::span(data, size))).AsText());
  runtime::MemoryTree tree;
  tree.AddFile("etc/passwd", text);
  tree.AddSymlink("link", text);
  tree.AddFile(text, text);
  artifact::View view;
  view.filesystem = &tree;
  artifact::DroppedOutput output;
  DiagnosticSink diagnostics;
  artifact::mactime::MactimeFormat().Read(view, output, diagnostics);
  return 0;
}
