// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "casefile/report/document.h"

namespace ekshume::casefile::report {
namespace {

constexpr size_t kMaxIdsOfCell = 6;
constexpr size_t kShownIdBytes = 8;

// Text that means nothing to a Markdown reader, also not to one that makes links of bare addresses,
// on one line.
std::string Escape(std::string_view text) {
  const std::string plain = EscapeForTerminal(text);
  std::string out;
  for (size_t i = 0; i < plain.size(); ++i) {
    const char c = plain[i];
    constexpr std::string_view kSpecial = "\\`*_[]|#!~$(){}@";
    const bool at_start = i == 0 && (c == '-' || c == '+' || c == '=');
    const bool numbers = c == '.' && i > 0 && std::ranges::all_of(plain.substr(0, i), [](char d) {
                           return d >= '0' && d <= '9';
                         });
    const bool address = (c == ':' && plain.substr(i + 1, 2) == "//") ||
                         (c == '.' && i >= 3 && plain.substr(i - 3, 3) == "www");
    // As entities, for readers that know HTML and no escapes.
    if (c == '<' || c == '>' || c == '&') {
      out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&amp;";
      continue;
    }
    if (kSpecial.find(c) != std::string_view::npos || at_start || numbers || address) out += '\\';
    out += c;
  }
  return out;
}

std::string Of(const Cell& cell) {
  std::string text = Escape(cell.text);
  size_t shown = 0;
  for (const std::string& id : cell.findings) {
    if (shown++ == kMaxIdsOfCell) break;
    text += " " + Escape(id.substr(0, kShownIdBytes));
  }
  if (cell.findings.size() > kMaxIdsOfCell) {
    text += fmt::format(" and {} more", cell.findings.size() - kMaxIdsOfCell);
  }
  return text;
}

std::string NameOf(const Box& box) {
  std::string name;
  for (const std::string& line : box.lines) name += line;
  return box.kind + " " + name;
}

// A picture in words: who did what to whom.
std::string InWords(const Drawing& drawing) {
  const auto at = [&](double x, double y) {
    for (const Box& box : drawing.boxes) {
      if (x >= box.x - 1 && x <= box.x + box.width + 1 && y >= box.y && y <= box.y + box.height) {
        return NameOf(box);
      }
    }
    return std::string();
  };
  std::string out;
  for (const Arrow& arrow : drawing.arrows) {
    out += fmt::format("- {}: {} → {}\n", Escape(at(arrow.x1, arrow.y1)), Escape(arrow.label),
                       Escape(at(arrow.x2, arrow.y2)));
  }
  return out + "\n";
}

}  // namespace

std::string ToMarkdown(const Document& document) {
  std::string out = "# " + Escape(document.title) + "\n\n";
  for (const Block& block : document.blocks) {
    switch (block.kind) {
      case Block::Kind::kHeading:
        out += std::string(static_cast<size_t>(std::clamp(block.depth + 1, 2, 6)), '#') + " " +
               Escape(block.text.text) + "\n\n";
        break;
      case Block::Kind::kParagraph: out += Of(block.text) + "\n\n"; break;
      case Block::Kind::kEmphasis: out += "**" + Escape(block.text.text) + "**\n\n"; break;
      case Block::Kind::kList:
        for (const std::string& item : block.items) out += "- " + Escape(item) + "\n";
        out += "\n";
        break;
      case Block::Kind::kSteps:
        for (size_t i = 0; i < block.items.size(); ++i) {
          out += fmt::format("{}. {}\n", i + 1, Escape(block.items[i]));
        }
        out += "\n";
        break;
      case Block::Kind::kTable: {
        for (const std::string& title : block.table.titles) out += "| " + Escape(title) + " ";
        out += "|\n";
        for (size_t i = 0; i < block.table.titles.size(); ++i) out += "| --- ";
        out += "|\n";
        for (const Row& row : block.table.rows) {
          for (const Cell& cell : row.cells) out += "| " + Of(cell) + " ";
          out += "|\n";
        }
        out += "\n";
        break;
      }
      case Block::Kind::kDrawing: out += InWords(block.drawing); break;
    }
  }
  return out;
}

}  // namespace ekshume::casefile::report
