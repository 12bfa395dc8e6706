// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

// A report as headings, paragraphs, lists, tables and pictures, before it is HTML, Markdown or PDF.
// All texts are plain: whoever writes a form escapes them for it.
namespace ekshume::casefile::report {

struct Cell {
  std::string text;
  std::vector<std::string> findings;  // ids, shown behind the text; a link where the form has links
};

struct Row {
  std::string anchor;  // what links may lead to: a finding's id, or ""
  std::vector<Cell> cells;
};

struct Table {
  std::vector<std::string> titles;
  std::vector<double> widths;  // of each column, as parts of the whole
  std::vector<Row> rows;
};

// A picture of boxes and arrows, in units with the origin at the upper left.
struct Box {
  double x = 0, y = 0, width = 0, height = 0;
  std::string kind;                // actor, address, pod, node, ...
  std::string level;               // of what was found there, or ""
  std::vector<std::string> lines;  // at most three
};
// A cubic curve with an arrow at its end.
struct Arrow {
  double x1 = 0, y1 = 0, cx1 = 0, cy1 = 0, cx2 = 0, cy2 = 0, x2 = 0, y2 = 0;
  std::string label;
  double label_x = 0, label_y = 0;  // its middle
};
struct Drawing {
  double width = 0, height = 0;
  std::vector<Box> boxes;
  std::vector<Arrow> arrows;
  std::string caption;
};

struct Block {
  enum class Kind { kHeading, kParagraph, kEmphasis, kList, kSteps, kTable, kDrawing };
  Kind kind = Kind::kParagraph;
  int depth = 1;  // of a heading
  Cell text;
  std::vector<std::string> items;
  Table table;
  Drawing drawing;
};

struct Document {
  std::string title;
  std::vector<Block> blocks;

  void Heading(int depth, std::string text);
  void Paragraph(std::string text, std::vector<std::string> findings = {});
  void Emphasis(std::string text);
  void List(std::vector<std::string> items);   // nothing when empty
  void Steps(std::vector<std::string> items);  // the same, numbered
  void Add(Table table);                       // nothing when it has no rows
  void Add(Drawing drawing);                   // nothing when it has no boxes
};

// The forms. Each is complete in itself; the same document gives the same bytes. Markdown shows
// pictures as a list of their arrows.
std::string ToHtml(const Document& document);
std::string ToMarkdown(const Document& document);
// Characters beyond Windows-1252 become \u{NNNN}. Empty when the PDF could not be made.
std::string ToPdf(const Document& document);

}  // namespace ekshume::casefile::report
