// SPDX-License-Identifier: Apache-2.0
#include "log/carrier/records.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "log/carrier/json_cutter.h"
#include "log/carrier/json_scan.h"

namespace ekshume::log {
namespace {

// Gives a few bytes at a time, as decompressors may.
class SlowInput final : public Input {
 public:
  SlowInput(std::string_view bytes, size_t step) : bytes_(bytes), step_(step) {}
  Result<size_t> Read(std::span<char> out) override {
    const size_t count = std::min({out.size(), bytes_.size(), step_});
    std::copy_n(bytes_.begin(), count, out.begin());
    bytes_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view bytes_;
  size_t step_;
};

struct Cut {
  std::vector<std::string> records;
  std::vector<uint64_t> offsets;
  std::vector<std::string> groups;   // log group of each record's stream
  std::vector<std::string> headers;  // header of each record's stream
  ReaderCounts counts;
  DiagnosticSink diagnostics;
};

void CutAll(std::string_view text, Cut& cut, size_t step = 1 << 20) {
  SlowInput input(text, step);
  RecordReader reader(input, Stream{.evidence = "test"}, cut.diagnostics);
  RecordBatch batch;
  for (;;) {
    const Result<bool> more = reader.Next(batch);
    ASSERT_TRUE(more) << more.error().message;
    if (!*more) break;
    for (const RecordBatch::Part& part : batch.parts) {
      ASSERT_LE(part.begin + part.size + kRecordPadding, batch.bytes.size());
      cut.records.push_back(batch.bytes.substr(part.begin, part.size));
      cut.offsets.push_back(part.offset);
      const Stream& stream = *batch.streams[part.stream];
      cut.groups.push_back(stream.log_group);
      cut.headers.push_back(stream.header);
    }
  }
  cut.counts = reader.counts();
}

std::vector<std::string> Records(std::string_view text, size_t step = 1 << 20) {
  Cut cut;
  CutAll(text, cut, step);
  return cut.records;
}

using Texts = std::vector<std::string>;

TEST(RecordReader, CutsJsonHoweverItIsArranged) {
  const Texts two = {R"({"a":"}{"})", R"({"b":[1,{"c":"\"]"}]})"};
  const std::string& first = two[0];
  const std::string& second = two[1];
  const std::pair<std::string, const char*> arranged[] = {
      {first + "\n" + second + "\n", "lines"},
      {first + second, "one after the other"},
      {"[" + first + ",\n " + second + "]", "an array"},
      {"{\"Records\": [" + first + "," + second + "]}", "an envelope"},
      {"{\"x\":{\"Records\":[1]},\"items\" :\n[" + first + "," + second + "],\"nextToken\":null}",
       "members around the array"},
      {"{\"Records\":[" + first + "]}{\"Records\":[" + second + "]}",
       "envelopes one after the other"},
      {"\xef\xbb\xbf" + first + "\r\n" + second, "a byte order mark"},
  };
  for (const auto& [text, how] : arranged) {
    for (const size_t step : {size_t{1}, size_t{7}, size_t{1} << 20}) {
      EXPECT_EQ(Records(text, step), two) << how;
    }
  }
}

TEST(RecordReader, KeepsAPrintedObjectTogether) {
  const std::string printed = "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": 2\n  }\n}";
  EXPECT_EQ(Records(printed + "\n" + printed), (Texts{printed, printed}));
}

TEST(RecordReader, KnowsTheEnvelopeOfEachRecord) {
  Cut cut;
  CutAll(
      R"({"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"g1","logEvents":[{"id":"1"}]})"
      R"({"logGroup":"g2","logEvents":[{"id":"2"},{"id":"3"}]})",
      cut);
  EXPECT_EQ(cut.records, (Texts{R"({"id":"1"})", R"({"id":"2"})", R"({"id":"3"})"}));
  EXPECT_EQ(cut.groups, (Texts{"g1", "g2", "g2"}));
}

TEST(RecordReader, CutsLinesAndKeepsTheirPlaces) {
  Cut cut;
  CutAll("one\n\ntwo\r\nthree", cut);
  EXPECT_EQ(cut.records, (Texts{"one", "two", "three"}));
  EXPECT_EQ(cut.offsets, (std::vector<uint64_t>{0, 5, 10}));
}

TEST(RecordReader, JoinsWhatAnExportContinuedWithoutATime) {
  const std::string first = "2021-07-10T20:27:23.000Z some message";
  const std::string second = "2021-07-10T20:27:24.000Z another\n  at line two\n\n  at line four";
  const std::string text = first + "\n" + second + "\n" + first + "\n";
  for (const size_t step : {size_t{1}, size_t{1} << 20}) {
    EXPECT_EQ(Records(text, step), (Texts{first, second, first}));
  }
}

TEST(RecordReader, KeepsRowsOfInsightsTogetherAndTheirHeader) {
  Cut cut;
  CutAll("@timestamp,@message\n2022-03-25 07:26:55.661,\"{\"\"a\"\":\n1}\"\nx,y\n", cut);
  EXPECT_EQ(cut.records, (Texts{"2022-03-25 07:26:55.661,\"{\"\"a\"\":\n1}\"", "x,y"}));
  EXPECT_EQ(cut.headers, (Texts{"@timestamp,@message", "@timestamp,@message"}));
  EXPECT_EQ(cut.counts.skipped, 1U);
}

TEST(RecordReader, GoesOnBehindWhatIsNoJson) {
  Cut cut;
  CutAll(R"([{"a":1}, oops {"b":2}])", cut);
  EXPECT_EQ(cut.records, (Texts{R"({"a":1})", R"({"b":2})"}));
  EXPECT_EQ(cut.counts.damaged, 1U);
  EXPECT_EQ(cut.diagnostics.Count(DiagnosticCode::kLogRecordDamaged), 1U);
}

TEST(RecordReader, GivesTheBeginningOfARecordThatTheEndCutsOff) {
  EXPECT_EQ(Records(R"({"Records":[{"a":1},{"b":)"), (Texts{R"({"a":1})", R"({"b":)"}));
}

TEST(RecordReader, LeavesOutALineThatIsTooLong) {
  const std::string text =
      "before\n" + std::string(limits::kMaxRecordBytes + 10, 'x') + "\nbehind\n";
  Cut cut;
  CutAll(text, cut);
  EXPECT_EQ(cut.records, (Texts{"before", "behind"}));
  EXPECT_EQ(cut.counts.damaged, 1U);
  EXPECT_EQ(cut.diagnostics.Count(DiagnosticCode::kLogRecordTooLong), 1U);
}

TEST(RecordReader, LeavesOutAJsonRecordThatIsTooLong) {
  const std::string text =
      "[{\"a\":1},{\"b\":\"" + std::string(limits::kMaxRecordBytes + 10, 'x') + "\"},{\"c\":2}]";
  Cut cut;
  CutAll(text, cut);
  EXPECT_EQ(cut.records, (Texts{R"({"a":1})", R"({"c":2})"}));
  EXPECT_EQ(cut.diagnostics.Count(DiagnosticCode::kLogRecordTooLong), 1U);
}

TEST(RecordReader, GivesBatchesOfBoundedSize) {
  const std::string line(1000, 'x');
  std::string text;
  while (text.size() < 3 * limits::kMaxBatchBytes) text += line + "\n";
  SlowInput input(text, 1 << 20);
  DiagnosticSink diagnostics;
  RecordReader reader(input, {}, diagnostics);
  RecordBatch batch;
  size_t records = 0;
  size_t batches = 0;
  for (;;) {
    const Result<bool> more = reader.Next(batch);
    ASSERT_TRUE(more);
    if (!*more) break;
    EXPECT_LE(batch.bytes.size(), limits::kMaxBatchBytes + kRecordPadding);
    records += batch.parts.size();
    ++batches;
  }
  EXPECT_EQ(records, text.size() / (line.size() + 1));
  EXPECT_GE(batches, 3U);
}

TEST(RecordReader, SurvivesEveryBeginningAndEveryChange) {
  const std::string text =
      "{\"logGroup\":\"g\",\"logEvents\":[{\"id\":\"1\",\"message\":\"\\\"\\\\\"},[1,2],\"x\"],"
      "\"a\":{}}\n[{\"b\":1}]";
  for (size_t length = 0; length <= text.size(); ++length) {
    static_cast<void>(Records(text.substr(0, length), 3));
  }
  for (size_t i = 0; i < text.size(); ++i) {
    for (const char flip : {'\x01', '\x20', '\x7f'}) {
      std::string changed = text;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      static_cast<void>(Records(changed, 5));
    }
  }
}

TEST(JsonScan, FindsTheEndWhereverThePiecesAreCut) {
  std::string text = R"({"k":"\\","s":"\\\"}","n":[[{}],"]",{"m":"{{{{"}],"long":")";
  text += std::string(200, 'y') + R"(\\\\\"","end":{}})";
  const std::string more = text + "}]{";
  for (size_t first = 0; first < text.size(); ++first) {
    JsonScan scan;
    scan.Begin();
    ASSERT_EQ(scan.Feed(std::string_view(more).substr(0, first)), JsonScan::kOpen) << first;
    ASSERT_EQ(scan.Feed(std::string_view(more).substr(first)), text.size() - first) << first;
  }
}

TEST(VisitJsonRecords, GivesTheHead) {
  Texts heads;
  EXPECT_TRUE(VisitJsonRecords(R"({"logGroup":"g","logEvents":[{"id":1}]})",
                               [&](std::string_view record, std::string_view head) {
                                 EXPECT_EQ(record, R"({"id":1})");
                                 heads.emplace_back(head);
                               }));
  EXPECT_EQ(heads, (Texts{R"({"logGroup":"g","logEvents":[)"}));
  EXPECT_FALSE(VisitJsonRecords("[nonsense]", [](std::string_view, std::string_view) {}));
}

// A million lines in one open quote: each is looked at once.
TEST(RecordReader, CutsCsvWithAnOpenQuoteInLinearTime) {
  const std::string row = "2026-11-24 21:39:08,\"" + std::string(1 << 20, '\n') + "\"";
  const std::string text = "@timestamp,@message\n" + row + "\nlast,\"a\n\"\"b\"\n";
  EXPECT_EQ(Records(text), (Texts{row, "last,\"a\n\"\"b\""}));
}

}  // namespace
}  // namespace ekshume::log
