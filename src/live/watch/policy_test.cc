// SPDX-License-Identifier: Apache-2.0
#include "live/watch/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ekshume::live::watch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kPolicy =
    "webhook: https://hooks.example.org/ir\n"
    "rules:\n"
    "  - type: 'Execution:Kubernetes/*'\n"
    "    min_severity: 4\n"
    "    acquire: pod\n"
    "    arguments: ['--memory', 'anonymous']\n"
    "  - acquire: snapshot\n"
    "    min_severity: 7.5\n"
    "  - acquire: node\n"
    "    min_severity: 7.5\n";

wire::Json Finding(std::string_view type, double severity) {
  return {{"id", "f1"},
          {"type", type},
          {"severity", severity},
          {"service", {{"archived", false}}},
          {"resource",
           {{"eksClusterDetails", {{"name", "prod"}}},
            {"instanceDetails", {{"instanceId", "i-0123456789abcdef0"}}},
            {"kubernetesDetails",
             {{"kubernetesWorkloadDetails",
               {{"name", "web-1"}, {"namespace", "shop"}, {"type", "pods"}}}}}}}};
}

TEST(Policy, MapsFindingsToAcquisitions) {
  const auto policy = ReadPolicy(kPolicy);
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ(policy->webhook, "https://hooks.example.org/ir");
  auto tasks = TasksFor(*policy, *ReadFinding(Finding("Execution:Kubernetes/X", 4)));
  ASSERT_EQ(tasks.size(), 1U);
  EXPECT_THAT(tasks[0].arguments,
              ElementsAre("acquire", "pod", "shop/web-1", "--memory", "anonymous"));
  tasks = TasksFor(*policy, *ReadFinding(Finding("Other:EC2/X", 8)));
  ASSERT_EQ(tasks.size(), 2U);
  EXPECT_THAT(tasks[0].arguments, ElementsAre("acquire", "snapshot", "i-0123456789abcdef0"));
  EXPECT_THAT(tasks[1].arguments,
              ElementsAre("acquire", "node", "i-0123456789abcdef0", "--via", "ssm"));
  EXPECT_TRUE(TasksFor(*policy, *ReadFinding(Finding("Execution:Kubernetes/X", 3.9))).empty());
}

TEST(Policy, SaysItselfHowANodeIsReached) {
  const auto policy =
      ReadPolicy("rules:\n  - acquire: node\n    arguments: [--via=pod, --eks-cluster, prod]\n");
  ASSERT_TRUE(policy) << policy.error().message;
  const auto tasks = TasksFor(*policy, *ReadFinding(Finding("X", 8)));
  ASSERT_EQ(tasks.size(), 1U);
  EXPECT_THAT(tasks[0].arguments, ElementsAre("acquire", "node", "i-0123456789abcdef0", "--via=pod",
                                              "--eks-cluster", "prod"));
}

TEST(Policy, StartsNothingForSamplesAndArchivedFindings) {
  const auto policy = ReadPolicy(kPolicy);
  wire::Json finding = Finding("Execution:Kubernetes/X", 8);
  finding["service"]["additionalInfo"]["sample"] = true;
  EXPECT_TRUE(TasksFor(*policy, *ReadFinding(finding)).empty());
  finding = Finding("Execution:Kubernetes/X", 8);
  finding["service"]["archived"] = true;
  EXPECT_TRUE(TasksFor(*policy, *ReadFinding(finding)).empty());
}

TEST(Policy, TakesNoOptionForAName) {
  wire::Json finding = Finding("X", 8);
  finding["resource"]["kubernetesDetails"]["kubernetesWorkloadDetails"]["namespace"] =
      "--kubeconfig";
  finding["resource"]["instanceDetails"]["instanceId"] = "i-0 --endpoint-url http://evil.test";
  const auto object = ReadFinding(finding);
  ASSERT_TRUE(object);
  EXPECT_EQ(object->pod, "");
  EXPECT_EQ(object->instance, "");
  EXPECT_FALSE(ReadFinding(wire::Json::object()));
}

TEST(Policy, RefusesWhatIsMisspelt) {
  EXPECT_THAT(ReadPolicy("rules: [{aquire: pod}]").error().message, HasSubstr("no member aquire"));
  EXPECT_THAT(ReadPolicy("rules: [{acquire: cluster}]").error().message, HasSubstr("\"cluster\""));
  EXPECT_THAT(ReadPolicy("rules: [{acquire: pod, min_severity: high}]").error().message,
              HasSubstr("no number"));
  EXPECT_THAT(ReadPolicy("webhook: https://x.test/").error().message, HasSubstr("no rules"));
  EXPECT_THAT(ReadPolicy("webhok: x\nrules: [{acquire: pod}]").error().message,
              HasSubstr("webhok"));
  EXPECT_FALSE(ReadPolicy("webhook: ftp://x\nrules: [{acquire: pod}]"));
  EXPECT_FALSE(ReadPolicy("- a"));
}

TEST(Policy, Patterns) {
  EXPECT_TRUE(FitsPattern("Execution:Kubernetes/ExecIn", "Execution:*/Exec??"));
  EXPECT_TRUE(FitsPattern("", "*"));
  EXPECT_FALSE(FitsPattern("Execution:EC2/X", "Execution:Kubernetes/*"));
  EXPECT_FALSE(FitsPattern("abc", "ab"));
  EXPECT_TRUE(FitsPattern(std::string(5000, 'a') + "b", "*a*a*a*a*a*a*b"));
}

}  // namespace
}  // namespace ekshume::live::watch
