// SPDX-License-Identifier: Apache-2.0
#include "event/export/row_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "base/text.h"

namespace ekshume::event {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using Cell = std::optional<std::string_view>;

// The text of one row, or with `with_header` of the header and the row.
std::string Written(ExportFormat format, const std::vector<ExportColumn>& columns,
                    const std::vector<Cell>& row, bool with_header = false) {
  const auto writer = MakeRowWriter(format, columns);
  std::string out;
  if (with_header) writer->AppendHeader(out);
  writer->AppendRow(row, out);
  return out;
}

const std::vector<ExportColumn> kColumns = {
    {"time", ColumnType::kTime},        {"time_kind", ColumnType::kText},
    {"source", ColumnType::kText},      {"user_name", ColumnType::kText},
    {"source_ip", ColumnType::kText},   {"action", ColumnType::kText},
    {"pid", ColumnType::kNumber},       {"severity", ColumnType::kText},
    {"object_kind", ColumnType::kText}, {"message", ColumnType::kText},
    {"tags", ColumnType::kText},        {"namespace", ColumnType::kText}};

const std::vector<Cell> kEvent = {"2026-01-02T03:04:05.123456789Z",
                                  "Event Time",
                                  "k8s_audit",
                                  "alice",
                                  "10.1.2.3",
                                  "create",
                                  "-7",
                                  "high",
                                  "pods/exec",
                                  "alice executed",
                                  "truncated sample",
                                  "prod"};

// The values of CSV's lines as RFC 4180 reads them.
std::vector<std::vector<std::string>> ReadCsv(std::string_view text) {
  std::vector<std::vector<std::string>> lines(1);
  std::string field;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"') {
        field += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += text[++i];
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',' || c == '\r') {
      lines.back().push_back(std::exchange(field, ""));
      if (c == '\r') {
        EXPECT_EQ(text[++i], '\n');
        lines.emplace_back();
      }
    } else {
      field += c;
    }
  }
  lines.pop_back();
  return lines;
}

TEST(JsonLinesTest, NumbersAreNumbersAndNullsAreLeftOut) {
  const std::vector<ExportColumn> columns = {
      {"a", ColumnType::kNumber}, {"b", ColumnType::kText}, {"time", ColumnType::kTime}};
  EXPECT_EQ(Written(ExportFormat::kJsonLines, columns, {"-9223372036854775808", "", "2026"}, true),
            "{\"a\":-9223372036854775808,\"b\":\"\",\"time\":\"2026\"}\n");
  EXPECT_EQ(Written(ExportFormat::kJsonLines, columns, {{}, "x", {}}), "{\"b\":\"x\"}\n");
  EXPECT_EQ(Written(ExportFormat::kJsonLines, columns, {{}, {}, {}}), "{}\n");
  EXPECT_EQ(Written(ExportFormat::kJsonLines, columns, {"1e9", "7", {}}),
            "{\"a\":\"1e9\",\"b\":\"7\"}\n")
      << "what is no whole number is written as the text it is";
}

TEST(JsonLinesTest, HostileNamesAndValuesStayStrings) {
  const std::string line = Written(ExportFormat::kJsonLines, {{"a\"b\n", ColumnType::kText}},
                                   {std::string_view("x\"\\\n\r\t\0\x1b\xFF", 9)});
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
  const auto parsed = nlohmann::json::parse(line);
  EXPECT_EQ(parsed.at("a\"b\n"), std::string("x\"\\\n\r\t\0\x1b\xEF\xBF\xBD", 11));
}

TEST(CsvTest, HeaderAndRow) {
  EXPECT_EQ(
      Written(ExportFormat::kCsv,
              {{"a", ColumnType::kText}, {"b", ColumnType::kNumber}, {"c", ColumnType::kText}},
              {"x,y", "-5", {}}, true),
      "a,b,c\r\n\"x,y\",-5,\r\n");
}

TEST(CsvTest, HostileValues) {
  const std::vector<ExportColumn> columns = {{"a", ColumnType::kText}, {"n", ColumnType::kNumber}};
  const auto field = [&](std::string_view value) {
    return ReadCsv(Written(ExportFormat::kCsv, columns, {value, "1"})).at(0).at(0);
  };
  EXPECT_EQ(field("=cmd|'/c calc'!A1"), "'=cmd|'/c calc'!A1");
  EXPECT_EQ(field("+1"), "'+1");
  EXPECT_EQ(field("-1"), "'-1");
  EXPECT_EQ(field("@SUM(A1)"), "'@SUM(A1)");
  EXPECT_EQ(field("\t=1"), "'\t=1");
  EXPECT_EQ(field("a\r\nb,\"c\""), "a\r\nb,\"c\"");
  EXPECT_EQ(field("\x1b[2J"), "\\x1b[2J");
  EXPECT_EQ(field(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(field("\xFFz\xC3"), "\xEF\xBF\xBDz\xEF\xBF\xBD");
  EXPECT_EQ(field("é\x7F"), "é\\x7f");
  EXPECT_EQ(Written(ExportFormat::kCsv, columns, {{}, "=1"}), ",'=1\r\n")
      << "a number column with something else in it";
  EXPECT_EQ(Written(ExportFormat::kCsv, {{"=x", ColumnType::kText}}, {"y"}, true), "'=x\r\ny\r\n");
}

TEST(TimesketchTest, JsonLines) {
  EXPECT_EQ(Written(ExportFormat::kTimesketchJsonLines, kColumns, kEvent, true),
            "{\"message\":\"alice executed\",\"datetime\":\"2026-01-02T03:04:05.123456+00:00\","
            "\"timestamp\":1767323045123456,\"timestamp_desc\":\"Event Time\","
            "\"tag\":[\"truncated\",\"sample\"],\"time\":\"2026-01-02T03:04:05.123456789Z\","
            "\"source\":\"k8s_audit\",\"user_name\":\"alice\",\"source_ip\":\"10.1.2.3\","
            "\"action\":\"create\",\"pid\":-7,\"severity\":\"high\",\"object_kind\":\"pods/exec\","
            "\"tags\":\"truncated sample\",\"namespace\":\"prod\"}\n");
}

TEST(TimesketchTest, Csv) {
  EXPECT_EQ(Written(ExportFormat::kTimesketchCsv, kColumns, kEvent, true),
            "message,datetime,timestamp,timestamp_desc,tag,time,source,user_name,source_ip,action,"
            "pid,severity,object_kind,tags,namespace\r\n"
            "alice executed,2026-01-02T03:04:05.123456+00:00,1767323045123456,Event Time,"
            "\"[\"\"truncated\"\",\"\"sample\"\"]\",2026-01-02T03:04:05.123456789Z,k8s_audit,alice,"
            "10.1.2.3,create,-7,high,pods/exec,truncated sample,prod\r\n");
}

TEST(TimesketchTest, WhatARowLacksIsFilled) {
  std::vector<Cell> row(kColumns.size());
  EXPECT_EQ(Written(ExportFormat::kTimesketchJsonLines, kColumns, row),
            "{\"message\":\"-\",\"datetime\":\"1970-01-01T00:00:00.000000+00:00\",\"timestamp\":0,"
            "\"timestamp_desc\":\"Not a time\",\"tag\":[\"no_time\"]}\n");
  row[2] = "file";
  row[5] = "modified";
  EXPECT_THAT(Written(ExportFormat::kTimesketchJsonLines, kColumns, row),
              HasSubstr("\"message\":\"file modified\""));
  EXPECT_THAT(Written(ExportFormat::kTimesketchCsv, kColumns, row),
              HasSubstr("file modified,1970-01-01T00:00:00.000000+00:00,0,Not a time,"
                        "\"[\"\"no_time\"\"]\","));
  row[0] = "2026-01-02T03:04:05.000000000Z";
  EXPECT_THAT(Written(ExportFormat::kTimesketchCsv, kColumns, row),
              HasSubstr("2026-01-02T03:04:05.000000+00:00,1767323045000000,Event Time,-,"));
  EXPECT_EQ(Written(ExportFormat::kTimesketchJsonLines, {{"n", ColumnType::kNumber}}, {"5"}),
            "{\"message\":\"-\",\"datetime\":\"1970-01-01T00:00:00.000000+00:00\",\"timestamp\":0,"
            "\"timestamp_desc\":\"Not a time\",\"tag\":[\"no_time\"],\"n\":5}\n");
}

TEST(TimesketchTest, TimesBefore1970) {
  EXPECT_THAT(Written(ExportFormat::kTimesketchJsonLines, {{"time", ColumnType::kTime}},
                      {"1969-12-31T23:59:59.999999500Z"}),
              HasSubstr("\"datetime\":\"1969-12-31T23:59:59.999999+00:00\",\"timestamp\":-1,"));
}

TEST(TimesketchTest, ColumnsOfTheSameNameAreNotWrittenTwice) {
  const auto parsed = nlohmann::json::parse(Written(ExportFormat::kTimesketchJsonLines,
                                                    {{"datetime", ColumnType::kText},
                                                     {"tag", ColumnType::kText},
                                                     {"timestamp", ColumnType::kNumber},
                                                     {"message", ColumnType::kText}},
                                                    {"x", "y", "5", "m"}));
  EXPECT_EQ(parsed.size(), 5);
  EXPECT_EQ(parsed.at("datetime"), "1970-01-01T00:00:00.000000+00:00");
}

TEST(CefTest, Event) {
  EXPECT_EQ(Written(ExportFormat::kCef, kColumns, kEvent, true),
            "CEF:0|ekshume|ekshume|" EKSHUME_VERSION
            "|k8s_audit:create|alice executed|8|rt=1767323045123 src=10.1.2.3 "
            "ekshumeTimeKind=Event Time ekshumeSource=k8s_audit suser=alice act=create spid=-7 "
            "ekshumeObjectKind=pods/exec msg=alice executed ekshumeTags=truncated sample cs2=prod "
            "cs2Label=namespace\n");
}

TEST(CefTest, KindsOfAddresses) {
  const auto extension = [](std::string_view address) {
    const std::string line =
        Written(ExportFormat::kCef, {{"source_ip", ColumnType::kText}}, {address});
    return line.substr(line.rfind('|') + 1);
  };
  EXPECT_EQ(extension("10.0.0.1"), "src=10.0.0.1\n");
  EXPECT_EQ(extension("2001:db8::1"), "c6a2=2001:db8::1 c6a2Label=Source IPv6 Address\n");
  EXPECT_EQ(extension("cloudtrail.amazonaws.com"), "shost=cloudtrail.amazonaws.com\n");
  EXPECT_EQ(extension(""), "\n");
}

TEST(CefTest, HostileValues) {
  const std::vector<ExportColumn> columns = {{"source", ColumnType::kText},
                                             {"message", ColumnType::kText},
                                             {"user_name", ColumnType::kText}};
  const std::string line =
      Written(ExportFormat::kCef, columns,
              {"a|b\\c", "x|y\nCEF:0|evil", std::string_view("k=v\\|\r\n\0\x1b\xFF|", 11)});
  EXPECT_EQ(line, "CEF:0|ekshume|ekshume|" EKSHUME_VERSION
                  "|a\\|b\\\\c:|x\\|y CEF:0\\|evil|Unknown|ekshumeSource=a|b\\\\c "
                  "msg=x|y\\nCEF:0|evil suser=k\\=v\\\\|\\r\\n\\\\x00\\\\x1b\\\\xff|\n");
}

TEST(CefTest, Severities) {
  const auto severity = [](std::string_view text) {
    const std::string line = Written(ExportFormat::kCef, {{"severity", ColumnType::kText}}, {text});
    const size_t end = line.rfind('|');
    const size_t begin = line.rfind('|', end - 1) + 1;
    return line.substr(begin, end - begin);
  };
  EXPECT_EQ(severity("CRITICAL"), "10");
  EXPECT_EQ(severity("high"), "8");
  EXPECT_EQ(severity("medium"), "5");
  EXPECT_EQ(severity("low"), "3");
  EXPECT_EQ(severity("informational"), "1");
  EXPECT_EQ(severity("8|9"), "Unknown");
}

// Any bytes at all: every format stays one line a row (CSV: one record), valid UTF-8, and readable.
TEST(RowWriterTest, RandomBytes) {
  std::mt19937 random(11);
  const std::vector<ExportColumn> columns = {{"message", ColumnType::kText},
                                             {"user_name", ColumnType::kText},
                                             {"pid", ColumnType::kNumber}};
  for (int i = 0; i < 3000; ++i) {
    std::string values[3];
    for (std::string& value : values) {
      for (size_t k = 0, count = random() % 8; k < count; ++k) {
        constexpr std::string_view kSpecial = "\n\r\",=|\\'-\xC3\xA9\xFF\x1b{}[]0";
        value += random() % 2 == 0 ? kSpecial[random() % kSpecial.size()]
                                   : static_cast<char>(random() % 256);
      }
    }
    const std::vector<Cell> row = {values[0], values[1], values[2]};
    for (const std::string_view name : ExportFormatNames()) {
      const ExportFormat format = *ParseExportFormat(name);
      const std::string text = Written(format, columns, row);
      ASSERT_TRUE(IsUtf8(text)) << name << JsonString(text);
      ASSERT_THAT(text, Not(HasSubstr("\x1b"))) << name;
      ASSERT_EQ(text.find('\0'), std::string::npos) << name;
      switch (format) {
        case ExportFormat::kCsv: ASSERT_EQ(ReadCsv(text).size(), 1) << JsonString(text); break;
        case ExportFormat::kTimesketchCsv:
          ASSERT_EQ(ReadCsv(text).size(), 1) << JsonString(text);
          ASSERT_EQ(ReadCsv(text).at(0).size(), 7) << JsonString(text);
          break;
        case ExportFormat::kCef:
          ASSERT_EQ(text.find('\n'), text.size() - 1) << JsonString(text);
          break;
        case ExportFormat::kJsonLines:
        case ExportFormat::kTimesketchJsonLines:
          ASSERT_EQ(text.find('\n'), text.size() - 1) << JsonString(text);
          ASSERT_TRUE(nlohmann::json::accept(text)) << JsonString(text);
          break;
      }
    }
  }
}

TEST(RowWriterTest, FormatNames) {
  EXPECT_EQ(ParseExportFormat("timesketch"), ExportFormat::kTimesketchJsonLines);
  EXPECT_EQ(ParseExportFormat("parquet"), std::nullopt);
  EXPECT_TRUE(std::ranges::is_sorted(ExportFormatNames()));
}

}  // namespace
}  // namespace ekshume::event
