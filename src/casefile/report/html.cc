// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/text.h"
#include "casefile/report/document.h"

namespace ekshume::casefile::report {
namespace {

constexpr size_t kMaxLinksOfCell = 12;
constexpr size_t kShownIdBytes = 8;

// No scripts, no fonts, nothing from anywhere: the page is this file.
constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
)";

constexpr std::string_view kStyle = R"(<style>
body { font: 15px/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 74rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.3rem; border-bottom: 1px solid #bbb; margin-top: 2.2rem; } h3 { font-size: 1.08rem; margin-top: 1.6rem; }
.verdict { font-size: 1.25rem; font-weight: 600; border-left: .4rem solid #a11; padding: .3rem .8rem; background: #f7f2f2; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; margin: .6rem 0 1.2rem; font-size: .86rem; }
th, td { border: 1px solid #ccc; padding: .25rem .45rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { background: #eee; } thead { display: table-header-group; }
tr:target { background: #fff3b0; }
td a { color: #06c; text-decoration: none; font-family: ui-monospace, monospace; font-size: .92em; }
.level { font-weight: 600; } .critical, .high { color: #a11; } .medium { color: #975a00; } .low, .informational { color: #444; font-weight: 400; }
svg { width: 100%; height: auto; border: 1px solid #ccc; margin: .6rem 0; }
svg text { font: 11px system-ui, sans-serif; } svg .kind { font-size: 9px; fill: #555; } svg .verb { font-size: 9px; fill: #333; paint-order: stroke; stroke: #fff; stroke-width: 3px; }
li { margin: .15rem 0; overflow-wrap: anywhere; } p { overflow-wrap: anywhere; }
@media print {
  body { margin: 0; max-width: none; font-size: 10.5pt; } h2, h3 { break-after: avoid; } tr, svg { break-inside: avoid; }
  a { color: inherit; } table { font-size: 8.5pt; } @page { margin: 15mm; }
}
</style>
)";

// Control characters and what turns text around become visible first.
std::string Escape(std::string_view text) {
  std::string out;
  for (const char c : EscapeForTerminal(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

bool IsLevel(std::string_view text) {
  constexpr std::array<std::string_view, 5> kLevels = {"informational", "low", "medium", "high",
                                                       "critical"};
  return std::ranges::find(kLevels, text) != kLevels.end();
}

class Writer {
 public:
  explicit Writer(const Document& document) : document_(document) {
    for (const Block& block : document.blocks) {
      for (const Row& row : block.table.rows) {
        if (!row.anchor.empty()) anchors_.insert(row.anchor);
      }
    }
  }

  std::string Write() {
    out_ += kHead;
    Put("<title>{}</title>\n", Escape(document_.title));
    out_ += kStyle;
    Put("</head>\n<body>\n<h1>{}</h1>\n", Escape(document_.title));
    for (const Block& block : document_.blocks) Write(block);
    out_ += "</body>\n</html>\n";
    return std::move(out_);
  }

 private:
  template <typename... Args>
  void Put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }

  void Write(const Block& block) {
    switch (block.kind) {
      case Block::Kind::kHeading:
        Put("<h{0}>{1}</h{0}>\n", std::clamp(block.depth + 1, 2, 4), Escape(block.text.text));
        break;
      case Block::Kind::kParagraph: Put("<p>{}</p>\n", Of(block.text)); break;
      case Block::Kind::kEmphasis:
        Put("<p class=\"verdict\">{}</p>\n", Escape(block.text.text));
        break;
      case Block::Kind::kList: WriteList("ul", block.items); break;
      case Block::Kind::kSteps: WriteList("ol", block.items); break;
      case Block::Kind::kTable: Write(block.table); break;
      case Block::Kind::kDrawing: Write(block.drawing); break;
    }
  }

  void WriteList(const char* tag, const std::vector<std::string>& items) {
    Put("<{}>\n", tag);
    for (const std::string& item : items) Put("<li>{}</li>\n", Escape(item));
    Put("</{}>\n", tag);
  }

  std::string Of(const Cell& cell) const {
    std::string text = Escape(cell.text);
    size_t shown = 0;
    for (const std::string& id : cell.findings) {
      if (shown++ == kMaxLinksOfCell) break;
      const std::string name = Escape(id.substr(0, kShownIdBytes));
      text += anchors_.contains(id) ? fmt::format(" <a href=\"#f-{}\">{}</a>", Escape(id), name)
                                    : " " + name;
    }
    if (cell.findings.size() > kMaxLinksOfCell) {
      text += fmt::format(" and {} more", cell.findings.size() - kMaxLinksOfCell);
    }
    return text;
  }

  void Write(const Table& table) {
    out_ += "<table>\n<colgroup>";
    double whole = 0;
    for (const double width : table.widths) whole += width;
    for (const double width : table.widths) {
      Put("<col style=\"width:{:.1f}%\">", 100 * width / whole);
    }
    out_ += "</colgroup>\n<thead><tr>";
    for (const std::string& title : table.titles) Put("<th>{}</th>", Escape(title));
    out_ += "</tr></thead>\n<tbody>\n";
    for (const Row& row : table.rows) {
      if (row.anchor.empty()) {
        out_ += "<tr>";
      } else {
        Put("<tr id=\"f-{}\">", Escape(row.anchor));
      }
      for (const Cell& cell : row.cells) {
        if (IsLevel(cell.text)) {
          Put("<td class=\"level {0}\">{0}</td>", cell.text);
        } else {
          Put("<td>{}</td>", Of(cell));
        }
      }
      out_ += "</tr>\n";
    }
    out_ += "</tbody>\n</table>\n";
  }

  void Write(const Drawing& drawing) {
    Put("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n", drawing.width,
        drawing.height, Escape(drawing.caption));
    // Arrowheads of a document with several pictures are the same, so one name will do.
    out_ +=
        "<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" "
        "markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#666\"/></marker>"
        "</defs>\n";
    for (const Arrow& arrow : drawing.arrows) {
      Put("<path d=\"M{:.1f} {:.1f}C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}\" fill=\"none\" "
          "stroke=\"#888\" marker-end=\"url(#head)\"/>\n",
          arrow.x1, arrow.y1, arrow.cx1, arrow.cy1, arrow.cx2, arrow.cy2, arrow.x2, arrow.y2);
    }
    for (const Box& box : drawing.boxes) {
      const bool grave = box.level == "high" || box.level == "critical";
      Put("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"4\" "
          "fill=\"{}\" stroke=\"{}\"/>\n",
          box.x, box.y, box.width, box.height, FillOf(box.kind), grave ? "#a11" : "#777");
      double y = box.y + 13;
      Put("<text class=\"kind\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", box.x + 6, y,
          Escape(box.kind));
      for (const std::string& line : box.lines) {
        y += 14;
        Put("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", box.x + 6, y, Escape(line));
      }
    }
    for (const Arrow& arrow : drawing.arrows) {
      Put("<text class=\"verb\" text-anchor=\"middle\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
          arrow.label_x, arrow.label_y - 3, Escape(arrow.label));
    }
    out_ += "</svg>\n";
  }
  static std::string_view FillOf(std::string_view kind) {
    if (kind == "actor") return "#fde8e4";
    if (kind == "pod" || kind == "container") return "#e4eefd";
    if (kind == "node") return "#e3f4e5";
    if (kind == "secret") return "#fdf5d8";
    if (kind == "identity") return "#f1e6fb";
    return "#f4f4f4";
  }

  const Document& document_;
  std::set<std::string> anchors_;
  std::string out_;
};

}  // namespace

std::string ToHtml(const Document& document) { return Writer(document).Write(); }

}  // namespace ekshume::casefile::report
