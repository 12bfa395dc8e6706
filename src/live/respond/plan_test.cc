// SPDX-License-Identifier: Apache-2.0
#include "live/respond/plan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ekshume::live::respond {
namespace {

using testing::HasSubstr;

Plan SomePlan() {
  Plan plan;
  plan.id = "20261127T193900Z-pod-shop-web";
  plan.target = "pod/shop/web";
  plan.case_id = "c-1";
  plan.created = "2026-11-27T19:39:00Z";
  plan.by = "alice";
  plan.server = "https://api.test:6443";
  plan.warnings = {"mind: the gap", "- and \"this\""};
  Step step;
  step.id = "mark-pod";
  step.phase = "record";
  step.kind = StepKind::kPatch;
  step.object = "pod/shop/web";
  step.path = "/api/v1/namespaces/shop/pods/web";
  step.uid = "u-1";
  step.fingerprint = "ab";
  step.body =
      Json::parse(R"({"metadata":{"labels":{"n":"1","t":true,"none":null,"s":"a: b\n#c"}}})");
  step.what = "label it: yes";
  step.missing = {"patch pods in namespace shop"};
  plan.steps.push_back(step);
  Step acquire;
  acquire.id = "acquire-pod";
  acquire.kind = StepKind::kAcquire;
  acquire.effect = Effect::kAlters;
  acquire.settings = {{"memory", "all"}, {"via", "auto"}};
  acquire.enabled = false;
  acquire.needs_approval = true;
  plan.steps.push_back(acquire);
  return plan;
}

TEST(Plan, IsReadAsItWasWritten) {
  Plan plan = SomePlan();
  plan.approvals.push_back({"bob", "2026-11-27T20:00:00Z", Digest(plan)});
  const std::string text = WritePlan(plan);
  const auto read = ReadPlan(text);
  ASSERT_TRUE(read) << read.error().message << text;
  EXPECT_EQ(WritePlan(*read), text);
  EXPECT_EQ(Digest(*read), Digest(plan));
  EXPECT_EQ(read->steps[0].body, plan.steps[0].body);
  EXPECT_EQ(read->steps[1].settings, plan.steps[1].settings);
  EXPECT_EQ(read->warnings, plan.warnings);
  EXPECT_TRUE(IsApproved(*read, "carol"));
}

TEST(Plan, AnApprovalIsByAnotherAndOfThePlanAsItIs) {
  Plan plan = SomePlan();
  EXPECT_FALSE(IsApproved(plan, "carol"));
  plan.approvals.push_back({"alice", "", Digest(plan)});  // its maker
  EXPECT_FALSE(IsApproved(plan, "carol"));
  plan.approvals.push_back({"bob", "", Digest(plan)});
  EXPECT_TRUE(IsApproved(plan, "carol"));
  EXPECT_FALSE(IsApproved(plan, "bob"));  // who applies it
  plan.steps[0].what = "other words";     // only said
  EXPECT_TRUE(IsApproved(plan, "carol"));
  Plan changed = plan;
  changed.steps[0].body["metadata"]["labels"]["n"] = "2";
  EXPECT_FALSE(IsApproved(changed, "carol"));
  changed = plan;
  changed.steps[1].enabled = true;
  EXPECT_FALSE(IsApproved(changed, "carol"));
}

TEST(Plan, SaysWhatMakesNoSense) {
  const std::string good = WritePlan(SomePlan());
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    const auto plan = ReadPlan(text);
    return plan ? std::string("read") : plan.error().message;
  };
  EXPECT_THAT(with("kind: patch", "kind: dance"),
              HasSubstr("step mark-pod: unknown kind \"dance\""));
  EXPECT_THAT(with("evidence: preserves", "evidence: maybe"),
              HasSubstr("preserves, alters or destroys"));
  EXPECT_THAT(with("id: acquire-pod", "id: mark-pod"), HasSubstr("two steps are mark-pod"));
  EXPECT_THAT(with("path: /api/v1", "path: /etc"), HasSubstr("has no path of the API"));
  EXPECT_THAT(with("phase: record", "fase: record"), HasSubstr("a step has no member fase"));
  EXPECT_THAT(with("enabled: true", "enabled: perhaps"), HasSubstr("true or false"));
  EXPECT_THAT(with("id: 2026", "id: ../2026"), HasSubstr("its id makes no sense"));
  EXPECT_THAT(with("version: 1", "version: 9"), HasSubstr("version 9"));
  EXPECT_THAT(ReadPlan("a: [").error().message, testing::Not(testing::IsEmpty()));
}

TEST(Plan, KnowsThePermissionsOfItsSteps) {
  const Plan plan = SomePlan();
  const auto permissions = PermissionsOf(plan.steps[0]);
  ASSERT_EQ(permissions.size(), 2U);
  EXPECT_EQ(permissions[1].Text(), "patch pods in namespace shop");
  Step create;
  create.kind = StepKind::kCreate;
  create.path = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies";
  create.body = {{"metadata", {{"name", "deny"}}}};
  EXPECT_EQ(ObjectPath(create), create.path + "/deny");
  EXPECT_EQ(PermissionsOf(create)[1].Text(),
            "create networkpolicies of networking.k8s.io in namespace shop");
}

}  // namespace
}  // namespace ekshume::live::respond
