// SPDX-License-Identifier: Apache-2.0
#include "log/timesketch/reader.h"

#include "event/export/row_writer.h"
#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::timesketch {
namespace {

using testing::Parsed;
using testing::Row;
using testing::Text;

constexpr std::string_view kHeader = "message,datetime,timestamp_desc,hostname,pid,odd";

Stream WithHeader(std::string_view header) {
  Stream stream;
  stream.header = header;
  return stream;
}

TEST(Timesketch, ReadsCsvByItsHeader) {
  ASSERT_EQ(TimesketchFormat().Sniff(kHeader), Match::kYes);
  ASSERT_TRUE(TimesketchFormat().IsHeader(kHeader));
  const Stream stream = WithHeader(kHeader);
  Parsed parsed;
  testing::Parse(
      TimesketchFormat(),
      "\"a \"\"quoted\"\", two\nlines\",2026-11-24T21:39:08.5+00:00,Creation Time,node-1,"
      "42,x",
      parsed, stream);
  ASSERT_EQ(parsed.events.size(), 1u);
  EXPECT_EQ(Row(parsed.events[0]),
            "time=2026-11-24T21:39:08.500000000Z\n"
            "time_kind=Creation Time\n"
            "node=node-1\n"
            "message=a \"quoted\", two\nlines\n"
            "pid=42\n");
}

TEST(Timesketch, JoinsTheLinesOfARow) {
  std::string record = "\"first";
  EXPECT_TRUE(TimesketchFormat().Continues(record, "second"));
  record += "\nsecond";
  EXPECT_TRUE(TimesketchFormat().Continues(record, "third\",2026,x"));
  record += "\nthird\",2026,x";
  EXPECT_FALSE(TimesketchFormat().Continues(record, "\"next"));
  EXPECT_FALSE(TimesketchFormat().Continues("plain,row", "x"));
  EXPECT_FALSE(TimesketchFormat().Continues("{\"a\":\"", "x"));
}

TEST(Timesketch, JoinsAsTheLinesThatOneLooksAtWhole) {
  // The same answer for a row that grows in place as for each beginning of it by itself.
  const std::string text = "\"a\nb\"\"c\n\"\n,\"d\n\"\"\"\ne\n\"\nf";
  std::vector<size_t> ends;
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) {
    ends.push_back(at);
  }
  for (const size_t end : ends) {
    const std::string_view record = std::string_view(text).substr(0, end);
    const std::string_view rest = std::string_view(text).substr(end + 1);
    const bool open = std::ranges::count(record, '"') % 2 != 0;
    EXPECT_EQ(TimesketchFormat().Continues(record, rest.substr(0, rest.find('\n'))), open) << end;
  }
}

TEST(Timesketch, ReadsJsonLines) {
  Parsed parsed;
  testing::Parse(
      TimesketchFormat(),
      R"({"message":"m","timestamp":1668816218000001,"timestamp_desc":"Event Time","username":"eve","src_ip":"203.0.113.7","src_port":22,"tag":["a","b"],"data_type":"fs:stat","nested":{"x":1}})",
      parsed);
  ASSERT_EQ(parsed.events.size(), 1u);
  EXPECT_EQ(Row(parsed.events[0]),
            "time=2022-11-19T00:03:38.000001000Z\n"
            "time_kind=Event Time\n"
            "user_name=eve\n"
            "source_ip=203.0.113.7\n"
            "message=m\n"
            "tags=data_type=fs:stat a b\n"
            "source_port=22\n");
}

// An event with something in every column.
event::Event Full() {
  event::Event event;
  for (size_t i = 0; i < event::kTextCount; ++i) {
    event[static_cast<Text>(i)] = "text " + std::to_string(i) + ",\"=\n";
  }
  event[Text::kMessage] = "=1+1";
  event[Text::kTags] = "one two=3,4";
  for (size_t i = 0; i < event::kNumberCount; ++i) {
    event[static_cast<event::Number>(i)] = static_cast<int64_t>(i) - 3;
  }
  event.time = ParseTimestamp("2026-11-24T21:39:08.123456789Z");
  event.identity = "timesketch/0af3";
  event.raw = R"({"raw":"x"})";
  return event;
}

// What the exporter writes of it: the header, and the row.
std::pair<std::string, std::string> Exported(const event::Event& event,
                                             event::ExportFormat format) {
  std::vector<event::ExportColumn> columns;
  std::vector<std::optional<std::string>> values;
  for (const event::Column& column : event::Columns()) {
    columns.push_back({std::string(column.name), column.type});
    values.emplace_back();
    for (size_t i = 0; i < event::kTextCount; ++i) {
      if (event::ColumnName(static_cast<Text>(i)) == column.name) {
        values.back() = event[static_cast<Text>(i)];
      }
    }
    for (size_t i = 0; i < event::kNumberCount; ++i) {
      const auto number = static_cast<event::Number>(i);
      if (event::ColumnName(number) == column.name && event[number]) {
        values.back() = std::to_string(*event[number]);
      }
    }
    if (column.name == "id") values.back() = "0af3";
    if (column.name == "raw") values.back() = event.raw;
    if (column.name == "time" && event.time) values.back() = FormatTimestamp(*event.time);
    if (values.back() && values.back()->empty()) values.back().reset();
  }
  const std::vector<std::optional<std::string_view>> row(values.begin(), values.end());
  const std::unique_ptr<event::RowWriter> writer = event::MakeRowWriter(format, columns);
  std::pair<std::string, std::string> out;
  writer->AppendHeader(out.first);
  writer->AppendRow(row, out.second);
  for (std::string* line : {&out.first, &out.second}) {
    while (line->ends_with('\n') || line->ends_with('\r')) line->pop_back();
  }
  return out;
}

TEST(Timesketch, ReadsBackWhatAnExportWrites) {
  event::Event bare;  // no time, no tags
  bare[Text::kMessage] = "m";
  bare.identity = "timesketch/0af3";
  for (const event::Event& event : {Full(), bare}) {
    for (const event::ExportFormat format :
         {event::ExportFormat::kTimesketchCsv, event::ExportFormat::kTimesketchJsonLines}) {
      const auto [header, line] = Exported(event, format);
      const Stream stream = WithHeader(header);
      EXPECT_EQ(TimesketchFormat().IsHeader(header), !header.empty());
      Parsed parsed;
      testing::Parse(TimesketchFormat(), line, parsed, stream);
      ASSERT_EQ(parsed.events.size(), 1u) << line;
      EXPECT_EQ(Row(parsed.events[0]), Row(event));
      EXPECT_EQ(parsed.events[0].raw, event.raw);
    }
  }
}

TEST(Timesketch, TellsOtherRowsAndBrokenOnesApart) {
  const Stream stream = WithHeader(kHeader);
  Parsed parsed;
  testing::Parse(TimesketchFormat(), "one,two", parsed, stream);
  EXPECT_EQ(parsed.outcome, Outcome::kDamaged);
  testing::Parse(TimesketchFormat(), kHeader, parsed, stream);
  EXPECT_EQ(parsed.outcome, Outcome::kSkipped);
  testing::Parse(TimesketchFormat(), "a,2026-11-24T21:39:08Z,c,d,e,f", parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kNotMine);  // no header
  testing::Parse(TimesketchFormat(), R"({"message":"m","time":"x"})", parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kNotMine);
  EXPECT_EQ(TimesketchFormat().Sniff("a,b,c"), Match::kMaybe);
  EXPECT_EQ(TimesketchFormat().Sniff("a b c"), Match::kNo);
  EXPECT_EQ(TimesketchFormat().Sniff(R"({"eventName":"x"})"), Match::kNo);
  EXPECT_TRUE(parsed.events.empty());
}

TEST(Timesketch, SurvivesEveryDamage) {
  testing::ParseEveryDamage(TimesketchFormat(), "\"a \"\"b\"\"\",2026-11-24T21:39:08Z,c,d,42,f",
                            WithHeader(kHeader));
  testing::ParseEveryDamage(
      TimesketchFormat(),
      R"({"message":"m","timestamp":1668816218000001,"timestamp_desc":"x","tag":["a"]})");
  testing::ParseEveryDamage(TimesketchFormat(), kHeader);
}

}  // namespace
}  // namespace ekshume::log::timesketch
