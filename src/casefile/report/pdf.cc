// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <hpdf.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/byte_view.h"
#include "base/text.h"
#include "casefile/report/document.h"

namespace ekshume::casefile::report {
namespace {

// Points of A4.
constexpr double kShort = 595;
constexpr double kLong = 842;
constexpr double kMargin = 42;
constexpr double kBodySize = 9.5;
constexpr double kTableSize = 7.5;
constexpr double kLeading = 1.3;  // of a size
constexpr double kCellPadding = 3;
constexpr size_t kMaxPages = 3000;
constexpr size_t kMaxIdsOfCell = 6;
constexpr size_t kShownIdBytes = 8;
constexpr size_t kMaxCellLines = 40;  // the rest of a cell is cut, and said to be

// What Windows-1252 has between 0x80 and 0x9F.
constexpr std::array<uint16_t, 32> kHigh = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

// The character that begins at `at`, which moves behind it. `text` is UTF-8.
uint32_t Decode(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const uint32_t first = byte(at++);
  if (first < 0x80) return first;
  const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  uint32_t value = first & (0x3FU >> more);
  for (int i = 0; i < more; ++i) value = value << 6U | (byte(at++) & 0x3FU);
  return value;
}

// The text in the encoding of the PDF's own fonts.
std::string Encode(std::string_view raw) {
  const std::string text = EscapeForTerminal(raw);  // UTF-8 without control characters
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const uint32_t character = Decode(text, at);
    if (character < 0x80 || (character >= 0xA0 && character <= 0xFF)) {
      out += static_cast<char>(character);
      continue;
    }
    const auto* found = character == 0 ? kHigh.end() : std::ranges::find(kHigh, character);
    if (found != kHigh.end()) {
      out += static_cast<char>(0x80 + (found - kHigh.begin()));
    } else {
      out += fmt::format("\\u{{{:04X}}}", character);
    }
  }
  return out;
}

// libharu keeps the first error in the document and refuses what follows.
void OnError(HPDF_STATUS /*error*/, HPDF_STATUS /*detail*/, void* /*user*/) {}

struct FreeDocument {
  void operator()(HPDF_Doc document) const { HPDF_Free(document); }
};

HPDF_REAL Real(double value) { return static_cast<HPDF_REAL>(value); }

struct Color {
  double red, green, blue;
};
constexpr Color kBlack{0.1, 0.1, 0.1};
constexpr Color kRed{0.65, 0.07, 0.07};
constexpr Color kGrey{0.45, 0.45, 0.45};

class Writer {
 public:
  explicit Writer(const Document& document)
      : document_(document), pdf_(HPDF_New(OnError, nullptr)) {}

  std::string Write() {
    if (!pdf_) return {};
    HPDF_SetCompressionMode(pdf_.get(), HPDF_COMP_ALL);
    plain_ = HPDF_GetFont(pdf_.get(), "Helvetica", "WinAnsiEncoding");
    bold_ = HPDF_GetFont(pdf_.get(), "Helvetica-Bold", "WinAnsiEncoding");
    HPDF_SetInfoAttr(pdf_.get(), HPDF_INFO_TITLE, Encode(document_.title).c_str());
    NewPage(false);
    Text(document_.title, bold_, 17, kBlack);
    y_ -= 6;
    for (const Block& block : document_.blocks) {
      if (full_) break;
      Write(block);
    }
    return Save();
  }

 private:
  // How libharu's own fonts count: thousandths of the size.
  static double Width(HPDF_Font font, const std::string& text, double size) {
    const HPDF_TextWidth width = HPDF_Font_TextWidth(font, AsUnsignedChars(ByteView::Of(text)),
                                                     static_cast<HPDF_UINT>(text.size()));
    return width.width * size / 1000;
  }

  void NewPage(bool landscape) {
    if (pages_ >= kMaxPages) {
      full_ = true;
      return;
    }
    ++pages_;
    width_ = landscape ? kLong : kShort;
    height_ = landscape ? kShort : kLong;
    page_ = HPDF_AddPage(pdf_.get());
    HPDF_Page_SetWidth(page_, Real(width_));
    HPDF_Page_SetHeight(page_, Real(height_));
    Show(fmt::format("{}   page {}", Encode(document_.title), pages_), plain_, 7, kGrey, kMargin,
         kMargin / 2);
    y_ = height_ - kMargin;
  }
  bool Room(double needed) const { return y_ - needed >= kMargin; }
  void MakeRoom(double needed) {
    if (!Room(needed)) NewPage(false);
  }

  void Show(const std::string& encoded, HPDF_Font font, double size, Color color, double x,
            double y) {
    if (page_ == nullptr || encoded.empty()) return;
    HPDF_Page_BeginText(page_);
    HPDF_Page_SetFontAndSize(page_, font, Real(size));
    HPDF_Page_SetRGBFill(page_, Real(color.red), Real(color.green), Real(color.blue));
    HPDF_Page_TextOut(page_, Real(x), Real(y), encoded.c_str());
    HPDF_Page_EndText(page_);
  }

  // Lines that fit: broken between words, and inside of words that are longer than a line.
  static std::vector<std::string> Break(const std::string& encoded, HPDF_Font font, double size,
                                        double room) {
    std::vector<std::string> lines;
    std::string line;
    double used = 0;
    const double space = Width(font, " ", size);
    for (const std::string_view view : SplitNonEmpty(encoded, ' ')) {
      std::string word(view);
      double width = Width(font, word, size);
      if (!line.empty() && used + space + width > room) {
        lines.push_back(std::move(line));
        line.clear();
        used = 0;
      }
      while (width > room && word.size() > 1) {
        size_t fits = 0;
        double taken = 0;
        while (fits < word.size()) {
          const double next = Width(font, word.substr(fits, 1), size);
          if (taken + next > room) break;
          taken += next;
          ++fits;
        }
        fits = std::max<size_t>(fits, 1);
        lines.push_back(word.substr(0, fits));
        word.erase(0, fits);
        width = Width(font, word, size);
      }
      if (!line.empty()) {
        line += ' ';
        used += space;
      }
      line += word;
      used += width;
    }
    if (!line.empty()) lines.push_back(std::move(line));
    return lines;
  }

  void Text(const std::string& text, HPDF_Font font, double size, Color color, double indent = 0) {
    const double room = width_ - 2 * kMargin - indent;
    for (const std::string& line : Break(Encode(text), font, size, room)) {
      MakeRoom(size * kLeading);
      y_ -= size * kLeading;
      Show(line, font, size, color, kMargin + indent, y_);
    }
  }

  static std::string Of(const Cell& cell) {
    std::string text = cell.text;
    size_t shown = 0;
    for (const std::string& id : cell.findings) {
      if (shown++ == kMaxIdsOfCell) break;
      text += " " + id.substr(0, kShownIdBytes);
    }
    if (cell.findings.size() > kMaxIdsOfCell) {
      text += fmt::format(" and {} more", cell.findings.size() - kMaxIdsOfCell);
    }
    return text;
  }

  void Write(const Block& block) {
    switch (block.kind) {
      case Block::Kind::kHeading: {
        const double size = block.depth <= 1 ? 13 : 10.5;
        y_ -= size;
        // Not alone at the foot of a page.
        MakeRoom(size * 4);
        Text(block.text.text, bold_, size, kBlack);
        y_ -= 3;
        break;
      }
      case Block::Kind::kParagraph:
        Text(Of(block.text), plain_, kBodySize, kBlack);
        y_ -= 4;
        break;
      case Block::Kind::kEmphasis:
        Text(block.text.text, bold_, 13, kRed);
        y_ -= 4;
        break;
      case Block::Kind::kList:
      case Block::Kind::kSteps:
        for (size_t i = 0; i < block.items.size(); ++i) {
          MakeRoom(kBodySize * kLeading);
          const double before = y_;
          Text(block.items[i], plain_, kBodySize, kBlack, 16);
          const std::string mark =
              block.kind == Block::Kind::kSteps ? fmt::format("{}.", i + 1) : std::string("-");
          if (y_ < before)
            Show(mark, plain_, kBodySize, kBlack, kMargin, before - kBodySize * kLeading);
        }
        y_ -= 4;
        break;
      case Block::Kind::kTable: Write(block.table); break;
      case Block::Kind::kDrawing: Write(block.drawing); break;
    }
  }

  void Write(const Table& table) {
    std::vector<double> widths;
    double whole = 0;
    for (const double width : table.widths) whole += width;
    for (const double width : table.widths) {
      widths.push_back(width / whole * (width_ - 2 * kMargin));
    }
    Row titles;
    for (const std::string& title : table.titles) titles.cells.push_back({title, {}});
    WriteRow(titles, widths, bold_);
    for (const Row& row : table.rows) {
      if (full_) return;
      if (WriteRow(row, widths, plain_)) continue;
      // A new page begins with the titles.
      NewPage(false);
      WriteRow(titles, widths, bold_);
      WriteRow(row, widths, plain_);
    }
    y_ -= 6;
  }

  // False when there is no room for it and a page was begun already.
  bool WriteRow(const Row& row, const std::vector<double>& widths, HPDF_Font font) {
    std::vector<std::vector<std::string>> cells;
    size_t most = 1;
    for (size_t i = 0; i < row.cells.size() && i < widths.size(); ++i) {
      cells.push_back(
          Break(Encode(Of(row.cells[i])), font, kTableSize, widths[i] - 2 * kCellPadding));
      if (cells.back().size() > kMaxCellLines) {
        cells.back().resize(kMaxCellLines);
        cells.back().back() = "... (cut here)";
      }
      most = std::max(most, cells.back().size());
    }
    const double height = static_cast<double>(most) * kTableSize * kLeading + 2 * kCellPadding;
    if (!Room(height)) {
      if (y_ < height_ - 2 * kMargin) return false;
      NewPage(false);
    }
    if (full_ || page_ == nullptr) return true;
    double x = kMargin;
    HPDF_Page_SetLineWidth(page_, Real(0.4));
    HPDF_Page_SetRGBStroke(page_, Real(0.75), Real(0.75), Real(0.75));
    for (size_t i = 0; i < cells.size(); ++i) {
      HPDF_Page_Rectangle(page_, Real(x), Real(y_ - height), Real(widths[i]), Real(height));
      HPDF_Page_Stroke(page_);
      const bool grave = row.cells[i].text == "high" || row.cells[i].text == "critical";
      double y = y_ - kCellPadding;
      for (const std::string& line : cells[i]) {
        y -= kTableSize * kLeading;
        Show(line, font, kTableSize, grave ? kRed : kBlack, x + kCellPadding, y + 2);
      }
      x += widths[i];
    }
    y_ -= height;
    return true;
  }

  // On a page of its own, lying down.
  void Write(const Drawing& drawing) {
    NewPage(true);
    if (full_ || page_ == nullptr) return;
    Text(drawing.caption, bold_, kBodySize, kBlack);
    const double scale = std::min({(width_ - 2 * kMargin) / std::max(drawing.width, 1.0),
                                   (y_ - 1.2 * kMargin) / std::max(drawing.height, 1.0), 1.0});
    const double top = y_ - 4;
    const auto x_of = [&](double x) { return Real(kMargin + x * scale); };
    const auto y_of = [&](double y) { return Real(top - y * scale); };
    HPDF_Page_SetLineWidth(page_, Real(0.6));
    HPDF_Page_SetRGBStroke(page_, Real(0.5), Real(0.5), Real(0.5));
    HPDF_Page_SetRGBFill(page_, Real(0.5), Real(0.5), Real(0.5));
    for (const Arrow& arrow : drawing.arrows) {
      HPDF_Page_MoveTo(page_, x_of(arrow.x1), y_of(arrow.y1));
      HPDF_Page_CurveTo(page_, x_of(arrow.cx1), y_of(arrow.cy1), x_of(arrow.cx2), y_of(arrow.cy2),
                        x_of(arrow.x2), y_of(arrow.y2));
      HPDF_Page_Stroke(page_);
      const double side = arrow.cx2 < arrow.x2 ? -6 : 6;
      HPDF_Page_MoveTo(page_, x_of(arrow.x2), y_of(arrow.y2));
      HPDF_Page_LineTo(page_, x_of(arrow.x2 + side), y_of(arrow.y2 - 3));
      HPDF_Page_LineTo(page_, x_of(arrow.x2 + side), y_of(arrow.y2 + 3));
      HPDF_Page_Fill(page_);
    }
    for (const Box& box : drawing.boxes) {
      const bool grave = box.level == "high" || box.level == "critical";
      const Color edge = grave ? kRed : kGrey;
      HPDF_Page_SetRGBStroke(page_, Real(edge.red), Real(edge.green), Real(edge.blue));
      HPDF_Page_SetRGBFill(page_, Real(0.96), Real(0.96), Real(0.98));
      HPDF_Page_Rectangle(page_, x_of(box.x), y_of(box.y + box.height), Real(box.width * scale),
                          Real(box.height * scale));
      HPDF_Page_FillStroke(page_);
      double y = box.y + 12;
      Show(Encode(box.kind), plain_, 8 * scale, kGrey, x_of(box.x + 5), y_of(y));
      for (const std::string& line : box.lines) {
        y += 14;
        Show(Encode(line), plain_, 10 * scale, kBlack, x_of(box.x + 5), y_of(y));
      }
    }
    for (const Arrow& arrow : drawing.arrows) {
      const std::string label = Encode(arrow.label);
      const double half = Width(plain_, label, 8 * scale) / 2;
      HPDF_Page_SetRGBFill(page_, Real(1), Real(1), Real(1));
      HPDF_Page_Rectangle(page_, Real(x_of(arrow.label_x) - half), y_of(arrow.label_y - 1),
                          Real(2 * half), Real(9 * scale));
      HPDF_Page_Fill(page_);
      Show(label, plain_, 8 * scale, kBlack, x_of(arrow.label_x) - half, y_of(arrow.label_y - 3));
    }
    NewPage(false);
  }

  std::string Save() {
    if (HPDF_SaveToStream(pdf_.get()) != HPDF_OK) return {};
    std::string out(HPDF_GetStreamSize(pdf_.get()), '\0');
    HPDF_ResetStream(pdf_.get());
    size_t have = 0;
    while (have < out.size()) {
      auto count = static_cast<HPDF_UINT32>(out.size() - have);
      const HPDF_STATUS status = HPDF_ReadFromStream(
          pdf_.get(), AsUnsignedChars(AsWritableBytes(out).subspan(have)), &count);
      if (count == 0) break;
      have += count;
      if (status != HPDF_OK) break;
    }
    out.resize(have);
    return out;
  }

  const Document& document_;
  std::unique_ptr<std::remove_pointer_t<HPDF_Doc>, FreeDocument> pdf_;
  HPDF_Font plain_ = nullptr;
  HPDF_Font bold_ = nullptr;
  HPDF_Page page_ = nullptr;
  size_t pages_ = 0;
  bool full_ = false;
  double width_ = kShort;
  double height_ = kLong;
  double y_ = 0;
};

}  // namespace

std::string ToPdf(const Document& document) { return Writer(document).Write(); }

}  // namespace ekshume::casefile::report
