// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "event/export/writers.h"

// What Timesketch imports (docs/guides/user/import-from-json-csv.md of its repository): lines with
// at least `message`, `datetime` and `timestamp_desc`. `timestamp`, in microseconds, is taken as it
// is when it is there, and computed in floating point otherwise. `tag` is a list.
namespace ekshume::event {
namespace {

// The columns that are ours to fill; one of the same name in the rows is left out.
constexpr std::array<std::string_view, 5> kOwn = {"message", "datetime", "timestamp",
                                                  "timestamp_desc", "tag"};

// Where a row has no time, Timesketch must still be given one; what plaso writes then.
constexpr std::string_view kNotATime = "Not a time";
constexpr std::string_view kNoTimeTag = "no_time";

// 2026-01-02T03:04:05.123456+00:00 and the microseconds since 1970 of a time as FormatTimestamp()
// writes it. Every row has all six digits: importers take the first row's form for all.
struct Moment {
  std::string datetime = "1970-01-01T00:00:00.000000+00:00";
  int64_t microseconds = 0;
};
std::optional<Moment> MomentOf(std::optional<std::string_view> text) {
  const auto time = text ? ParseTimestamp(*text) : std::nullopt;
  if (!time) return std::nullopt;
  std::string datetime = FormatTimestamp(*time);
  const size_t point = datetime.rfind('.');
  if (point == std::string::npos) return std::nullopt;
  datetime.resize(point + 7);
  datetime += "+00:00";
  return Moment{std::move(datetime), time->seconds * 1'000'000 + time->nanoseconds / 1000};
}

class TimesketchWriter final : public RowWriter {
 public:
  TimesketchWriter(std::vector<ExportColumn> columns, bool as_csv)
      : columns_(std::move(columns)),
        as_csv_(as_csv),
        time_(FindExportColumn(columns_, "time")),
        time_kind_(FindExportColumn(columns_, "time_kind")),
        message_(FindExportColumn(columns_, "message")),
        tags_(FindExportColumn(columns_, "tags")) {
    for (const std::string_view name : {"source", "action", "object_kind", "object_name", "path"}) {
      if (const auto column = FindExportColumn(columns_, name)) instead_.push_back(*column);
    }
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (std::ranges::find(kOwn, columns_[i].name) == kOwn.end() && i != time_kind_) {
        others_.push_back(i);
      }
    }
  }

  void AppendHeader(std::string& out) const override {
    if (!as_csv_) return;
    out += "message,datetime,timestamp,timestamp_desc,tag";
    for (const size_t i : others_) {
      out += ',';
      AppendCsvField(ColumnType::kText, columns_[i].name, out);
    }
    out += "\r\n";
  }

  void AppendRow(ExportRow row, std::string& out) const override {
    const auto at = [&](const std::optional<size_t>& column) {
      return column ? row[*column] : std::optional<std::string_view>();
    };
    const std::optional<Moment> known = MomentOf(at(time_));
    const Moment moment = known.value_or(Moment());
    const std::string message = Message(at(message_), row);
    std::string_view kind = kNotATime;
    if (known) kind = at(time_kind_).value_or("Event Time");
    std::vector<std::string_view> tags = SplitNonEmpty(at(tags_).value_or(""), ' ');
    if (!known) tags.push_back(kNoTimeTag);
    if (as_csv_) {
      AppendCsvField(ColumnType::kText, message, out);
      out += fmt::format(",{},{},", moment.datetime, moment.microseconds);
      AppendCsvField(ColumnType::kText, kind, out);
      out += ',';
      // An empty field would become the tag "nan"; "-" becomes none.
      if (tags.empty()) {
        out += '-';
      } else {
        AppendCsvField(ColumnType::kText, JsonList(tags), out);
      }
      for (const size_t i : others_) {
        out += ',';
        if (row[i]) AppendCsvField(columns_[i].type, *row[i], out);
      }
      out += "\r\n";
      return;
    }
    out += fmt::format(R"({{"message":{},"datetime":"{}","timestamp":{},"timestamp_desc":{})",
                       JsonString(message), moment.datetime, moment.microseconds, JsonString(kind));
    if (!tags.empty()) out += ",\"tag\":" + JsonList(tags);
    for (const size_t i : others_) {
      if (row[i]) AppendJsonMember(columns_[i], *row[i], out);
    }
    out += "}\n";
  }

 private:
  static std::string JsonList(const std::vector<std::string_view>& texts) {
    std::string out;
    for (const std::string_view text : texts) out += (out.empty() ? '[' : ',') + JsonString(text);
    return out + ']';
  }

  // Never empty: without a message, the row's own words.
  std::string Message(std::optional<std::string_view> message, ExportRow row) const {
    if (message && !message->empty()) return std::string(*message);
    std::string out;
    for (const size_t column : instead_) {
      if (row[column]) out += fmt::format("{}{}", out.empty() ? "" : " ", *row[column]);
    }
    return out.empty() ? "-" : out;
  }

  const std::vector<ExportColumn> columns_;
  const bool as_csv_;
  const std::optional<size_t> time_;
  const std::optional<size_t> time_kind_;
  const std::optional<size_t> message_;
  const std::optional<size_t> tags_;
  std::vector<size_t> instead_;
  std::vector<size_t> others_;
};

}  // namespace

std::unique_ptr<RowWriter> MakeTimesketchWriter(std::vector<ExportColumn> columns, bool as_csv) {
  return std::make_unique<TimesketchWriter>(std::move(columns), as_csv);
}

}  // namespace ekshume::event
