// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>

#include "log/format.h"
#include "log/test_support.h"

namespace ekshume::log {
namespace {

struct Sample {
  std::string_view format;
  std::string_view record;
  std::string_view header = {};
};

constexpr Sample kSamples[] = {
    {"k8s_audit",
     R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a-1","stage":"ResponseComplete","requestURI":"/api/v1/secrets","verb":"list","user":{"username":"alice"},"objectRef":{"resource":"secrets"},"requestReceivedTimestamp":"2026-11-24T21:40:00.000000Z"})"},
    {"authenticator",
     R"(time="2026-11-24T21:39:08Z" level=info msg="access granted" arn="arn:aws:iam::123456789012:role/x" client="127.0.0.1:40000" groups="[]" method=POST path=/authenticate uid="aws-iam-authenticator:123456789012:AROAX" username="system:node:ip-10-0-0-1")"},
    {"cri", "2016-10-06T00:17:09.669794202Z stdout F 2026-11-24 21:39:08 hello, a, b"},
    {"docker_json",
     R"({"log":"hello\n","stream":"stdout","time":"2019-04-01T17:58:33.598656444Z"})"},
    {"klog", "I0710 20:27:23.782909       1 flags.go:59] FLAG: --add-dir-header=\"false\""},
    {"runtime_log",
     R"-(time="2026-11-24T21:40:21Z" level=info msg="StartContainer for \"505e\" returns successfully")-"},
    {"falco",
     "12:18:18.691725165: Notice A shell was spawned (user=root command=sh -c id container=a)"},
    {"falco",
     R"({"output":"x","priority":"Notice","rule":"Terminal shell in container","source":"syscall","time":"2022-12-01T21:13:17Z","output_fields":{}})"},
    {"tetragon",
     R"({"process_exec":{"process":{"pid":7,"binary":"/bin/id"}},"node_name":"n","time":"2023-10-06T22:03:57Z"})"},
    {"k8s_event",
     R"({"apiVersion":"v1","kind":"Event","involvedObject":{"kind":"Pod","name":"web"},"reason":"Pulled","message":"m","type":"Normal"})"},
    {"k8s_object",
     R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop","creationTimestamp":"2026-11-24T21:39:08Z","uid":"u-1"}})"},
    {"cloudtrail",
     R"({"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"alice"},"eventTime":"2026-11-24T21:39:08Z","eventSource":"guardduty.amazonaws.com","eventName":"ListFindings","requestParameters":{"detectorArn":"arn:aws:guardduty:eu-central-1:123456789012:detector/d/finding/f","resource":"x"},"eventID":"e-1"})"},
    {"cloudtrail_digest",
     R"({"awsAccountId":"123456789012","digestStartTime":"2026-11-24T20:00:00Z","digestEndTime":"2026-11-24T21:00:00Z","digestS3Bucket":"b","digestS3Object":"o.json.gz","logFiles":[]})"},
    {"guardduty",
     R"({"schemaVersion":"2.0","accountId":"123456789012","id":"f1","arn":"arn:aws:guardduty:eu-central-1:123456789012:detector/d/finding/f1","type":"Execution:Runtime/ReverseShell","resource":{"resourceType":"EKSCluster"},"severity":8})"},
    {"resolver",
     R"({"version":"1.100000","query_timestamp":"2026-11-24T21:39:08Z","query_name":"pool.example.","query_type":"A","rcode":"NOERROR","answers":[],"srcaddr":"10.0.0.5"})"},
    {"s3_access",
     "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be b [06/Feb/2019:00:00:38 "
     "+0000] 192.0.2.3 - ID REST.GET.OBJECT k \"GET /b/k HTTP/1.1\" 200 - 113 - 7 - \"-\" \"a\" -"},
    {"web_access",
     "203.0.113.7 - - [06/Feb/2019:00:00:38 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"a, b\""},
    {"vpc_flow",
     "2 123456789012 eni-1 10.0.0.5 203.0.113.7 40000 443 6 20 4249 1418530010 1418530070 ACCEPT "
     "OK"},
    {"auditd",
     "type=SYSCALL msg=audit(1723044684.257:15795): arch=c000003e syscall=59 success=yes pid=1"},
    {"syslog", "Nov 24 21:39:08 node sshd[7]: Accepted password for a from 10.0.0.1 port 1 ssh2"},
    {"syslog",
     "2026-11-24T21:39:08.123+00:00 ip-10-0-0-1 kubelet[9]: I1124 21:39:08.1 9 x.go:7] a, b, c"},
    {"generic", "2026-11-24 21:39:08,250 INFO started, with, commas"},
    {"generic", "2026-11-24T21:39:08Z INFO main: started"},
    {"timesketch", R"({"message":"m","datetime":"2026-11-24T21:39:08Z","timestamp_desc":"x"})"},
    {"timesketch", "m,2026-11-24T21:39:08Z,x", "message,datetime,timestamp_desc"},
};

TEST(Formats, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (const Format* format : Formats()) {
    EXPECT_TRUE(names.insert(format->name()).second) << format->name();
    EXPECT_FALSE(format->description().empty());
    EXPECT_EQ(FindFormat(format->name()), format);
  }
  EXPECT_EQ(FindFormat("no such format"), nullptr);
}

TEST(Formats, HaveASampleHere) {
  std::set<std::string_view> with_sample;
  for (const Sample& sample : kSamples) with_sample.insert(sample.format);
  for (const Format* format : Formats()) {
    EXPECT_TRUE(with_sample.contains(format->name())) << format->name();
  }
}

// The first of those that are most certain reads the record.
TEST(Formats, AreToldApartByContent) {
  for (const Sample& sample : kSamples) {
    const Format* best = nullptr;
    Match best_match = Match::kNo;
    for (const Format* format : Formats()) {
      const Match match = format->Sniff(sample.record);
      if (match == Match::kYes) {
        EXPECT_EQ(format->name(), sample.format) << sample.record;
      }
      if (match > best_match) {
        best = format;
        best_match = match;
      }
    }
    ASSERT_NE(best, nullptr) << sample.record;
    EXPECT_EQ(best->name(), sample.format) << sample.record;
  }
}

// Readers ask the format of the record before first, so each must know what is not its own, and
// must not call it damaged.
TEST(Formats, LeaveTheRecordsOfOthersAlone) {
  for (const Sample& sample : kSamples) {
    Stream stream;
    stream.header = sample.header;
    stream.written = ParseTimestamp("2026-11-25T00:00:00Z");
    for (const Format* format : Formats()) {
      testing::Parsed parsed;
      testing::Parse(*format, sample.record, parsed, stream);
      if (format->name() == sample.format) {
        EXPECT_EQ(parsed.outcome, Outcome::kEvents) << format->name() << ": " << sample.record;
        EXPECT_EQ(parsed.events.size(), 1u) << format->name() << ": " << sample.record;
      } else if (format->Sniff(sample.record) != Match::kMaybe) {
        EXPECT_EQ(parsed.outcome, Outcome::kNotMine) << format->name() << ": " << sample.record;
      }
    }
  }
}

}  // namespace
}  // namespace ekshume::log
