// SPDX-License-Identifier: Apache-2.0
#include "casefile/report/document.h"

#include <utility>

namespace ekshume::casefile::report {

void Document::Heading(int depth, std::string text) {
  Block block;
  block.kind = Block::Kind::kHeading;
  block.depth = depth;
  block.text.text = std::move(text);
  blocks.push_back(std::move(block));
}

void Document::Paragraph(std::string text, std::vector<std::string> findings) {
  Block block;
  block.text = {std::move(text), std::move(findings)};
  blocks.push_back(std::move(block));
}

void Document::Emphasis(std::string text) {
  Block block;
  block.kind = Block::Kind::kEmphasis;
  block.text.text = std::move(text);
  blocks.push_back(std::move(block));
}

void Document::List(std::vector<std::string> items) {
  if (items.empty()) return;
  Block block;
  block.kind = Block::Kind::kList;
  block.items = std::move(items);
  blocks.push_back(std::move(block));
}

void Document::Steps(std::vector<std::string> items) {
  if (items.empty()) return;
  Block block;
  block.kind = Block::Kind::kSteps;
  block.items = std::move(items);
  blocks.push_back(std::move(block));
}

void Document::Add(Table table) {
  if (table.rows.empty()) return;
  Block block;
  block.kind = Block::Kind::kTable;
  block.table = std::move(table);
  blocks.push_back(std::move(block));
}

void Document::Add(Drawing drawing) {
  if (drawing.boxes.empty()) return;
  Block block;
  block.kind = Block::Kind::kDrawing;
  block.drawing = std::move(drawing);
  blocks.push_back(std::move(block));
}

}  // namespace ekshume::casefile::report
