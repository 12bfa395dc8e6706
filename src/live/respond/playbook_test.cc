// SPDX-License-Identifier: Apache-2.0
#include "live/respond/playbook.h"

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "live/respond/change.h"
#include "live/respond/testing_server.h"

namespace ekshume::live::respond {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string kDigest = "sha256:" + std::string(64, 'c');

class PlaybookTest : public testing::Test {
 protected:
  PlaybookTest() {
    state_.served = {{"apps/v1", "deployments"}, {"policy/v1beta1", "poddisruptionbudgets"}};
    Put("/api/v1/namespaces/shop/pods/web-1",
        R"({"kind":"Pod","metadata":{"name":"web-1","namespace":"shop","uid":"u-1",
             "labels":{"app":"web"},
             "ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-b","uid":"u-rs-b"}]},
            "spec":{"nodeName":"n1","serviceAccountName":"deployer",
                    "containers":[{"name":"app","image":"shop/web:2",
                      "livenessProbe":{"httpGet":{"port":80},"periodSeconds":5,"failureThreshold":3}}]},
            "status":{"containerStatuses":[{"name":"app","containerID":"containerd://0a",
                      "imageID":"shop/web@)" +
            kDigest + R"(","state":{"running":{}}}]}})");
    Put("/api/v1/nodes/n1", R"({"kind":"Node","metadata":{"name":"n1","uid":"u-n"},"spec":{}})");
    Put("/api/v1/namespaces/shop/serviceaccounts/deployer",
        R"({"kind":"ServiceAccount","metadata":{"name":"deployer","namespace":"shop","uid":"u-sa"}})");
    Put("/apis/apps/v1/namespaces/shop/deployments/web",
        R"({"kind":"Deployment","metadata":{"name":"web","namespace":"shop","uid":"u-d"},
            "spec":{"replicas":2,"selector":{"matchLabels":{"app":"web"}},
                    "template":{"metadata":{"labels":{"app":"web"}},
                                "spec":{"containers":[{"name":"app","image":"shop/web:2"}],"hostPID":true}}}})");
    for (const auto& [name, revision, image, replicas] :
         {std::tuple("web-a", "1", "shop/web:1", 0), {"web-b", "2", "shop/web:2", 2}}) {
      Put(fmt::format("/apis/apps/v1/namespaces/shop/replicasets/{}", name),
          fmt::format(
              R"({{"kind":"ReplicaSet","metadata":{{"name":"{0}","namespace":"shop","uid":"u-rs-{4}",
                   "annotations":{{"deployment.kubernetes.io/revision":"{1}"}},
                   "ownerReferences":[{{"apiVersion":"apps/v1","kind":"Deployment","name":"web","uid":"u-d"}}]}},
                  "spec":{{"replicas":{3},"selector":{{"matchLabels":{{"app":"web","pod-template-hash":"{4}"}}}},
                    "template":{{"metadata":{{"labels":{{"app":"web","pod-template-hash":"{4}"}}}},
                    "spec":{{"containers":[{{"name":"app","image":"{2}"}}]{5}}}}}}}}})",
              name, revision, image, replicas, std::string(name).back(),
              std::string_view(name) == "web-b" ? R"(,"hostPID":true)" : ""));
    }
  }
  void Put(const std::string& path, const std::string& text) {
    state_.objects[path] = Json::parse(text);
    state_.objects[path]["metadata"]["resourceVersion"] = "1";
  }
  Result<Plan> PlanFor(std::string target, const std::function<void(PlanRequest&)>& change = {}) {
    kubernetes::Client client({.source = "test", .server = "https://api.test"}, {}, nullptr,
                              std::make_unique<Server>(state_), nullptr);
    PlanRequest request;
    request.target = std::move(target);
    request.by = "alice";
    if (change) change(request);
    Result<Plan> plan = report_.empty() ? MakePlan(request, {.cluster = &client})
                                        : MakeCasePlan(request, report_, {.cluster = &client});
    // A plan is what is read back from its file.
    return plan ? ReadPlan(WritePlan(*plan)) : plan;
  }
  static std::vector<std::string> Ids(const Plan& plan) {
    std::vector<std::string> ids;
    for (const Step& step : plan.steps) ids.push_back(step.id);
    return ids;
  }
  static std::string Notes(const Plan& plan) {
    return fmt::format("{}", fmt::join(plan.warnings, "\n"));
  }

  Server::State state_;
  std::string report_;
};

TEST_F(PlaybookTest, ADeployment) {
  const auto plan = PlanFor("deployment/shop/web");
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_THAT(Ids(*plan), ElementsAre("mark-workload", "pause", "save-state", "acquire-pod",
                                      "orphan", "orphan-replicaset", "rollback", "scale-to-zero"));
  const Step& rollback = *plan->Find("rollback");
  EXPECT_EQ(rollback.body, Json::parse(R"({"spec":{"paused":null,"template":{"spec":{"hostPID":null,
                                           "containers":[{"name":"app","image":"shop/web:1"}]}}}})"));
  EXPECT_TRUE(rollback.needs_approval);
  EXPECT_FALSE(rollback.enabled);
  EXPECT_EQ(rollback.effect, Effect::kDestroys);
  EXPECT_EQ(rollback.settings.at("destroys"), "pod/shop/web-1");
  EXPECT_THAT(rollback.what, HasSubstr("revision 1"));
  EXPECT_EQ(plan->Find("orphan")->settings.at("propagation"), "Orphan");
  EXPECT_EQ(plan->Find("orphan-replicaset")->object, "replicaset/shop/web-b");
  EXPECT_EQ(plan->Find("scale-to-zero")->body, Json::parse(R"({"spec":{"replicas":0}})"));
  const auto second = PlanFor("deployment/shop/web", [](PlanRequest& r) { r.revision = 7; });
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("has no other revision 7"));
  EXPECT_EQ(PlanFor("deployment/shop/none").error().code, ErrorCode::kNotFound);
}

TEST_F(PlaybookTest, ADaemonSetGoesBackByItsControllerRevisions) {
  Put("/apis/apps/v1/namespaces/shop/daemonsets/agent",
      R"({"kind":"DaemonSet","metadata":{"name":"agent","namespace":"shop","uid":"u-ds"},
          "spec":{"selector":{"matchLabels":{"app":"agent"}},
                  "template":{"metadata":{"labels":{"app":"agent"}},"spec":{"containers":[{"image":"agent:2"}]}}}})");
  for (const int number : {3, 9}) {
    Put(fmt::format("/apis/apps/v1/namespaces/shop/controllerrevisions/agent-{}", number),
        fmt::format(
            R"({{"metadata":{{"name":"agent-{0}","ownerReferences":[{{"uid":"u-ds"}}]}},"revision":{0},
                       "data":{{"spec":{{"template":{{"$patch":"replace","metadata":{{"labels":{{"app":"agent"}}}},
                       "spec":{{"containers":[{{"image":"agent:{1}"}}]}}}}}}}}}})",
            number, number == 9 ? 2 : 1));
  }
  const auto plan = PlanFor("daemonset/shop/agent");
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->Find("rollback")->body["spec"]["template"]["spec"]["containers"][0]["image"],
            "agent:1");
  EXPECT_TRUE(
      plan->Find("scale-to-zero")->body["spec"]["template"]["spec"].contains("nodeSelector"));
  EXPECT_EQ(plan->Find("pause"), nullptr);
}

TEST_F(PlaybookTest, APodSaysHowLongItLivesAndPausesItsDeployment) {
  const auto plan =
      PlanFor("pod/shop/web-1", [](PlanRequest& request) { request.kills = {"4711:99"}; });
  ASSERT_TRUE(plan) << plan.error().message;
  const Step& freeze = *plan->Find("freeze");
  EXPECT_FALSE(freeze.enabled);
  EXPECT_EQ(freeze.settings.at("liveness_seconds"), "11");
  EXPECT_EQ(freeze.settings.at("container_id"), "0a");
  EXPECT_EQ(plan->Find("pause-deployment")->object, "deployment/shop/web");
  const Step& kill = *plan->Find("kill");
  EXPECT_EQ(kill.settings,
            (std::map<std::string, std::string>{{"pid", "4711"}, {"start_ticks", "99"}}));
  EXPECT_TRUE(kill.needs_approval);
  EXPECT_THAT(Notes(*plan), HasSubstr("after 11 s"));
  EXPECT_EQ(plan->Find("hold-eviction"), nullptr);
  for (const char* bad : {"4711", "x:1", "1:", ":", "-1:5"}) {
    EXPECT_FALSE(PlanFor("pod/shop/web-1", [&](PlanRequest& request) { request.kills = {bad}; }));
  }
}

TEST_F(PlaybookTest, AFargatePodIsHeldAndNotCut) {
  Json& pod = state_.objects["/api/v1/namespaces/shop/pods/web-1"];
  pod["metadata"]["labels"]["eks.amazonaws.com/fargate-profile"] = "p";
  const auto plan = PlanFor("pod/shop/web-1");
  ASSERT_TRUE(plan) << plan.error().message;
  const std::vector<std::string> ids = Ids(*plan);
  const Step& hold = *plan->Find("hold-eviction");
  EXPECT_EQ(hold.path, "/apis/policy/v1beta1/namespaces/shop/poddisruptionbudgets");
  EXPECT_EQ(hold.body["spec"]["minAvailable"], 1);
  EXPECT_THAT(ids, Not(Contains("cut-network")));
  EXPECT_THAT(ids, Not(Contains("freeze")));
  const auto at = [&](const char* id) { return std::ranges::find(ids, id) - ids.begin(); };
  EXPECT_LT(at("acquire-pod"), at("detach"));
  EXPECT_LT(at("detach"), at("delete-pod"));
  EXPECT_EQ(plan->Find("acquire-pod")->settings.at("via"), "exec");
  EXPECT_THAT(Notes(*plan), HasSubstr("network policies do nothing on Fargate"));
}

TEST_F(PlaybookTest, AJobIsLeftAloneButItsCronJobSuspended) {
  Json& pod = state_.objects["/api/v1/namespaces/shop/pods/web-1"];
  pod["metadata"]["ownerReferences"] =
      Json::parse(R"([{"apiVersion":"batch/v1","kind":"Job","name":"j","uid":"u-j"}])");
  Put("/apis/batch/v1/namespaces/shop/jobs/j",
      R"({"kind":"Job","metadata":{"name":"j","uid":"u-j","ownerReferences":[{"apiVersion":"batch/v1beta1","kind":"CronJob","name":"c","uid":"u-c"}]},"spec":{}})");
  Put("/apis/batch/v1beta1/namespaces/shop/cronjobs/c",
      R"({"kind":"CronJob","metadata":{"name":"c","uid":"u-c"},"spec":{"suspend":false}})");
  const auto plan = PlanFor("pod/shop/web-1");
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->Find("suspend-cronjob")->path, "/apis/batch/v1beta1/namespaces/shop/cronjobs/c");
  for (const Step& step : plan->steps) EXPECT_EQ(step.path.find("/jobs/"), std::string::npos);
}

TEST_F(PlaybookTest, AServiceAccountAndItsTokens) {
  Put("/api/v1/namespaces/shop/secrets/deployer-token",
      R"({"metadata":{"name":"deployer-token","uid":"u-t","annotations":{"kubernetes.io/service-account.name":"deployer"}}})");
  Put("/api/v1/namespaces/shop/secrets/other",
      R"({"metadata":{"name":"other","uid":"u-o","annotations":{"kubernetes.io/service-account.name":"other"}}})");
  const auto plan = PlanFor("serviceaccount/shop/deployer");
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->Find("delete-token")->object, "secret/shop/deployer-token");
  EXPECT_EQ(plan->Find("delete-token-2"), nullptr);
  const Step& renew = *plan->Find("renew-account");
  EXPECT_EQ(renew.kind, StepKind::kReplace);
  EXPECT_TRUE(renew.needs_approval);
  EXPECT_FALSE(renew.enabled);
  EXPECT_THAT(Notes(*plan), HasSubstr("no ValidatingAdmissionPolicy"));
}

TEST_F(PlaybookTest, AnImageIsBlockedByItsDigestAndTheNamesThatPodsUse) {
  state_.served.emplace("admissionregistration.k8s.io/v1", "validatingadmissionpolicies");
  const auto plan = PlanFor("image/shop/web@" + kDigest);
  ASSERT_TRUE(plan) << plan.error().message;
  const Step& block = *plan->Find("block-image");
  EXPECT_TRUE(block.enabled);
  const std::string expression = block.body["spec"]["validations"][0]["expression"];
  EXPECT_THAT(expression, HasSubstr("'" + kDigest + "', 'shop/web:2'"));
  EXPECT_EQ(plan->Find("block-image-everywhere")->body["spec"]["policyName"],
            block.body["metadata"]["name"]);
  EXPECT_THAT(Notes(*plan), HasSubstr("pod/shop/web-1"));
  EXPECT_FALSE(PlanFor("image/shop/web:2"));
  EXPECT_FALSE(PlanFor("image/shop/web@sha256:12"));
  state_.served.clear();
  const auto without = PlanFor("image/shop/web@" + kDigest);
  ASSERT_TRUE(without) << without.error().message;
  EXPECT_EQ(without->Find("block-image")->kind, StepKind::kManual);
}

TEST_F(PlaybookTest, WebhooksApisAndSecrets) {
  Put("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/inject",
      R"({"metadata":{"name":"inject","uid":"u-w"},"webhooks":[{"clientConfig":{"url":"https://evil.test/"}}]})");
  auto plan = PlanFor("webhook/inject");
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_THAT(plan->Find("delete-webhook")->what, HasSubstr("https://evil.test/"));
  EXPECT_EQ(PlanFor("webhook/none").error().code, ErrorCode::kNotFound);

  Put("/apis/apiregistration.k8s.io/v1/apiservices/v1.evil.test",
      R"({"metadata":{"name":"v1.evil.test","uid":"u-a"},"spec":{"service":{"namespace":"evil","name":"api"}}})");
  Put("/apis/apiregistration.k8s.io/v1/apiservices/v1.apps",
      R"({"metadata":{"name":"v1.apps","uid":"u-b"},"spec":{}})");
  plan = PlanFor("apiservice/v1.evil.test");
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_THAT(plan->Find("delete-apiservice")->what, HasSubstr("evil/api"));
  EXPECT_THAT(PlanFor("apiservice/v1.apps").error().message, HasSubstr("of the API server itself"));

  Put("/api/v1/namespaces/shop/secrets/db",
      R"({"kind":"Secret","metadata":{"name":"db","uid":"u-s"},"type":"Opaque","data":{"p":"aHVudGVyMg=="}})");
  state_.objects["/api/v1/namespaces/shop/pods/web-1"]["spec"]["containers"][0]["envFrom"] =
      Json::parse(R"([{"secretRef":{"name":"db"}}])");
  plan = PlanFor("secret/shop/db");
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_THAT(Ids(*plan), ElementsAre("hash-secret", "rotate", "delete-secret"));
  EXPECT_THAT(Notes(*plan), HasSubstr("pod/shop/web-1 (variable)"));
  EXPECT_THAT(WritePlan(*plan), Not(HasSubstr("aHVudGVyMg")));
}

TEST_F(PlaybookTest, AwsAuth) {
  Put("/api/v1/namespaces/kube-system/configmaps/aws-auth",
      R"({"kind":"ConfigMap","metadata":{"name":"aws-auth","namespace":"kube-system","uid":"u-m"},
          "data":{"mapRoles":"- rolearn: arn:aws:iam::123456789012:role/nodes\n  groups: [system:nodes]\n- rolearn: arn:aws:iam::123456789012:role/ci\n  groups: [system:masters]\n"}})");
  state_.forbidden = {"update configmaps"};
  const auto plan = PlanFor("aws-auth/arn:aws:iam::123456789012:role/ci");
  ASSERT_TRUE(plan) << plan.error().message;
  const Step& step = *plan->Find("edit-aws-auth");
  EXPECT_EQ(step.settings.at("by"), "put");
  EXPECT_THAT(step.settings.at("diff"), HasSubstr("role/ci"));
  EXPECT_THAT(step.missing, ElementsAre("update configmaps in namespace kube-system"));
  EXPECT_THAT(PlanFor("aws-auth/arn:aws:iam::123456789012:role/nodes").error().message,
              HasSubstr("locked out"));
  EXPECT_EQ(PlanFor("aws-auth/arn:aws:iam::123456789012:role/x").error().code,
            ErrorCode::kNotFound);
}

TEST_F(PlaybookTest, ACaseIsOnePlanInOrderOfThePhases) {
  Put("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/b",
      R"({"metadata":{"name":"b","uid":"u-b"},"roleRef":{"kind":"ClusterRole","name":"r"},
          "subjects":[{"kind":"ServiceAccount","name":"deployer","namespace":"shop"},{"kind":"User","name":"mallory"},{"kind":"User","name":"bob"}]})");
  report_ = R"({"incidents":[{"places":[
      {"kind":"pod","name":"web-1","namespace":"shop","how":"commands were run in it"},
      {"kind":"container","name":"app","pod":"web-1","namespace":"shop"},
      {"kind":"pod","name":"gone","namespace":"shop"},{"kind":"node","name":"n1"},{"kind":"container","name":"c9"}],
    "actors":[{"kind":"user","role":"acted","name":"mallory","names":[{"field":"user_name","value":"mallory"}]},
      {"kind":"service account","role":"acted","name":"shop/deployer","names":[{"field":"service_account","value":"shop/deployer"}]},
      {"kind":"user","role":"tried","name":"bob","names":[{"field":"user_name","value":"bob"}]},
      {"kind":"access key","role":"acted","name":"k","names":[{"field":"user_arn","value":"arn:aws:iam::123456789012:user/k"}]}]}]})";
  const auto plan = PlanFor("case/1");
  ASSERT_TRUE(plan) << plan.error().message;
  const std::vector<std::string> ids = Ids(*plan);
  std::vector<std::string> phases;
  std::map<std::string, std::string> by_hand;
  size_t bindings = 0;
  for (const Step& step : plan->steps) {
    if (phases.empty() || phases.back() != step.phase) phases.push_back(step.phase);
    if (step.id.starts_with("by-hand")) by_hand[step.object] = step.reason;
    if (step.path.ends_with("clusterrolebindings/b")) {
      ++bindings;
      EXPECT_EQ(step.body["subjects"], Json::parse(R"([{"kind":"User","name":"bob"}])"));
      EXPECT_TRUE(step.enabled);
    }
  }
  EXPECT_EQ(bindings, 1U);
  EXPECT_THAT(phases, ElementsAre("record", "shield", "save", "identity", "capture", "detach",
                                  "network", "verify", "disk", "eradicate"));
  EXPECT_EQ(std::ranges::count(ids, "acquire-pod"), 1);
  EXPECT_EQ(std::ranges::count(ids, "shield-node"), 1);  // the pod's node and the node itself
  EXPECT_THAT(by_hand["pod/shop/gone"], HasSubstr("not in the cluster any more"));
  EXPECT_TRUE(by_hand.contains("container/c9"));
  EXPECT_TRUE(by_hand.contains("arn:aws:iam::123456789012:user/k"));
  EXPECT_THAT(Notes(*plan), HasSubstr("pod/shop/web-1: commands were run in it"));
  report_ = R"({"incidents":[]})";
  EXPECT_EQ(PlanFor("case/1").error().code, ErrorCode::kNotFound);
  for (const char* bad :
       {"x", "[]", R"({"incidents":7})", R"({"incidents":[7,{"places":[1],"actors":{}}]})"}) {
    report_ = bad;
    EXPECT_FALSE(PlanFor("case/1")) << bad;
  }
}

}  // namespace
}  // namespace ekshume::live::respond
