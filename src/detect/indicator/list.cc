// SPDX-License-Identifier: Apache-2.0
#include "detect/indicator/list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/ascii.h"
#include "base/text.h"

namespace ekshume::detect::indicator {
namespace {

constexpr size_t kMaxLineBytes = size_t{64} << 10;
// A list of which this many lines make no sense is named for its first ones.
constexpr size_t kMaxNamedLines = 20;
constexpr size_t kMaxShownBytes = 80;
constexpr size_t kMaxCsvCells = 256;

std::string Shown(std::string_view text) {
  return EscapeForTerminal(text.substr(0, kMaxShownBytes)) +
         (text.size() > kMaxShownBytes ? "..." : "");
}

// Counts the lines that make no sense, and names the first of them.
class WrongLines {
 public:
  explicit WrongLines(ListSink& sink) : sink_(sink) {}
  void Add(size_t line, std::string reason) {
    if (++count_ <= kMaxNamedLines) sink_.Refuse(line, std::move(reason));
  }
  void Finish() {
    if (count_ > kMaxNamedLines) {
      sink_.Refuse(0, fmt::format("{} further lines make no sense", count_ - kMaxNamedLines));
    }
  }

 private:
  ListSink& sink_;
  size_t count_ = 0;
};

void AppendUtf8(std::string& out, uint32_t code) {
  const auto add = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xc0 | (code >> 6));
    add(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    add(0xe0 | (code >> 12));
    add(0x80 | ((code >> 6) & 0x3f));
    add(0x80 | (code & 0x3f));
  } else {
    add(0xf0 | (code >> 18));
    add(0x80 | ((code >> 12) & 0x3f));
    add(0x80 | ((code >> 6) & 0x3f));
    add(0x80 | (code & 0x3f));
  }
}

// As Windows writes text files. Lone surrogates become U+FFFD.
std::optional<std::string> FromUtf16(std::string_view text) {
  bool is_big = false;
  if (text.starts_with("\xff\xfe")) {
    text.remove_prefix(2);
  } else if (text.starts_with("\xfe\xff")) {
    text.remove_prefix(2);
    is_big = true;
  } else if (text.size() >= 4 && text[1] == '\0' && text[3] == '\0' && text[0] != '\0') {
    is_big = false;
  } else if (text.size() >= 4 && text[0] == '\0' && text[2] == '\0' && text[1] != '\0') {
    is_big = true;
  } else {
    return std::nullopt;
  }
  const auto unit = [&](size_t at) {
    const uint32_t first = static_cast<uint8_t>(text[at]);
    const uint32_t second = static_cast<uint8_t>(text[at + 1]);
    return is_big ? first << 8 | second : second << 8 | first;
  };
  std::string out;
  out.reserve(text.size() / 2);
  for (size_t at = 0; at + 1 < text.size(); at += 2) {
    uint32_t code = unit(at);
    if (code >= 0xd800 && code < 0xdc00 && at + 3 < text.size()) {
      const uint32_t low = unit(at + 2);
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        at += 2;
      }
    }
    AppendUtf8(out, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
  }
  return out;
}

bool TakeLine(std::string_view& text, std::string_view& line) {
  if (text.empty()) return false;
  const size_t end = text.find('\n');
  line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return true;
}

// One record of RFC 4180. Quoted cells may hold line ends; `lines` is how many lines it took. A
// quote that never ends makes its line a cell as it is.
struct CsvRecord {
  std::vector<std::string> cells;
  size_t lines = 0;
  bool is_too_long = false;
};

bool TakeCsvRecord(std::string_view& text, char separator, CsvRecord& record) {
  record = {};
  if (text.empty()) return false;
  std::string cell;
  bool quoted = false;
  size_t at = 0;
  size_t kept = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\n') ++record.lines;
    if (quoted) {
      if (c == '"' && at + 1 < text.size() && text[at + 1] == '"') {
        ++at;
      } else if (c == '"') {
        quoted = false;
        continue;
      }
    } else if (c == '"' && Trimmed(cell).empty()) {
      cell.clear();
      quoted = true;
      continue;
    } else if (c == separator) {
      if (record.cells.size() < kMaxCsvCells) record.cells.push_back(cell);
      cell.clear();
      continue;
    } else if (c == '\n') {
      break;
    }
    if (++kept <= kMaxLineBytes) cell.push_back(c);
    // A quote that stands open for so long is none.
    if (kept > kMaxLineBytes && quoted) quoted = false;
  }
  record.is_too_long = kept > kMaxLineBytes;
  if (at == text.size()) ++record.lines;
  text.remove_prefix(std::min(at + 1, text.size()));
  record.cells.push_back(std::move(cell));
  for (std::string& one : record.cells) one = std::string(Trimmed(one));
  return true;
}

std::string PlainWord(std::string_view word) {
  std::string plain;
  for (const char c : AsciiLower(word)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) plain.push_back(c);
  }
  return plain;
}

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

// What the columns of a CSV are.
struct Columns {
  std::vector<std::pair<size_t, Kind>> values;  // columns of one kind each
  std::optional<size_t> type;                   // a column that names the kind of `value`
  std::optional<size_t> value;                  // a column of any kind
  std::vector<size_t> descriptions;

  bool any() const { return !values.empty() || value.has_value(); }

  static Columns Of(const std::vector<std::string>& header) {
    Columns columns;
    for (size_t i = 0; i < header.size(); ++i) {
      const std::string word = PlainWord(header[i]);
      if (IsOneOf(word, {"type", "indicatortype", "ioctype", "attributetype", "kind"})) {
        columns.type = i;
      } else if (IsOneOf(word, {"value", "indicator", "ioc", "iocvalue", "indicatorvalue",
                                "observable"})) {
        columns.value = i;
      } else if (IsOneOf(word, {"description", "comment", "comments", "malware", "signature",
                                "threat", "campaign", "note", "notes", "tags", "reference",
                                "malwareprintable", "info", "family"})) {
        columns.descriptions.push_back(i);
      } else if (const std::optional<Kind> kind = KindOfWord(word)) {
        columns.values.emplace_back(i, *kind);
      }
    }
    if (columns.value) {
      // Beside a value, `name` and `file` say more of it.
      for (const auto& [column, kind] : columns.values) {
        if (kind == Kind::kName) columns.descriptions.push_back(column);
      }
      std::erase_if(columns.values,
                    [](const auto& column) { return column.second == Kind::kName; });
    } else {
      columns.type.reset();
    }
    return columns;
  }
};

// The first line that is not empty, past a '#' as abuse.ch writes its headers.
std::optional<char> SeparatorOfHeader(std::string_view line) {
  if (line.size() > kMaxLineBytes) return std::nullopt;
  while (line.starts_with('#')) line.remove_prefix(1);
  for (const char separator : {',', ';', '\t'}) {
    CsvRecord record;
    std::string_view rest = line;
    if (!TakeCsvRecord(rest, separator, record)) continue;
    const bool is_alone = record.cells.size() == 1;
    if (is_alone && separator != ',') continue;
    if (Columns::Of(record.cells).any()) return separator;
  }
  return std::nullopt;
}

std::string Joined(const std::vector<std::string>& cells, const std::vector<size_t>& columns) {
  std::string joined;
  for (const size_t column : columns) {
    if (column >= cells.size() || cells[column].empty()) continue;
    joined += (joined.empty() ? "" : ", ") + cells[column];
  }
  return joined;
}

void ParseCsv(std::string_view text, char separator, size_t line, ListSink& sink) {
  WrongLines wrong(sink);
  while (text.starts_with('#')) text.remove_prefix(1);
  CsvRecord record;
  TakeCsvRecord(text, separator, record);
  const Columns columns = Columns::Of(record.cells);
  line += record.lines;
  for (; TakeCsvRecord(text, separator, record); line += record.lines) {
    if (record.cells.size() == 1 && record.cells[0].empty()) continue;
    if (record.cells[0].starts_with('#')) continue;
    if (record.is_too_long) {
      wrong.Add(line, "the line is too long");
      continue;
    }
    const std::string description = Joined(record.cells, columns.descriptions);
    for (const auto& [column, kind] : columns.values) {
      if (column >= record.cells.size() || record.cells[column].empty()) continue;
      if (!sink.Add(kind, record.cells[column], line, description)) return;
    }
    if (!columns.value) continue;
    if (*columns.value >= record.cells.size() || record.cells[*columns.value].empty()) {
      wrong.Add(line, "the line has no value");
      continue;
    }
    const std::string& value = record.cells[*columns.value];
    std::optional<Kind> kind;
    if (columns.type && *columns.type < record.cells.size() &&
        !record.cells[*columns.type].empty()) {
      kind = KindOfWord(record.cells[*columns.type]);
      if (!kind) {
        sink.Doubt(line, fmt::format("a value of the type {} is not looked for",
                                     Shown(record.cells[*columns.type])));
        continue;
      }
    } else {
      kind = GuessKind(value);
    }
    if (!kind) {
      wrong.Add(line, fmt::format("\"{}\" is of no known kind", Shown(value)));
    } else if (!sink.Add(*kind, value, line, description)) {
      return;
    }
  }
  wrong.Finish();
}

// A value, its kind, and what stands behind it.
struct PlainLine {
  Kind kind;
  std::string_view value;
  std::string_view description;
};

std::optional<PlainLine> ReadPlainLine(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon != std::string_view::npos && colon > 1) {
    const std::optional<Kind> named = KindOfWord(line.substr(0, colon));
    // "host:443" is a port of a domain "host", "file://" a URL.
    const std::string_view rest = Trimmed(line.substr(colon + 1));
    if (named && !rest.empty() && !rest.starts_with("//")) {
      const size_t comment = rest.find(" #");
      return PlainLine{*named, Trimmed(rest.substr(0, comment)),
                       comment == std::string_view::npos ? std::string_view()
                                                         : Trimmed(rest.substr(comment + 2))};
    }
  }
  size_t end = std::min(line.find_first_of(" \t;,"), line.size());
  std::string_view first = line.substr(0, end);
  std::string_view rest = Trimmed(line.substr(end));
  // A hosts file that sends a name nowhere.
  if ((first == "0.0.0.0" || first == "127.0.0.1") && !rest.empty()) {
    end = std::min(rest.find_first_of(" \t#"), rest.size());
    first = rest.substr(0, end);
    rest = Trimmed(rest.substr(end));
  }
  while (!rest.empty() && std::string_view(";,#\t ").contains(rest.front())) rest.remove_prefix(1);
  const std::optional<Kind> kind = GuessKind(first);
  if (!kind) return std::nullopt;
  // Words of prose are no file names: those stand alone, or before a comment.
  const bool is_bare = *kind == Kind::kName && !rest.empty();
  if (is_bare && end < line.size() && line[end] == ' ' && line.find(" #") != end) {
    return std::nullopt;
  }
  return PlainLine{*kind, first, rest};
}

}  // namespace

void ParseLines(std::string_view text, ListSink& sink) {
  WrongLines wrong(sink);
  std::string_view line;
  std::string_view rest = text;
  bool is_first = true;
  for (size_t number = 1;; ++number) {
    const std::string_view from_here = rest;
    if (!TakeLine(rest, line)) break;
    const std::string_view trimmed = Trimmed(line);
    if (trimmed.empty()) continue;
    // A header may stand behind comments, and be one.
    if (is_first || trimmed.starts_with('#')) {
      if (const std::optional<char> separator =
              is_first || trimmed.size() < 400 ? SeparatorOfHeader(trimmed) : std::nullopt;
          separator && (is_first || !trimmed.starts_with("# ") || trimmed.contains('"'))) {
        ParseCsv(from_here, *separator, number, sink);
        return;
      }
    }
    if (trimmed.starts_with('#') || trimmed.starts_with("//")) continue;
    is_first = false;
    if (trimmed.size() > kMaxLineBytes) {
      wrong.Add(number, "the line is too long");
      continue;
    }
    const std::optional<PlainLine> plain = ReadPlainLine(trimmed);
    if (!plain) {
      wrong.Add(number, fmt::format("\"{}\" is of no known kind", Shown(trimmed)));
      continue;
    }
    if (!sink.Add(plain->kind, plain->value, number, plain->description)) return;
  }
  wrong.Finish();
}

void ParseList(std::string_view text, ListSink& sink) {
  const std::optional<std::string> converted = FromUtf16(text);
  if (converted) text = *converted;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.substr(0, size_t{64} << 10).contains('\0')) {
    sink.Refuse(0, "is no text: it holds zero bytes");
    return;
  }
  const std::string_view trimmed = Trimmed(text.substr(0, size_t{4} << 10));
  if (trimmed.empty()) {
    if (Trimmed(text).empty()) sink.Refuse(0, "holds nothing");
    return;
  }
  if (trimmed.front() == '{' || (trimmed.front() == '[' && trimmed.size() > 1 &&
                                 (trimmed[1] == '{' || trimmed[1] == '\n' || trimmed[1] == '\r' ||
                                  trimmed[1] == ' ' || trimmed[1] == ']'))) {
    ParseJsonList(text, sink);
    return;
  }
  if (trimmed.front() == '<') {
    sink.Refuse(1, "is XML or HTML, which is not read");
    return;
  }
  ParseLines(text, sink);
}

}  // namespace ekshume::detect::indicator
