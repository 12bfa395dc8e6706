// SPDX-License-Identifier: Apache-2.0
#include "log/dispatch.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "log/json.h"

namespace ekshume::log {
namespace {

using event::Event;
using event::Text;

// A Kubernetes audit event with this id, and the same as a string inside JSON.
std::string Audit(std::string_view id) {
  return R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":")" +
         std::string(id) +
         R"(","stage":"ResponseComplete","requestURI":"/api/v1/secrets","verb":"list",)"
         R"("user":{"username":"alice"},"sourceIPs":["203.0.113.7"],)"
         R"("objectRef":{"resource":"secrets","apiVersion":"v1"},"responseStatus":{"code":200},)"
         R"("requestReceivedTimestamp":"2026-11-24T21:40:00.000000Z",)"
         R"("stageTimestamp":"2026-11-24T21:40:01.000000Z"})";
}
std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

struct Dispatched {
  event::RowBatch rows;
  RecordCounts counts;
  DiagnosticSink diagnostics;

  // The text columns of a row, and its time.
  Event Row(size_t i) const {
    Event event;
    if (const std::optional<int64_t> time = rows.row(i).time) {
      event.time = Timestamp{*time / 1000000000, static_cast<uint32_t>(*time % 1000000000)};
    }
    for (const event::RowBatch::Value& value : rows.values(rows.row(i))) {
      for (size_t column = 0; column < event::kTextCount; ++column) {
        const auto text = static_cast<Text>(column);
        if (value.is_text && event::StoredColumn(text) == value.column)
          event[text] = rows.text(value);
      }
    }
    return event;
  }
  std::string_view Raw(size_t i) const { return rows.raw(rows.row(i)); }
};

void Dispatch(std::string_view text, Dispatched& out, Stream stream = {.evidence = "test"}) {
  MemoryInput input(text);
  RecordReader reader(input, std::move(stream), out.diagnostics);
  Dispatcher dispatcher(out.diagnostics);
  RecordBatch batch;
  for (;;) {
    const Result<bool> more = reader.Next(batch);
    ASSERT_TRUE(more);
    if (!*more) break;
    out.counts += dispatcher.Read(batch, 0, "test", out.rows);
  }
  EXPECT_EQ(out.rows.count(), out.counts.rows);
  EXPECT_EQ(out.counts.records + out.counts.extra,
            out.counts.rows + out.counts.skipped + out.counts.damaged + out.counts.unknown);
}

TEST(Dispatcher, ReadsABareRecordAndKeepsItAsFound) {
  Dispatched out;
  Dispatch(Audit("1") + "\n" + Audit("2") + "\n", out);
  ASSERT_EQ(out.rows.count(), 2U);
  EXPECT_EQ(out.Row(0)[Text::kSource], "k8s_audit");
  EXPECT_EQ(out.Row(0)[Text::kUserName], "alice");
  EXPECT_EQ(out.Raw(1), Audit("2"));
  EXPECT_EQ(out.rows.row(1).place.offset, Audit("1").size() + 1);
}

// Every envelope that an EKS audit event arrives in: the record inside comes out whole.
TEST(Dispatcher, TakesOffEveryEnvelope) {
  const std::string audit = Audit("1");
  const std::string message = Quoted(audit);
  const std::string envelopes[] = {
      R"({"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[)" + audit + "]}",
      "[" + audit + "]",
      "[" + message + "]",
      // filter-log-events, get-log-events
      R"({"events":[{"logStreamName":"kube-apiserver-audit-0","timestamp":1795556401000,"message":)" +
          message + R"(,"ingestionTime":1,"eventId":"9"}],"searchedLogStreams":[]})",
      R"({"events":[{"timestamp":1795556401000,"message":)" + message +
          R"(,"ingestionTime":1}],"nextForwardToken":"f"})",
      // a subscription's payload
      R"({"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"/aws/eks/prod/cluster",)"
      R"("logStream":"kube-apiserver-audit-0","logEvents":[{"id":"3","timestamp":1795556401000,"message":)" +
          message + "}]}",
      // Insights
      R"({"results":[[{"field":"@timestamp","value":"2026-11-24 21:40:01.661"},{"field":"@message","value":)" +
          message + R"(}]],"status":"Complete"})",
      // Fluent Bit, Vector
      R"({"date":1.5,"log":)" + message + R"(,"kubernetes":{"pod_name":"p"}})",
      R"({"message":)" + message + R"(,"source_type":"file","timestamp":"2026-11-24T21:40:01Z"})",
      // SNS, SQS
      R"({"Type":"Notification","Message":)" + message + "}",
      R"({"messageId":"1","body":)" + message + "}",
      // AKS
      R"({"category":"kube-audit","time":"2026-11-24T21:40:01Z","properties":{"log":)" + message +
          "}}",
      // an export to S3, and `aws logs tail`
      "2026-11-24T21:40:01.000Z " + audit,
      "2026-11-24T21:40:01.782000+00:00 kube-apiserver-audit-0 " + audit,
  };
  for (const std::string& envelope : envelopes) {
    Dispatched out;
    Dispatch(envelope, out);
    ASSERT_EQ(out.rows.count(), 1U) << envelope;
    EXPECT_EQ(out.Row(0)[Text::kSource], "k8s_audit") << envelope;
    EXPECT_EQ(out.Raw(0), audit) << envelope;
    EXPECT_EQ(out.counts.records, 1U) << envelope;
    EXPECT_TRUE(out.diagnostics.Sorted().empty()) << envelope;
  }
}

TEST(Dispatcher, ReadsInsightsAsCsv) {
  std::string doubled;
  for (const char c : Audit("1")) doubled += c == '"' ? std::string("\"\"") : std::string(1, c);
  Dispatched out;
  Dispatch("@timestamp,@message,@logStream\n2022-03-25 07:26:55.661,\"" + doubled + "\",s\n", out);
  ASSERT_EQ(out.rows.count(), 1U);
  EXPECT_EQ(out.Raw(0), Audit("1"));
  EXPECT_EQ(out.Row(0)[Text::kUserName], "alice");
}

TEST(Dispatcher, LearnsFromTheEnvelope) {
  Dispatched out;
  Dispatch(
      R"({"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"/aws/eks/prod/cluster",)"
      R"("logStream":"x","logEvents":[{"id":"3","timestamp":1700000000123,"message":"hello"}]})",
      out);
  ASSERT_EQ(out.rows.count(), 1U);
  EXPECT_EQ(out.Row(0)[Text::kSource], "log_line");
  EXPECT_EQ(out.Row(0)[Text::kAccountId], "123456789012");
  EXPECT_EQ(out.Row(0)[Text::kCluster], "prod");
  EXPECT_EQ(out.Row(0)[Text::kMessage], "hello");
  EXPECT_EQ(out.Row(0).time, (Timestamp{1700000000, 123000000}));
}

TEST(Dispatcher, SkipsControlMessages) {
  Dispatched out;
  Dispatch(
      R"({"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"",)"
      R"("logEvents":[{"id":"","timestamp":1700000000123,"message":"CWL CONTROL MESSAGE: Checking health"}]})",
      out);
  EXPECT_EQ(out.rows.count(), 0U);
  EXPECT_EQ(out.counts.skipped, 1U);
}

TEST(Dispatcher, MendsWhatCloudWatchCut) {
  const std::string cut = Audit("1").substr(0, 330) + "[Truncated...]";
  Dispatched out;
  Dispatch(Audit("0") + "\n" + cut + "\n" + Audit("2") + "\n", out);
  ASSERT_EQ(out.rows.count(), 3U);
  EXPECT_EQ(out.Row(1)[Text::kUserName], "alice");
  EXPECT_EQ(out.Row(1)[Text::kAction], "list");
  EXPECT_NE(out.Row(1)[Text::kTags].find("truncated"), std::string::npos);
  EXPECT_EQ(out.Raw(1), cut);
  EXPECT_EQ(out.diagnostics.Count(DiagnosticCode::kLogRecordTruncated), 1U);
}

TEST(Dispatcher, MendsBytesThatAreNotUtf8) {
  std::string bad = Audit("1");
  bad.replace(bad.find("alice"), 5,
              "al\xff"
              "ce");
  Dispatched out;
  Dispatch(Audit("0") + "\n" + bad, out);
  ASSERT_EQ(out.rows.count(), 2U);
  EXPECT_EQ(out.Raw(1), bad);
  EXPECT_EQ(out.diagnostics.Count(DiagnosticCode::kLogRecordMended), 1U);
}

TEST(Dispatcher, SaysWhenATimeCannotBe) {
  std::string year_0 = Audit("1");
  std::string far = Audit("2");
  for (size_t at; (at = year_0.find("2026")) != std::string::npos;) year_0.replace(at, 4, "0000");
  Dispatched out;
  Dispatch(year_0 + "\n" + far, out);
  ASSERT_EQ(out.rows.count(), 2U);
  EXPECT_EQ(out.diagnostics.Count(DiagnosticCode::kLogTimeOutOfRange), 1U);
  Dispatched skewed;
  Dispatch(
      R"({"events":[{"timestamp":1700000000000,"eventId":"1","message":)" + Quoted(far) + "}]}",
      skewed);
  EXPECT_EQ(skewed.diagnostics.Count(DiagnosticCode::kLogTimeUnlikely), 1U);
  EXPECT_NE(skewed.Row(0)[Text::kTags].find("clock_skew"), std::string::npos);
}

TEST(Dispatcher, OpensAnEnvelopeBehindATextFormat) {
  Dispatched out;
  Dispatch(
      "I1124 21:40:01.782909       1 flags.go:59] FLAG: --x=\"y\"\n"
      R"({"Type":"Notification","Message":)" +
          Quoted(Audit("1")) + "}\n",
      out);
  ASSERT_EQ(out.rows.count(), 2U);
  EXPECT_EQ(out.Row(0)[Text::kSource], "klog");
  EXPECT_EQ(out.Row(1)[Text::kSource], "k8s_audit");
}

TEST(Dispatcher, CountsWhatItCannotRead) {
  Dispatched out;
  Dispatch(Audit("0") + "\n{\"what\":\"is this\"}\n", out);
  EXPECT_EQ(out.rows.count(), 1U);
  EXPECT_EQ(out.counts.unknown, 1U);
  EXPECT_EQ(out.diagnostics.Count(DiagnosticCode::kLogRecordUnknown), 1U);
}

TEST(Dispatcher, EndsAtTooManyEnvelopes) {
  // Each layer is one more SNS message.
  const auto wrap = [](int layers) {
    std::string text = Audit("1");
    for (int i = 0; i < layers; ++i)
      text = R"({"Type":"Notification","Message":)" + Quoted(text) + "}";
    return text;
  };
  Dispatched out;
  Dispatch(wrap(limits::kMaxEnvelopeDepth), out);
  EXPECT_EQ(out.rows.count(), 1U);
  Dispatched too_deep;
  Dispatch(wrap(limits::kMaxEnvelopeDepth + 1), too_deep);
  EXPECT_EQ(too_deep.rows.count(), 0U);
  EXPECT_EQ(too_deep.counts.unknown, 1U);
}

TEST(Dispatcher, SurvivesEveryBeginningAndEveryChange) {
  const std::string text =
      R"({"events":[{"logStreamName":"s","timestamp":1700000000000,"message":)" +
      Quoted(Audit("1")) + R"(,"eventId":"9"}]})";
  for (size_t i = 0; i < text.size(); ++i) {
    Dispatched cut;
    Dispatch(text.substr(0, i), cut);
    for (const char flip : {'\x01', '\x80'}) {
      std::string changed = text;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      Dispatched out;
      Dispatch(changed, out);
    }
  }
}

// A batch of one record, of a stream that the caller keeps.
RecordBatch OneRecord(const std::shared_ptr<const Stream>& stream, std::string_view record) {
  RecordBatch batch;
  batch.streams.push_back(stream);
  batch.bytes = std::string(record) + std::string(kRecordPadding, '\0');
  batch.parts.push_back({0, record.size(), 0, 0});
  return batch;
}

// Streams come and go, and a new one may lie where another lay: what an envelope added to the other
// must not be found again.
TEST(Dispatcher, ForgetsWhatEnvelopesAddedToTheStreamsOfOtherBatches) {
  Dispatched out;
  Dispatcher dispatcher(out.diagnostics);
  const auto stream = std::make_shared<Stream>(Stream{.evidence = "first"});
  stream->defaults[Text::kPod] = "first-pod";
  const std::string line = R"({"logStreamName":"s","timestamp":1795556401000,"message":"hello"})";
  dispatcher.Read(OneRecord(stream, line), 0, "first", out.rows);
  stream->evidence = "second";
  stream->defaults[Text::kPod] = "second-pod";
  dispatcher.Read(OneRecord(stream, line), 0, "second", out.rows);
  ASSERT_EQ(out.rows.count(), 2U);
  EXPECT_EQ(out.Row(0)[Text::kPod], "first-pod");
  EXPECT_EQ(out.Row(1)[Text::kPod], "second-pod");
}

bool IsRecognized(std::string_view text) {
  DiagnosticSink diagnostics;
  MemoryInput input(text);
  RecordReader reader(input, Stream{.evidence = "test"}, diagnostics);
  RecordBatch batch;
  const Result<bool> more = reader.Next(batch);
  return more && *more && Dispatcher(diagnostics).Recognizes(batch);
}

TEST(Dispatcher, RecognizesFilesByTheirRecordsNotByWhatIsLeftOut) {
  EXPECT_TRUE(IsRecognized("no log\n" + Audit("1") + "\n"));
  EXPECT_TRUE(IsRecognized("CWL CONTROL MESSAGE: Checking health of destination\n"));
  EXPECT_FALSE(IsRecognized("A text.\n\n  \nIt has blank lines, which are left out.\n"));
  EXPECT_FALSE(IsRecognized("[]\n \n[not json\n"));
}

// What the columns are only the format of the header can know: these lines are nothing by
// themselves, or look like another format's.
TEST(Dispatcher, AsksTheFormatOfTheHeaderFirst) {
  Dispatched flows;
  Dispatch("srcaddr dstaddr action\n10.0.0.5 203.0.113.7 REJECT\n", flows);
  ASSERT_EQ(flows.rows.count(), 1U);
  EXPECT_EQ(flows.Row(0)[Text::kSource], "vpc_flow");
  EXPECT_EQ(flows.Row(0)[Text::kDestinationIp], "203.0.113.7");
  Dispatched rows;
  Dispatch(
      "datetime,timestamp_desc,message\n"
      "2026-11-24T21:39:08Z,Event Time,Nov 24 21:39:08 node sshd[7]: hello\n",
      rows);
  ASSERT_EQ(rows.rows.count(), 1U);
  EXPECT_EQ(rows.Row(0)[Text::kMessage], "Nov 24 21:39:08 node sshd[7]: hello");
  EXPECT_EQ(rows.counts.unknown + rows.counts.damaged, 0U);
}

// AWS writes 1970 where it knows no time.
TEST(Dispatcher, TakesTheBeginningOf1970ForNoTime) {
  Dispatched out;
  Dispatch(
      R"({"detail-type":"Scheduled Event","time":"1970-01-01T00:00:00Z","region":"eu-west-1","detail":{"a":1}})",
      out);
  ASSERT_EQ(out.rows.count(), 1U);
  EXPECT_EQ(out.Row(0)[Text::kSource], "eventbridge");
  EXPECT_FALSE(out.rows.row(0).time);
  EXPECT_EQ(out.Row(0)[Text::kTimeKind], "");
}

std::vector<std::string> Identities(const std::string& text, Stream stream) {
  Dispatched out;
  Dispatch(text, out, std::move(stream));
  std::vector<std::string> identities;
  for (size_t i = 0; i < out.rows.count(); ++i)
    identities.emplace_back(out.rows.identity(out.rows.row(i)));
  return identities;
}

// Lines without an identity of their own are known again by what is before them, their place and
// their bytes, wherever the file was found; not when anything of it differs.
TEST(Dispatcher, KnowsRecordsWithoutIdentityAgain) {
  const std::string lines =
      "2026-11-24 21:39:08 one\n2026-11-24 21:39:09 two\n2026-11-24 21:39:09 two\n";
  const std::vector<std::string> found = Identities(lines, {.evidence = "a.log", .path = "a.log"});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_FALSE(found[0].empty());
  EXPECT_NE(found[1], found[2]);
  EXPECT_EQ(Identities(lines, {.evidence = "x.tar!b.gz", .path = "b.gz"}), found);
  Stream of_pod{.evidence = "a.log"};
  of_pod.defaults[Text::kPodUid] = "u";
  EXPECT_NE(Identities(lines, of_pod)[0], found[0]);
  std::string changed = lines;
  changed[21] = 'O';
  EXPECT_NE(Identities(changed, {.evidence = "a.log"})[1], found[1]);
  // A file that grew is known up to where it ended, once its beginning is all there.
  const std::string beginning = "2026-11-24 21:39:07 " + std::string(70000, 'x') + "\n";
  const std::vector<std::string> before = Identities(beginning + lines, {.evidence = "a"});
  const std::vector<std::string> after =
      Identities(beginning + lines + "2026-11-24 21:39:10 three\n", {.evidence = "a"});
  ASSERT_EQ(after.size(), 5U);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), after.begin()));
  std::string forged = beginning + lines;
  forged.replace(forged.find("one"), 3, "won");
  EXPECT_NE(Identities(forged, {.evidence = "a"})[1], before[1]);
}

}  // namespace
}  // namespace ekshume::log
