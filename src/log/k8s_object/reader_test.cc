// SPDX-License-Identifier: Apache-2.0
#include "log/k8s_object/reader.h"

#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::k8s_object {
namespace {

using namespace ekshume::log::testing;

// Of the laboratory cluster (Kubernetes 1.20), as `kubectl get -o json` prints it.
constexpr std::string_view kBinding =
    R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"creationTimestamp":"2026-11-24T21:40:28Z","managedFields":[{"apiVersion":"rbac.authorization.k8s.io/v1","fieldsType":"FieldsV1","fieldsV1":{"f:roleRef":{"f:apiGroup":{},"f:kind":{},"f:name":{}},"f:subjects":{}},"manager":"kubectl-create","operation":"Update","time":"2026-11-24T21:40:28Z"}],"name":"eks-support","resourceVersion":"382","uid":"22d58581-6259-4c74-8ca6-4df311b3208c"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"kind":"ServiceAccount","name":"eks-support","namespace":"kube-system"}]})";

std::vector<Event> ParseAll(std::string_view record) {
  Parsed parsed;
  Parse(KubernetesObjectFormat(), record, parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kEvents) << record;
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
  return std::move(parsed.events);
}

// The pod of the same cluster that sees its node, a seed of the fuzzer too.
std::string Pod() {
  std::ifstream file(std::string(EKSHUME_SOURCE_DIR) +
                     "/fuzz/corpus/log_k8s_object/node-health-checker");
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(KubernetesObject, TellsWhoABindingGaveWhat) {
  const std::vector<Event> events = ParseAll(kBinding);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(Row(events[0]), R"(time=2026-11-24T21:40:28.000000000Z
identity=22d58581-6259-4c74-8ca6-4df311b3208c/create
time_kind=Creation Time
action=create
object_kind=clusterrolebindings
object_name=eks-support
record_id=22d58581-6259-4c74-8ca6-4df311b3208c
message=ClusterRoleBinding eks-support was created; gives ClusterRole cluster-admin; to ServiceAccount kube-system/eks-support
)");
  EXPECT_EQ(Row(events[1]), R"(time=2026-11-24T21:40:28.000000000Z
identity=22d58581-6259-4c74-8ca6-4df311b3208c/update/kubectl-create//2026-11-24T21:40:28Z
time_kind=Event Time
action=update
object_kind=clusterrolebindings
object_name=eks-support
process=kubectl-create
record_id=22d58581-6259-4c74-8ca6-4df311b3208c
message=ClusterRoleBinding eks-support: kubectl-create last wrote roleRef.apiGroup, roleRef.kind, roleRef.name, subjects
)");
}

TEST(KubernetesObject, ReadsAPod) {
  std::string lines;
  for (const Event& event : ParseAll(Pod())) {
    EXPECT_EQ(event[Text::kPod], "node-health-checker");
    EXPECT_EQ(event[Text::kPodUid], "25f303f7-6bcf-48aa-ada0-dde522ef9e6b");
    EXPECT_EQ(event[Text::kNamespace], "kube-system");
    EXPECT_EQ(event[Text::kNode], "ip-10-0-1-23.ec2.internal");
    lines += FormatTimestamp(*event.time).substr(11, 8) + " " + event[Text::kMessage] + "\n";
  }
  EXPECT_EQ(
      lines,
      R"(21:40:27 Pod kube-system/node-health-checker was created; image 123456789012.dkr.ecr.us-east-1.amazonaws.com/acme/webshop:1.4.2; service account default; in the node's network; sees the node's processes; node's folders /
21:40:27 Pod kube-system/node-health-checker: kubectl-client-side-apply last wrote metadata.annotations.kubectl.kubernetes.io/last-applied-configuration, spec.containers[c].command, spec.containers[c].image, spec.containers[c].imagePullPolicy, spec.containers[c].name, spec.containers[c].resources, spec.containers[c].securityContext.capabilities.add, spec.containers[c].terminationMessagePath, spec.containers[c].terminationMessagePolicy, spec.containers[c].volumeMounts[/host].mountPath, spec.containers[c].volumeMounts[/host].name, spec.dnsPolicy and 10 more
21:40:28 Pod kube-system/node-health-checker: kubelet-bin last wrote status.conditions[ContainersReady].lastProbeTime, status.conditions[ContainersReady].lastTransitionTime, status.conditions[ContainersReady].status, status.conditions[ContainersReady].type, status.conditions[Initialized].lastProbeTime, status.conditions[Initialized].lastTransitionTime, status.conditions[Initialized].status, status.conditions[Initialized].type, status.conditions[Ready].lastProbeTime, status.conditions[Ready].lastTransitionTime, status.conditions[Ready].status, status.conditions[Ready].type and 6 more
21:40:27 Pod kube-system/node-health-checker: Initialized became True
21:40:28 Pod kube-system/node-health-checker: Ready became True
21:40:28 Pod kube-system/node-health-checker: ContainersReady became True
21:40:27 Pod kube-system/node-health-checker: PodScheduled became True
21:40:27 Pod kube-system/node-health-checker: container c started
)");
  const std::vector<Event> events = ParseAll(Pod());
  EXPECT_EQ(events.front()[Text::kTags], "host_network host_pid host_path");
  EXPECT_EQ(events.front()[Text::kServiceAccount], "kube-system/default");
  EXPECT_EQ(events.back()[Text::kContainer], "c");
  EXPECT_EQ(events.back()[Text::kContainerId],
            "376ed2ebfa27458f9a50be12b561b9d325c5275bb0a1179e74993f9e017c2ec8");
}

TEST(KubernetesObject, TellsHowAContainerEndedAndThatItsPodWasDeleted) {
  const std::vector<Event> events = ParseAll(
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"web","namespace":"shop","uid":"u-1","deletionTimestamp":"2026-11-24T21:41:00Z","deletionGracePeriodSeconds":30},)"
      R"("status":{"containerStatuses":[{"name":"app","image":"a:1","containerID":"containerd://b2","state":{"running":{"startedAt":"2026-11-24T21:40:30Z"}},)"
      R"("lastState":{"terminated":{"exitCode":137,"reason":"OOMKilled","startedAt":"2026-11-24T21:40:00Z","finishedAt":"2026-11-24T21:40:29Z","containerID":"containerd://a1"}}}]}})");
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[0][Text::kContainerId], "b2");
  EXPECT_EQ(events[1][Text::kAction], "start");
  EXPECT_EQ(events[2][Text::kContainerId], "a1");
  EXPECT_EQ(events[2][Text::kMessage], "Pod shop/web: container app ended with 137: OOMKilled");
  EXPECT_EQ(events[2][Text::kTags], "exit_code=137");
  EXPECT_EQ(events[2][Text::kOutcome], "failure");
  EXPECT_EQ(events[2][Text::kTimeKind], "End Time");
  EXPECT_EQ(FormatTimestamp(*events[3].time), "2026-11-24T21:40:30.000000000Z");
  EXPECT_EQ(events[3][Text::kMessage],
            "Pod shop/web was asked to be deleted, with 30 seconds of grace");
}

TEST(KubernetesObject, NamesWhatMattersOfOtherKinds) {
  const auto said = [](std::string_view rest) {
    const std::vector<Event> events =
        ParseAll(R"({"apiVersion":"v1",)" + std::string(rest).substr(1));
    return events.empty() ? std::string() : events.front()[Text::kMessage];
  };
  EXPECT_EQ(
      said(
          R"({"kind":"MutatingWebhookConfiguration","metadata":{"name":"w","creationTimestamp":"2026-11-24T21:40:28Z"},"webhooks":[{"name":"a.test","clientConfig":{"url":"https://a.test/"},"failurePolicy":"Ignore"},{"name":"b","clientConfig":{"service":{"namespace":"n","name":"s"}}}]})"),
      "MutatingWebhookConfiguration w was created; calls a.test at https://a.test/ (Ignore), b at "
      "n/s");
  EXPECT_EQ(
      said(
          R"({"kind":"CronJob","metadata":{"name":"j","namespace":"n","creationTimestamp":"2026-11-24T21:40:28Z"},"spec":{"jobTemplate":{"spec":{"template":{"spec":{"containers":[{"image":"i:1","securityContext":{"privileged":true}}]}}}}}})"),
      "CronJob n/j was created; image i:1; privileged");
  EXPECT_EQ(
      said(
          R"({"kind":"CertificateSigningRequest","metadata":{"name":"c","creationTimestamp":"2026-11-24T21:40:28Z"},"spec":{"username":"mallory"}})"),
      "CertificateSigningRequest c was created; requested by mallory");
  // What was never made says nothing: a manifest in a repository.
  EXPECT_EQ(said(R"({"kind":"Pod","metadata":{"name":"x"}})"), "");
}

TEST(KubernetesObject, KnowsItsRecords) {
  EXPECT_EQ(KubernetesObjectFormat().Sniff(kBinding), Match::kYes);
  for (
      const std::string_view other :
      {R"({"apiVersion":"v1","kind":"Event","metadata":{},"involvedObject":{"kind":"Pod"},"reason":"r"})",
       R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","metadata":{},"auditID":"x"})",
       R"({"kind":"Pod","metadata":{}})", "text", ""}) {
    EXPECT_EQ(KubernetesObjectFormat().Sniff(other), Match::kNo) << other;
    Parsed parsed;
    Parse(KubernetesObjectFormat(), other, parsed);
    EXPECT_EQ(parsed.outcome, Outcome::kNotMine) << other;
  }
}

TEST(KubernetesObject, SurvivesEveryDamage) {
  ParseEveryDamage(KubernetesObjectFormat(), kBinding);
  ParseEveryDamage(
      KubernetesObjectFormat(),
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"w","deletionTimestamp":"2026-11-24T21:41:00Z"},"status":{"conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-11-24T21:40:28Z"}],"containerStatuses":[{"name":"a","lastState":{"terminated":{"exitCode":1,"finishedAt":"2026-11-24T21:40:29Z"}}}]}})");
}

}  // namespace
}  // namespace ekshume::log::k8s_object
