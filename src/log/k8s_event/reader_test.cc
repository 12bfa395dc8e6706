// SPDX-License-Identifier: Apache-2.0
#include "log/k8s_event/reader.h"

#include "log/json.h"
#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::k8s_event {
namespace {

using namespace ekshume::log::testing;

// A laboratory cluster's, as `kubectl get events -o json` prints it.
constexpr std::string_view kPulled =
    R"({"apiVersion":"v1","count":1,"eventTime":null,"firstTimestamp":"2026-11-24T21:40:27Z","involvedObject":{"apiVersion":"v1","fieldPath":"spec.containers{c}","kind":"Pod","name":"node-health-checker","namespace":"kube-system","resourceVersion":"371","uid":"25f303f7-6bcf-48aa-ada0-dde522ef9e6b"},"kind":"Event","lastTimestamp":"2026-11-24T21:40:27Z","message":"Container image \"123456789012.dkr.ecr.us-east-1.amazonaws.com/acme/webshop:1.4.2\" already present on machine","metadata":{"creationTimestamp":"2026-11-24T21:40:27Z","name":"node-health-checker.18eb190ec9bfc000","namespace":"kube-system","resourceVersion":"374","uid":"492ffa1a-a25a-4660-a348-38dea89d5af8"},"reason":"Pulled","reportingComponent":"","reportingInstance":"","source":{"component":"kubelet","host":"ip-10-0-1-23.ec2.internal"},"type":"Normal"})";

Event ParseOne(std::string_view record) {
  Parsed parsed;
  Parse(KubernetesEventFormat(), record, parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kEvents) << record;
  EXPECT_EQ(parsed.events.size(), 1U) << record;
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
  return parsed.events.empty() ? Event() : parsed.events.front();
}

TEST(KubernetesEvent, ReadsAnEventOfAKubelet) {
  EXPECT_EQ(Row(ParseOne(kPulled)), R"(time=2026-11-24T21:40:27.000000000Z
identity=492ffa1a-a25a-4660-a348-38dea89d5af8/374
time_kind=Event Time
node=ip-10-0-1-23.ec2.internal
namespace=kube-system
pod=node-health-checker
pod_uid=25f303f7-6bcf-48aa-ada0-dde522ef9e6b
container=c
image=123456789012.dkr.ecr.us-east-1.amazonaws.com/acme/webshop:1.4.2
action=Pulled
object_kind=pods
object_name=node-health-checker
severity=info
process=kubelet
record_id=492ffa1a-a25a-4660-a348-38dea89d5af8
message=Pod kube-system/node-health-checker: Pulled: Container image "123456789012.dkr.ecr.us-east-1.amazonaws.com/acme/webshop:1.4.2" already present on machine
)");
}

TEST(KubernetesEvent, ReadsTheNewerApi) {
  EXPECT_EQ(
      Row(ParseOne(
          R"({"apiVersion":"events.k8s.io/v1","kind":"Event","metadata":{"name":"a.1","namespace":"shop","uid":"e-1","resourceVersion":"9"},)"
          R"("eventTime":"2026-11-24T21:40:20.000001Z","series":{"count":3,"lastObservedTime":"2026-11-24T21:41:20.000001Z"},)"
          R"("reason":"FailedScheduling","note":"0/1 nodes are available","type":"Warning","regarding":{"kind":"Pod","namespace":"shop","name":"web-1","uid":"u-1"},)"
          R"("reportingController":"default-scheduler","deprecatedCount":1})")),
      R"(time=2026-11-24T21:41:20.000001000Z
identity=e-1/9
time_kind=Event Time
namespace=shop
pod=web-1
pod_uid=u-1
action=FailedScheduling
object_kind=pods
object_name=web-1
severity=warning
process=default-scheduler
record_id=e-1
message=Pod shop/web-1: FailedScheduling: 0/1 nodes are available (3 times)
tags=count=3
duration_ns=60000000000
)");
}

TEST(KubernetesEvent, SaysOnWhichNodeAPodWasPlaced) {
  const Event event = ParseOne(
      R"({"involvedObject":{"kind":"Pod","namespace":"shop","name":"web"},"reason":"Scheduled","message":"Successfully assigned shop/web to ip-10-0-1-23","metadata":{"creationTimestamp":"2026-11-24T21:40:27Z"}})");
  EXPECT_EQ(event[Text::kNode], "ip-10-0-1-23");
  EXPECT_EQ(FormatTimestamp(*event.time), "2026-11-24T21:40:27.000000000Z");
  EXPECT_EQ(event.identity, "");
}

TEST(KubernetesEvent, NamesKindsAsTheApiDoes) {
  const auto kind = [](std::string_view name) {
    return ParseOne(R"({"involvedObject":{"kind":")" + std::string(name) +
                    R"(","name":"x"},"reason":"r"})")[Text::kObjectKind];
  };
  EXPECT_EQ(kind("NetworkPolicy"), "networkpolicies");
  EXPECT_EQ(kind("Ingress"), "ingresses");
  EXPECT_EQ(kind("Endpoints"), "endpoints");
  EXPECT_EQ(kind("DaemonSet"), "daemonsets");
  EXPECT_EQ(kind("Gateway"), "gateways");
}

TEST(KubernetesEvent, KnowsItsRecords) {
  EXPECT_EQ(KubernetesEventFormat().Sniff(kPulled), Match::kYes);
  EXPECT_EQ(
      KubernetesEventFormat().Sniff(
          R"({"auditID":"x","stage":"y","requestObject":{"involvedObject":{},"reason":"r"}})"),
      Match::kNo);
  for (const std::string_view other :
       {R"({"kind":"Event","apiVersion":"audit.k8s.io/v1"})", R"({"kind":"Pod"})", "text", ""}) {
    EXPECT_EQ(KubernetesEventFormat().Sniff(other), Match::kNo) << other;
    Parsed parsed;
    Parse(KubernetesEventFormat(), other, parsed);
    EXPECT_EQ(parsed.outcome, Outcome::kNotMine) << other;
  }
}

TEST(KubernetesEvent, SurvivesEveryDamage) { ParseEveryDamage(KubernetesEventFormat(), kPulled); }

}  // namespace
}  // namespace ekshume::log::k8s_event
