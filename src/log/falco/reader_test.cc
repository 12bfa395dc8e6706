// SPDX-License-Identifier: Apache-2.0
#include "log/falco/reader.h"

#include "log/json.h"
#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::falco {
namespace {

using namespace ekshume::log::testing;

// The shapes of Falco 0.33's own rules.
constexpr std::string_view kJson =
    R"-({"hostname":"ip-10-0-1-23","output":"21:13:17.122332045: Notice A shell was spawned in a container with an attached terminal (user=root)","priority":"Notice","rule":"Terminal shell in container","source":"syscall","tags":["container","mitre_execution"],"time":"2022-12-01T21:13:17.122332045Z","output_fields":{"container.id":"3ad7b26ded6d","container.image.repository":"registry.test/web","container.image.tag":"1.0","container.name":null,"evt.time":1669929197122332045,"fd.name":"/etc/shadow","k8s.ns.name":"shop","k8s.pod.name":"web-1","proc.cmdline":"sh -c ls","proc.exepath":"/bin/dash","proc.name":"sh","proc.pid":4242,"proc.pname":"runc","user.name":"root"}})-";
constexpr std::string_view kText =
    R"-(12:18:18.691725165: Notice A shell was spawned in a container with an attached terminal (user=root user_loginuid=-1 k8s_ns=shop k8s_pod_name=web-1 container_id=3ad7b26ded6d command=sh -c id -u container_image=<NA>))-";

Event ParseOne(std::string_view record, std::string_view written = "2024-01-02T13:00:00Z") {
  Parsed parsed;
  Stream stream;
  stream.written = ParseTimestamp(written);
  Parse(FalcoFormat(), record, parsed, stream);
  EXPECT_EQ(parsed.outcome, Outcome::kEvents) << record;
  EXPECT_EQ(parsed.events.size(), 1U) << record;
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
  return parsed.events.empty() ? Event() : parsed.events.front();
}

TEST(Falco, ReadsJson) {
  EXPECT_EQ(Row(ParseOne(kJson)), R"(time=2022-12-01T21:13:17.122332045Z
time_kind=Event Time
node=ip-10-0-1-23
namespace=shop
pod=web-1
container_id=3ad7b26ded6d
image=registry.test/web:1.0
user_name=root
action=Terminal shell in container
severity=low
process=/bin/dash
command_line=sh -c ls
path=/etc/shadow
message=A shell was spawned in a container with an attached terminal (user=root)
tags=falco=container falco=mitre_execution parent=runc
pid=4242
)");
}

TEST(Falco, ReadsText) {
  EXPECT_EQ(Row(ParseOne(kText)), R"(time=2024-01-02T12:18:18.691725165Z
time_kind=Event Time
namespace=shop
pod=web-1
container_id=3ad7b26ded6d
user_name=root
action=A shell was spawned in a container with an attached terminal
severity=low
command_line=sh -c id -u
message=A shell was spawned in a container with an attached terminal (user=root user_loginuid=-1 k8s_ns=shop k8s_pod_name=web-1 container_id=3ad7b26ded6d command=sh -c id -u container_image=<NA>)
)");
}

TEST(Falco, TakesTheDayFromTheFile) {
  const auto time = [](std::string_view written) {
    return FormatTimestamp(*ParseOne(kText, written).time).substr(0, 10);
  };
  EXPECT_EQ(time("2024-01-02T13:00:00Z"), "2024-01-02");
  EXPECT_EQ(time("2024-01-02T12:18:00Z"), "2024-01-02");  // an hour's grace
  EXPECT_EQ(time("2024-01-02T01:00:00Z"), "2024-01-01");
  Parsed parsed;
  Parse(FalcoFormat(), kText, parsed);
  ASSERT_EQ(parsed.events.size(), 1U);
  EXPECT_FALSE(parsed.events[0].time);
}

TEST(Falco, ReadsIsoTimesAndBars) {
  const Event event = ParseOne(
      "2024-05-06T07:08:09.000000001+0000: Critical Detected crypto miner | user=nobody "
      "proc_exepath=/tmp/xmrig command=xmrig -o pool connection=10.0.0.1:4->192.0.2.1:443");
  EXPECT_EQ(Row(event), R"(time=2024-05-06T07:08:09.000000001Z
time_kind=Event Time
user_name=nobody
source_ip=10.0.0.1
destination_ip=192.0.2.1
action=Detected crypto miner
severity=critical
process=/tmp/xmrig
command_line=xmrig -o pool
message=Detected crypto miner | user=nobody proc_exepath=/tmp/xmrig command=xmrig -o pool connection=10.0.0.1:4->192.0.2.1:443
source_port=4
destination_port=443
)");
}

TEST(Falco, ReadsThePluginsFields) {
  const Event event = ParseOne(
      R"({"output":"x","priority":"Warning","rule":"Attach/Exec Pod","source":"k8s_audit","time":"2024-05-06T07:08:09Z","output_fields":{"ka.user.name":"eve","ka.target.name":"web","ka.target.namespace":"shop","ka.target.resource":"pods","ka.auditid":"a-1"}})");
  EXPECT_EQ(event[Text::kUserName], "eve");
  EXPECT_EQ(event[Text::kObjectKind], "pods");
  EXPECT_EQ(event[Text::kRecordId], "a-1");
  EXPECT_EQ(event[Text::kSeverity], "medium");
}

TEST(Falco, KnowsItsRecords) {
  EXPECT_EQ(FalcoFormat().Sniff(kJson), Match::kYes);
  EXPECT_EQ(FalcoFormat().Sniff(kText), Match::kYes);
  for (const std::string_view other :
       {"12:18:18.691725165: hello", "12:18:18.691725165: Notice", "2024: Notice",
        R"({"rule":"x","priority":"y"})", "", "12:00: Great day"}) {
    EXPECT_EQ(FalcoFormat().Sniff(other), Match::kNo) << other;
    Parsed parsed;
    Parse(FalcoFormat(), other, parsed);
    EXPECT_EQ(parsed.outcome, Outcome::kNotMine) << other;
  }
}

TEST(Falco, SurvivesEveryDamage) {
  ParseEveryDamage(FalcoFormat(), kJson);
  Stream stream;
  stream.written = Timestamp{1'700'000'000, 0};
  ParseEveryDamage(FalcoFormat(), kText, stream);
}

}  // namespace
}  // namespace ekshume::log::falco
