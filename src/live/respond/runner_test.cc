// SPDX-License-Identifier: Apache-2.0
#include "live/respond/runner.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "live/respond/change.h"
#include "live/respond/testing_server.h"

namespace ekshume::live::respond {
namespace {

using testing::HasSubstr;

constexpr const char* kPod = "/api/v1/namespaces/shop/pods/web";
constexpr const char* kBinding = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/b";
constexpr const char* kPolicies = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies";

constexpr const char* kAwsAuth = "/api/v1/namespaces/kube-system/configmaps/aws-auth";
constexpr const char* kAccount = "/api/v1/namespaces/shop/serviceaccounts/deployer";
constexpr const char* kSecret = "/api/v1/namespaces/shop/secrets/db";

Json AwsAuth() {
  return Json::parse(
      R"({"kind":"ConfigMap","metadata":{"name":"aws-auth","namespace":"kube-system","uid":"u-m","resourceVersion":"5"},)"
      R"("data":{"mapRoles":"- rolearn: n\n  groups: [system:nodes]\n","mapUsers":"- userarn: u\n"}})");
}

class RunnerTest : public testing::Test {
 protected:
  RunnerTest() : folder_(testing::TempDir() + "respond-" + Name()) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    state_.objects[kPod] = Json::parse(
        R"({"kind":"Pod","metadata":{"name":"web","namespace":"shop","uid":"u-pod","resourceVersion":"3","labels":{"app":"web"}},"spec":{}})");
    state_.objects[kBinding] = Json::parse(
        R"({"kind":"ClusterRoleBinding","metadata":{"name":"b","uid":"u-b","resourceVersion":"4"},"subjects":[{"kind":"User","name":"mallory"}]})");
    plan_.id = "p";
    plan_.by = "alice";
    Add("mark", StepKind::kPatch, kPod, R"({"metadata":{"labels":{"q":"1"}}})");
    Add("detach", StepKind::kPatch, kPod, R"({"metadata":{"labels":{"app":null}}})");
    Add("policy", StepKind::kCreate, kPolicies,
        R"({"kind":"NetworkPolicy","metadata":{"name":"deny"}})");
    Add("binding", StepKind::kDelete, kBinding, "");
    state_.objects[std::string(kAwsAuth)] = AwsAuth();
    Add("aws-auth", StepKind::kPatch, kAwsAuth, R"({"data":{"mapUsers":"[]\n"}})");
    plan_.steps.back().settings["by"] = "put";
    before_ = Visible();
  }
  ~RunnerTest() override { std::filesystem::remove_all(folder_); }

  static std::string Name() {
    return testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  void Add(std::string id, StepKind kind, const std::string& path, const std::string& body) {
    Step step;
    step.id = std::move(id);
    step.kind = kind;
    step.path = path;
    step.object = path;
    if (!body.empty()) step.body = Json::parse(body);
    if (kind != StepKind::kCreate) {
      step.uid = state_.objects[path]["metadata"]["uid"].get<std::string>();
      step.fingerprint = Fingerprint(state_.objects[path]);
    }
    plan_.steps.push_back(std::move(step));
  }
  // What of the objects is not the server's own bookkeeping.
  std::map<std::string, Json> Visible() const {
    std::map<std::string, Json> visible;
    for (const auto& [path, object] : state_.objects) visible[path] = AsCreated(object);
    return visible;
  }
  // A process: opens the journal, does `work`, ends.
  void Run(const std::function<void(Runner&)>& work, RunnerOptions options = {"carol", "", false}) {
    kubernetes::Client client({.source = "test", .server = "https://api.test"}, {}, nullptr,
                              std::make_unique<Server>(state_), nullptr);
    const auto journal = Journal::Open(folder_, "p");
    ASSERT_TRUE(journal) << journal.error().message;
    Runner runner(plan_, &client, **journal, std::move(options), {});
    work(runner);
  }
  std::string ApplyAll() {
    std::string error;
    Run([&](Runner& runner) {
      for (const Step& step : plan_.steps) {
        const auto applied = runner.Apply(step);
        if (!applied) {
          error = applied.error().message;
          return;
        }
      }
    });
    return error;
  }
  std::string UndoAll(RunnerOptions options = {"carol", "", false}) {
    std::string error;
    Run(
        [&](Runner& runner) {
          for (size_t i = plan_.steps.size(); i > 0; --i) {
            const auto undone = runner.Undo(plan_.steps[i - 1]);
            if (!undone) {
              error = undone.error().message;
              return;
            }
          }
        },
        std::move(options));
    return error;
  }

  const std::string folder_;
  Server::State state_;
  Plan plan_;
  std::map<std::string, Json> before_;
};

TEST_F(RunnerTest, AppliesAndUndoes) {
  EXPECT_EQ(ApplyAll(), "");
  EXPECT_EQ(state_.objects[kPod]["metadata"]["labels"], Json::parse(R"({"q":"1"})"));
  EXPECT_TRUE(state_.objects.contains(std::string(kPolicies) + "/deny"));
  EXPECT_FALSE(state_.objects.contains(kBinding));
  const int changes = state_.changes;
  EXPECT_EQ(ApplyAll(), "");  // again: nothing is done twice
  EXPECT_EQ(state_.changes, changes);
  EXPECT_EQ(UndoAll(), "");
  EXPECT_EQ(Visible(), before_);
  EXPECT_EQ(UndoAll(), "");
  EXPECT_EQ(Visible(), before_);
}

// Whatever request or answer is lost, the same command again ends in the same state.
TEST_F(RunnerTest, GoesOnAfterACrashAtEveryCall) {
  const Server::State start = state_;
  ASSERT_EQ(ApplyAll(), "");
  const int calls = state_.changes;
  const auto after = Visible();
  ASSERT_EQ(UndoAll(), "");
  const int all_calls = state_.changes;
  ASSERT_GE(all_calls, 2 * calls);
  for (int lost = 0; lost < all_calls; ++lost) {
    for (const bool request : {false, true}) {
      std::filesystem::remove_all(folder_ + "/respond");
      state_ = start;
      (request ? state_.lose_request_of : state_.lose_answer_of) = lost;
      std::string error = ApplyAll();
      EXPECT_EQ(error.empty(), lost >= calls) << lost;
      state_.lose_request_of = state_.lose_answer_of = -1;
      if (!error.empty()) {
        EXPECT_THAT(error, HasSubstr("lost"));
        EXPECT_EQ(ApplyAll(), "") << lost;
      } else {
        (request ? state_.lose_request_of : state_.lose_answer_of) = lost;
      }
      EXPECT_EQ(Visible(), after) << lost;
      error = UndoAll();
      state_.lose_request_of = state_.lose_answer_of = -1;
      if (!error.empty()) {
        EXPECT_EQ(UndoAll(), "") << lost;
      }
      EXPECT_EQ(Visible(), before_) << lost << request;
    }
  }
}

TEST_F(RunnerTest, StopsAtWhatOthersChangedSince) {
  state_.objects[kPod]["metadata"]["labels"]["x"] = "y";
  EXPECT_THAT(ApplyAll(), HasSubstr("was changed by others since the plan was made"));
  EXPECT_EQ(state_.changes, 0);
  state_.objects[kPod]["metadata"]["labels"].erase("x");
  state_.objects[kPod]["metadata"]["uid"] = "u-other";
  EXPECT_THAT(ApplyAll(), HasSubstr("another object"));
  state_.objects.erase(kPod);
  EXPECT_THAT(ApplyAll(), HasSubstr("is gone"));
  EXPECT_EQ(state_.changes, 0);
}

TEST_F(RunnerTest, UndoSaysWhatOthersChanged) {
  ASSERT_EQ(ApplyAll(), "");
  state_.objects[kPod]["metadata"]["labels"]["app"] = "theirs";
  EXPECT_THAT(UndoAll(), HasSubstr("/metadata/labels/app"));
  EXPECT_EQ(state_.objects[kPod]["metadata"]["labels"]["app"], "theirs");
  EXPECT_EQ(UndoAll({"carol", "", true}), "");
  EXPECT_EQ(state_.objects[kPod]["metadata"]["labels"], Json::parse(R"({"app":"web"})"));
}

TEST_F(RunnerTest, WhatIsSoAlreadyIsLeftAlone) {
  state_.objects[kPod]["metadata"]["labels"]["q"] = "1";
  plan_.steps[0].fingerprint = plan_.steps[1].fingerprint = Fingerprint(state_.objects[kPod]);
  before_ = Visible();
  ASSERT_EQ(ApplyAll(), "");
  ASSERT_EQ(UndoAll(), "");
  EXPECT_EQ(Visible(), before_);  // the label that was there stays
}

TEST_F(RunnerTest, ADryRunChangesNothing) {
  Run([&](Runner& runner) {
    for (const Step& step : plan_.steps) {
      const auto checked = runner.DryRun(step);
      EXPECT_TRUE(checked) << checked.error().message;
    }
  });
  EXPECT_EQ(Visible(), before_);
  EXPECT_EQ(state_.changes, 0);
}

TEST_F(RunnerTest, NeedsItsApproval) {
  plan_.steps[0].needs_approval = true;
  EXPECT_THAT(ApplyAll(), HasSubstr("needs an approval"));
  plan_.approvals.push_back({"bob", "", Digest(plan_)});
  EXPECT_EQ(ApplyAll(), "");
}

TEST_F(RunnerTest, RefusesToLockNodesOut) {
  plan_.steps.back().body = Json::parse(R"({"data":{"mapRoles":"[]"}})");
  EXPECT_THAT(ApplyAll(), HasSubstr("would lock nodes out"));
  EXPECT_EQ(state_.objects[kAwsAuth], AwsAuth());
}

// A plan whose only step is of a kind that cannot be taken back.
class RunnerOneWayTest : public RunnerTest {
 protected:
  RunnerOneWayTest() {
    plan_.steps.clear();
    state_.objects[kAccount] = Json::parse(
        R"({"kind":"ServiceAccount","metadata":{"name":"deployer","uid":"u-a","resourceVersion":"6","labels":{"x":"y"}},"secrets":[{"name":"t"}]})");
    state_.objects[kSecret] = Json::parse(
        R"({"kind":"Secret","metadata":{"name":"db","uid":"u-s","resourceVersion":"7"},"data":{"password":"aHVudGVyMg=="}})");
  }
  std::string JournalText() const {
    std::ifstream in(folder_ + "/respond/p.jsonl");
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

TEST_F(RunnerOneWayTest, ReplacesAnAccountOnceWhateverIsLost) {
  Add("renew", StepKind::kReplace, kAccount, "");
  const Server::State start = state_;
  for (int lost = 0; lost < 2; ++lost) {  // the deletion, the creation
    for (const bool request : {false, true}) {
      std::filesystem::remove_all(folder_ + "/respond");
      state_ = start;
      (request ? state_.lose_request_of : state_.lose_answer_of) = lost;
      EXPECT_THAT(ApplyAll(), HasSubstr("lost"));
      state_.lose_request_of = state_.lose_answer_of = -1;
      EXPECT_EQ(ApplyAll(), "");
      const Json& now = state_.objects[kAccount];
      EXPECT_NE(now["metadata"]["uid"], "u-a");
      EXPECT_EQ(now["metadata"]["labels"]["x"], "y");
      EXPECT_FALSE(now.contains("secrets"));
      const int changes = state_.changes;
      EXPECT_EQ(ApplyAll(), "");
      EXPECT_EQ(state_.changes, changes);
      EXPECT_EQ(UndoAll(), "cannot be undone");
    }
  }
}

TEST_F(RunnerOneWayTest, TheJournalHoldsNoSecret) {
  Add("delete-secret", StepKind::kRemove, kSecret, "");
  EXPECT_EQ(ApplyAll(), "");
  EXPECT_FALSE(state_.objects.contains(kSecret));
  EXPECT_EQ(JournalText().find("aHVudGVyMg"), std::string::npos);
  EXPECT_EQ(JournalText().find("hunter2"), std::string::npos);
  // The SHA-256 of hunter2.
  EXPECT_THAT(JournalText(),
              HasSubstr("f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7"));
}

TEST_F(RunnerOneWayTest, WhatAStepDestroysIsNamedByItsSettings) {
  Step acquire;
  acquire.id = "acquire";
  acquire.kind = StepKind::kAcquire;
  acquire.object = "pod/shop/a";
  plan_.steps.push_back(acquire);
  Step scale;
  scale.id = "scale";
  scale.kind = StepKind::kPatch;
  scale.object = "deployment/shop/web";
  scale.settings["destroys"] = "pod/shop/a";
  kubernetes::Client client({.source = "test", .server = "https://api.test"}, {}, nullptr,
                            std::make_unique<Server>(state_), nullptr);
  const auto journal = Journal::Open(folder_, "p");
  ASSERT_TRUE(journal);
  Runner runner(plan_, &client, **journal, {"carol", "", false},
                {{StepKind::kAcquire, [](const Step&) { return Json{{"sentence", "acquired"}}; }}});
  EXPECT_FALSE(runner.IsAcquired(scale));
  ASSERT_TRUE(runner.Apply(plan_.steps[0]));
  EXPECT_TRUE(runner.IsAcquired(scale));
  scale.settings["destroys"] = "pod/shop/a pod/shop/b";
  EXPECT_FALSE(runner.IsAcquired(scale));
}

TEST_F(RunnerOneWayTest, AFreezeIsUndoneByItsWork) {
  Step freeze;
  freeze.id = "freeze";
  freeze.kind = StepKind::kFreeze;
  freeze.object = "pod/shop/a";
  plan_.steps.push_back(freeze);
  kubernetes::Client client({.source = "test", .server = "https://api.test"}, {}, nullptr,
                            std::make_unique<Server>(state_), nullptr);
  const auto journal = Journal::Open(folder_, "p");
  ASSERT_TRUE(journal);
  std::vector<std::string> actions;
  Runner runner(plan_, &client, **journal, {"carol", "", false},
                {{StepKind::kFreeze, [&](const Step& step) -> Result<Json> {
                    actions.push_back(step.settings.contains("action") ? "thaw" : "freeze");
                    return Json{{"sentence", actions.back()}};
                  }}});
  EXPECT_EQ(*runner.Undo(plan_.steps[0]), "was never done");
  EXPECT_EQ(*runner.Apply(plan_.steps[0]), "freeze");
  EXPECT_EQ(*runner.Apply(plan_.steps[0]), "in force already");
  EXPECT_EQ(*runner.Undo(plan_.steps[0]), "thaw");
  EXPECT_EQ(*runner.Undo(plan_.steps[0]), "is undone already");
  EXPECT_THAT(actions, testing::ElementsAre("freeze", "thaw"));
}

TEST_F(RunnerTest, TheJournalIsLockedAndChained) {
  ASSERT_EQ(ApplyAll(), "");
  Run([&](Runner&) {
    const auto second = Journal::Open(folder_, "p");
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, HasSubstr("in use by another process"));
  });
  const std::string path = folder_ + "/respond/p.jsonl";
  // A last line that was cut off while it was written.
  std::ofstream(path, std::ios::app) << R"({"step":"mar)";
  EXPECT_EQ(UndoAll(), "");
  EXPECT_EQ(Visible(), before_);
  std::ifstream in(path);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  text.replace(text.find("carol"), 5, "david");
  std::ofstream(path, std::ios::trunc) << text;
  const auto changed = Journal::Open(folder_, "p");
  ASSERT_FALSE(changed);
  EXPECT_THAT(changed.error().message, HasSubstr("line 2 of"));
}

}  // namespace
}  // namespace ekshume::live::respond
