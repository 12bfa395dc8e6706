// SPDX-License-Identifier: Apache-2.0
#include "log/timesketch/reader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "log/envelope.h"
#include "log/fields.h"
#include "log/json.h"
#include "log/text_time.h"

namespace ekshume::log::timesketch {
namespace {

using event::Event;
using event::Number;
using event::Text;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr size_t kMaxHeaderBytes = size_t{64} << 10;

constexpr std::pair<std::string_view, Text> kTextNames[] = {
    {"timestamp_desc", Text::kTimeKind},
    {"hostname", Text::kNode},
    {"host", Text::kNode},
    {"computer_name", Text::kNode},
    {"username", Text::kUserName},
    {"user", Text::kUserName},
    {"filename", Text::kPath},
    {"file_path", Text::kPath},
    {"sha256_hash", Text::kSha256},
    {"hash_sha256", Text::kSha256},
    {"source_address", Text::kSourceIp},
    {"src_ip", Text::kSourceIp},
    {"ip_address", Text::kSourceIp},
    {"remote_address", Text::kSourceIp},
    {"destination_address", Text::kDestinationIp},
    {"dst_ip", Text::kDestinationIp},
    {"dest_ip", Text::kDestinationIp},
    {"process_name", Text::kProcess},
    {"exe", Text::kProcess},
    {"command", Text::kCommandLine},
    {"cmdline", Text::kCommandLine}};
constexpr std::pair<std::string_view, Number> kNumberNames[] = {
    {"src_port", Number::kSourcePort},
    {"dst_port", Number::kDestinationPort},
    {"dest_port", Number::kDestinationPort},
    {"process_id", Number::kPid},
    {"file_size", Number::kSize}};

// What a row says of its time and identity, which are no plain columns.
struct Row {
  std::string datetime;
  std::string time;  // of our own export
  std::string timestamp;
  std::string id;
  std::string raw;
  std::string tags;  // words between blanks
  std::string tag;   // Timesketch's list
  bool has_message = false;
  bool has_kind = false;
};

// What exports write where there is nothing to write (event/export/timesketch.cc).
constexpr std::string_view kNotATime = "Not a time";
constexpr std::string_view kNoTimeTag = "no_time";
constexpr std::string_view kNoTags = "-";

// A list, as JSON or as words between blanks.
void AddTags(std::string_view text, Event& event) {
  const std::string_view between = text.starts_with('[') ? " ,[]\"'\t\n\r" : " \t\n\r";
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(between), text.size()));
    if (text.empty()) return;
    const std::string_view word = text.substr(0, text.find_first_of(between));
    if (word != kNoTags && word != kNoTimeTag) event.AddTag(word);
    text.remove_prefix(word.size());
  }
}

std::optional<Text> TextColumn(std::string_view name) {
  for (size_t i = 0; i < event::kTextCount; ++i) {
    if (event::ColumnName(static_cast<Text>(i)) == name) return static_cast<Text>(i);
  }
  const auto* found =
      std::ranges::find(kTextNames, name, [](const auto& pair) { return pair.first; });
  return found == std::end(kTextNames) ? std::nullopt : std::optional(found->second);
}

std::optional<Number> NumberColumn(std::string_view name) {
  for (size_t i = 0; i < event::kNumberCount; ++i) {
    if (event::ColumnName(static_cast<Number>(i)) == name) return static_cast<Number>(i);
  }
  const auto* found =
      std::ranges::find(kNumberNames, name, [](const auto& pair) { return pair.first; });
  return found == std::end(kNumberNames) ? std::nullopt : std::optional(found->second);
}

void Set(std::string_view name, std::string_view value, Row& row, Event& event) {
  if (name == "message") row.has_message = true;
  if (name == "timestamp_desc") row.has_kind = true;
  if (value.empty()) return;
  constexpr std::pair<std::string_view, std::string Row::*> kOfRow[] = {
      {"datetime", &Row::datetime},
      {"time", &Row::time},
      {"timestamp", &Row::timestamp},
      {"id", &Row::id},
      {"raw", &Row::raw},
      {"tags", &Row::tags},
      {"tag", &Row::tag},
      {"label", &Row::tag}};
  for (const auto& [own, member] : kOfRow) {
    if (name == own) {
      row.*member = value;
      return;
    }
  }
  if (name == "data_type") return AddTag(event, "data_type", value);
  if (const std::optional<Text> column = TextColumn(name)) {
    SetIfEmpty(event[*column], value);
  } else if (const std::optional<Number> number = NumberColumn(name)) {
    if (!event[*number]) event[*number] = ParseInteger(value);
  }
}

// The time with the most digits that there is.
void FillTime(const Row& row, Event& event) {
  if (event[Text::kTimeKind] == kNotATime) {
    event[Text::kTimeKind].clear();
    return;
  }
  for (const std::string* text : {&row.time, &row.datetime}) {
    if (text->empty()) continue;
    event.time = ParseTimestamp(*text);
    if (event.time) return;
    if (const std::optional<LeadingTime> found = TakeLeadingTime(*text)) {
      event.time = found->time;
      return;
    }
  }
  const std::optional<int64_t> microseconds = ParseInteger(row.timestamp);
  if (microseconds && *microseconds > INT64_MIN / 1000 && *microseconds < INT64_MAX / 1000) {
    event.time = TimestampFromNanoseconds(*microseconds * 1000);
  }
}

// False when the row is no timeline's.
bool Finish(Row& row, Event& event) {
  FillTime(row, event);
  AddTags(row.tags.empty() ? row.tag : row.tags, event);
  const bool has_time = !row.datetime.empty() || !row.timestamp.empty() || !row.time.empty();
  if (!row.has_message || !row.has_kind || !has_time) return false;
  if (!row.id.empty()) event.identity = "timesketch/" + row.id;
  event.raw = std::move(row.raw);
  return true;
}

std::string_view WithoutMark(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return text;
}

bool IsHeaderLine(std::string_view line) {
  if (line.size() > kMaxHeaderBytes || line.find("timestamp_desc") == std::string_view::npos ||
      line.starts_with('{')) {
    return false;
  }
  const std::vector<std::string> names = CsvFields(WithoutMark(line));
  const auto has = [&](std::string_view name) {
    return std::ranges::find(names, name) != names.end();
  };
  return has("message") && has("timestamp_desc") &&
         (has("datetime") || has("timestamp") || has("time"));
}

// The columns of a stream's header; kept, as the next row has the same.
const std::vector<std::string>& ColumnsFor(const Stream& stream) {
  thread_local std::string last;
  thread_local std::vector<std::string> columns;
  if (stream.header != last) {
    columns.clear();
    if (IsHeaderLine(stream.header)) columns = CsvFields(WithoutMark(stream.header));
    last = stream.header;
  }
  return columns;
}

// Exports put an apostrophe before what a spreadsheet would run as a formula (base/text.h,
// CsvField).
std::string_view WithoutApostrophe(std::string_view field) {
  constexpr std::string_view kFormulas = "=+-@\t\r";
  if (field.size() > 1 && field[0] == '\'' && kFormulas.find(field[1]) != std::string_view::npos) {
    field.remove_prefix(1);
  }
  return field;
}

// Whether a quote is open at the end of a row that grows line by line. Only what is new is looked
// at: rows of many lines would take the square of their length.
bool QuoteIsOpen(std::string_view record, std::string_view line) {
  struct Known {
    const char* data = nullptr;
    size_t size = 0;
    size_t next_line_bytes = 0;
    bool open = false;
  };
  thread_local Known known;
  const size_t grown = record.size() - std::min(known.size, record.size());
  const bool same = known.open && record.data() == known.data && grown >= known.next_line_bytes &&
                    grown <= known.next_line_bytes + 2;  // "\r\n" between
  const std::string_view fresh = same ? record.substr(known.size) : record;
  const bool odd = std::ranges::count(fresh, '"') % 2 != 0;
  known = {record.data(), record.size(), line.size(), odd != same};
  return known.open;
}

class Timesketch final : public Format {
 public:
  std::string_view name() const override { return "timesketch"; }
  std::string_view description() const override {
    return "Timelines as CSV or JSON lines: Timesketch, plaso, and ekshume's own export";
  }

  // What a row of CSV is, its header knows; any line with commas may be one.
  Match Sniff(std::string_view record) const override {
    if (record.starts_with('{')) {
      return HasKey(record, "timestamp_desc") &&
                     (HasKey(record, "message", record.size()) || HasKey(record, "datetime"))
                 ? Match::kYes
                 : Match::kNo;
    }
    if (IsHeaderLine(record)) return Match::kYes;
    return std::ranges::count(record.substr(0, kMaxHeaderBytes), ',') >= 2 ? Match::kMaybe
                                                                           : Match::kNo;
  }

  bool spans_lines() const override { return true; }
  bool Continues(std::string_view record, std::string_view line) const override {
    return !record.starts_with('{') && QuoteIsOpen(record, line);
  }

  bool IsHeader(std::string_view record) const override { return IsHeaderLine(record); }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& /*diagnostics*/) const override {
    Row row;
    if (record.bytes.starts_with('{')) {
      bool values_whole = true;
      const bool whole = ForEachMember(record, [&](std::string_view key, JsonValue value) {
        std::string_view text;
        values_whole = JsonView(value, text) && values_whole;
        Set(key, text, row, event);
      });
      if (!whole || !values_whole) return Outcome::kDamaged;
    } else {
      const std::vector<std::string>& columns = ColumnsFor(*record.stream);
      if (columns.empty()) return Outcome::kNotMine;
      if (IsHeaderLine(record.bytes)) return Outcome::kSkipped;  // of files put one after the other
      const std::vector<std::string> fields = CsvFields(record.bytes);
      if (fields.size() != columns.size()) return Outcome::kDamaged;
      for (size_t i = 0; i < fields.size(); ++i) {
        Set(columns[i], WithoutApostrophe(fields[i]), row, event);
      }
    }
    if (!Finish(row, event)) return Outcome::kNotMine;
    sink.Add(event);
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& TimesketchFormat() {
  static const Timesketch format;
  return format;
}

}  // namespace ekshume::log::timesketch
