// SPDX-License-Identifier: Apache-2.0
#include "log/klog/reader.h"

#include "log/klog/header.h"
#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::klog {
namespace {

using namespace ekshume::log::testing;

// An EKS controller manager's of 2021 (cado-security/cloudgrep, Apache-2.0), and kubelets'.
constexpr std::string_view kFlag =
    R"(I0710 20:27:23.782909       1 flags.go:59] FLAG: --add-dir-header="false")";
constexpr std::string_view kKilling =
    R"(I1119 22:48:13.914655 1675 kuberuntime_container.go:808] "Killing container with a grace period" pod="kube-system/kube-dns-58f547fd74-swzzt" podUID="34a3f9e5-4363-47a9-8bd9-3b37c60d107b" containerName="sidecar" containerID="containerd://5e0d5f0eab7a1ee243894fe769d690840243de4d53f5cb139094c395d8186881" gracePeriod=30)";

Timestamp At(std::string_view text) { return *ParseTimestamp(text); }

Event ParseOne(std::string_view record, std::string_view carrier_time = "2021-12-01T00:00:00Z") {
  Parsed parsed;
  Parse(KlogFormat(), record, parsed, {}, At(carrier_time));
  EXPECT_EQ(parsed.outcome, Outcome::kEvents) << record;
  EXPECT_EQ(parsed.events.size(), 1U) << record;
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
  return parsed.events.empty() ? Event() : parsed.events.front();
}

TEST(Klog, ReadsAFlag) {
  EXPECT_EQ(Row(ParseOne(kFlag)), R"(time=2021-07-10T20:27:23.782909000Z
time_kind=Event Time
action=flag
object_kind=flag
object_name=add-dir-header
severity=info
message=started with --add-dir-header="false"
tags=source=flags.go:59
pid=1
)");
}

TEST(Klog, ReadsFieldsOfTheKubelet) {
  EXPECT_EQ(Row(ParseOne(kKilling)), R"(time=2021-11-19T22:48:13.914655000Z
time_kind=Event Time
namespace=kube-system
pod=kube-dns-58f547fd74-swzzt
pod_uid=34a3f9e5-4363-47a9-8bd9-3b37c60d107b
container=sidecar
container_id=5e0d5f0eab7a1ee243894fe769d690840243de4d53f5cb139094c395d8186881
severity=info
message="Killing container with a grace period" pod="kube-system/kube-dns-58f547fd74-swzzt" podUID="34a3f9e5-4363-47a9-8bd9-3b37c60d107b" containerName="sidecar" containerID="containerd://5e0d5f0eab7a1ee243894fe769d690840243de4d53f5cb139094c395d8186881" gracePeriod=30
tags=source=kuberuntime_container.go:808
pid=1675
)");
}

TEST(Klog, ReadsOldSentencesOfTheKubelet) {
  const Event event = ParseOne(
      R"-(I1124 21:40:33.000001     700 kubelet.go:1917] SyncLoop (ADD, "api"): "webshop-588f958f47-hbzmh_shop(b425c733-eff6-4f9e-aff7-0febc1222d84)")-");
  EXPECT_EQ(event[Text::kPod], "webshop-588f958f47-hbzmh");
  EXPECT_EQ(event[Text::kNamespace], "shop");
  EXPECT_EQ(event[Text::kPodUid], "b425c733-eff6-4f9e-aff7-0febc1222d84");
  EXPECT_EQ(event[Number::kPid], 700);
}

// A kubelet's of Kubernetes 1.20.
TEST(Klog, FindsPodsAndContainersInOldSentences) {
  const Event volume = ParseOne(
      R"-(I1124 21:40:29.696410   22207 reconciler.go:224] operationExecutor.VerifyControllerAttachedVolume started for volume "default-token-fvql9" (UniqueName: "kubernetes.io/secret/cb3b55f5-cbc8-4f39-bd58-6faea476c0bc-default-token-fvql9") pod "recon" (UID: "cb3b55f5-cbc8-4f39-bd58-6faea476c0bc") )-");
  EXPECT_EQ(volume[Text::kPod], "recon");
  EXPECT_EQ(volume[Text::kPodUid], "cb3b55f5-cbc8-4f39-bd58-6faea476c0bc");
  const Event cgroup = ParseOne(
      R"-(W1124 21:40:30.220908   22207 manager.go:949] Error getting perf_event cgroup path: "could not find path for resource \"perf_event\" for container \"/kubepods/besteffort/podcb3b55f5-cbc8-4f39-bd58-6faea476c0bc/fb12ce8930cead1efb96115714d50ba5675c23989d12906bf8b020180aedbef8\"")-");
  EXPECT_EQ(cgroup[Text::kPodUid], "cb3b55f5-cbc8-4f39-bd58-6faea476c0bc");
  EXPECT_EQ(cgroup[Text::kContainerId],
            "fb12ce8930cead1efb96115714d50ba5675c23989d12906bf8b020180aedbef8");
}

TEST(Klog, ReadsRequestsOfTheApiServer) {
  const Event event = ParseOne(
      R"(I1124 21:40:33.000001       1 httplog.go:132] "HTTP" verb="LIST" URI="/api/v1/secrets?limit=500" latency="1.2ms" userAgent="kubectl/v1.29" audit-ID="ab-1" srcIP="[2001:db8::1]:4444" apf_pl="x" resp=403)");
  EXPECT_EQ(Row(event), R"(time=2021-11-24T21:40:33.000001000Z
time_kind=Event Time
source_ip=2001:db8::1
user_agent=kubectl/v1.29
action=list
object_kind=url
object_name=/api/v1/secrets
outcome=failure
severity=info
record_id=ab-1
message="HTTP" verb="LIST" URI="/api/v1/secrets?limit=500" latency="1.2ms" userAgent="kubectl/v1.29" audit-ID="ab-1" srcIP="[2001:db8::1]:4444" apf_pl="x" resp=403
tags=source=httplog.go:132
source_port=4444
status_code=403
pid=1
)");
}

TEST(Klog, ReadsValuesOfEveryForm) {
  const std::string id(64, 'a');
  const Event event = ParseOne(
      R"(E1124 21:40:33.000001       1 x.go:1] "Error \"a\"" err="b \"c\"\n" containerID={Type:containerd ID:)" +
      id +
      R"(} object="x" list=["a b", "c]"] node="n1" text=<)"
      "\n\tone\n\ttwo\n >"
      R"( pods=["shop/web"])");
  EXPECT_EQ(event[Text::kSeverity], "error");
  EXPECT_EQ(event[Text::kError], "b \"c\"\n");
  EXPECT_EQ(event[Text::kContainerId], id);
  EXPECT_EQ(event[Text::kNode], "n1");
  EXPECT_EQ(event[Text::kPod], "web");
}

TEST(Klog, NamesTheProgramOfAnEksStream) {
  Parsed parsed;
  Stream stream;
  stream.log_stream = "kube-scheduler-0123456789abcdef0123456789abcdef";
  stream.written = At("2021-08-01T00:00:00Z");
  Parse(KlogFormat(), kFlag, parsed, stream);
  ASSERT_EQ(parsed.events.size(), 1U);
  EXPECT_EQ(parsed.events[0][Text::kProcess], "kube-scheduler");
  EXPECT_EQ(FormatTimestamp(*parsed.events[0].time), "2021-07-10T20:27:23.782909000Z");
}

TEST(Klog, FindsTheYear) {
  std::string_view line = kFlag;
  Header header = *TakeHeader(line);
  EXPECT_EQ(line, R"(FLAG: --add-dir-header="false")");
  const auto year = [&](const char* text) {
    return FormatTimestamp(*MomentOfHeader(header, std::nullopt, At(text))).substr(0, 4);
  };
  EXPECT_EQ(year("2021-07-10T21:00:00Z"), "2021");
  EXPECT_EQ(year("2021-07-10T01:00:00Z"), "2021");  // a day's grace
  EXPECT_EQ(year("2021-07-09T01:00:00Z"), "2020");  // the end of the file is before it
  EXPECT_EQ(year("2021-12-31T23:00:00Z"), "2021");
  header.month = 12;
  header.day = 31;
  EXPECT_EQ(FormatTimestamp(*MomentOfHeader(header, At("2022-01-01T00:00:05Z"), std::nullopt)),
            "2021-12-31T20:27:23.782909000Z");
  header.month = 1;
  header.day = 1;
  EXPECT_EQ(FormatTimestamp(*MomentOfHeader(header, At("2021-12-31T23:59:59Z"), std::nullopt)),
            "2022-01-01T20:27:23.782909000Z");
  header.month = 2;
  header.day = 29;
  EXPECT_EQ(FormatTimestamp(*MomentOfHeader(header, At("2023-03-01T00:00:00Z"), std::nullopt)),
            "2024-02-29T20:27:23.782909000Z");
  EXPECT_EQ(FormatTimestamp(*MomentOfHeader(header, std::nullopt, At("2023-03-01T00:00:00Z"))),
            "2020-02-29T20:27:23.782909000Z");
  EXPECT_FALSE(MomentOfHeader(header, std::nullopt, std::nullopt));
  for (const int64_t seconds : {INT64_MAX, INT64_MIN, int64_t{0}}) {
    MomentOfHeader(header, Timestamp{seconds, 0}, std::nullopt);
    MomentOfHeader(header, std::nullopt, Timestamp{seconds, 0});
  }
}

TEST(Klog, KnowsItsLinesAndWhatContinuesThem) {
  EXPECT_EQ(KlogFormat().Sniff(kFlag), Match::kYes);
  for (const std::string_view other :
       {"I0710 20:27:23.782909       1 flags.go59] x", "I1310 20:27:23.782909 1 a.go:1] x",
        "X0710 20:27:23.782909       1 flags.go:59] x", "Insufficient memory on node 1234567890",
        "2016-10-06T00:17:09.669794202Z stdout F x", ""}) {
    EXPECT_EQ(KlogFormat().Sniff(other), Match::kNo) << other;
    Parsed parsed;
    Parse(KlogFormat(), other, parsed);
    EXPECT_EQ(parsed.outcome, Outcome::kNotMine) << other;
  }
  EXPECT_TRUE(KlogFormat().Continues(kFlag, "goroutine 1 [running]:"));
  EXPECT_FALSE(KlogFormat().Continues(kFlag, kFlag));
  EXPECT_FALSE(KlogFormat().Continues(kFlag, R"({"kind":"Event"})"));
}

TEST(Klog, SurvivesEveryDamage) { ParseEveryDamage(KlogFormat(), kKilling); }

TEST(Klog, ReadsTheHeadsOfARealExport) {
  // The lines of an export of CloudWatch Logs, without the time before each.
  const std::optional<std::string> file = SharedLog("cloudgrep/tests/data/000000");
  if (!file) GTEST_SKIP() << kNoSharedLogs;
  Parsed parsed;
  size_t flags = 0;
  for (std::string_view rest = *file; !rest.empty();) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.size() < 25 || line[23] != 'Z') continue;
    const std::string_view carrier_time = line.substr(0, 24);
    line.remove_prefix(25);
    Parse(KlogFormat(), line, parsed, {}, At(carrier_time));
    if (line.starts_with("Log file created")) {
      EXPECT_EQ(parsed.outcome, Outcome::kNotMine) << line;
      continue;
    }
    ASSERT_EQ(parsed.outcome, Outcome::kEvents) << line;
    EXPECT_EQ(FormatTimestamp(*parsed.events.back().time).substr(0, 16), "2021-07-10T20:27");
    if (parsed.events.back()[Text::kAction] == "flag") ++flags;
  }
  EXPECT_EQ(flags, 151U);
  EXPECT_EQ(parsed.events.size(), 162U);
}

}  // namespace
}  // namespace ekshume::log::klog
