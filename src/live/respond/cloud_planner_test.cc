// SPDX-License-Identifier: Apache-2.0
#include "live/respond/cloud_planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "live/aws/credential_source.h"

namespace ekshume::live::respond {
namespace {

using wire::TextOf;

// A role that an OIDC provider's accounts may assume, without inline policies; no snapshots.
class RoleOnly final : public http::Transport {
 public:
  Result<http::Answer> Send(const http::Request& request) override {
    const auto asks = [&](std::string_view action) {
      return request.body.find(action) != std::string::npos;
    };
    if (asks("Action=DescribeSnapshots")) return Xml(200, "<snapshotSet/>");
    if (asks("Action=GetRole&")) {
      return Xml(200,
                 R"(<Role><AssumeRolePolicyDocument>{"Statement":[{"Effect":"Allow","Action":)"
                 R"("sts:AssumeRoleWithWebIdentity","Sid":"Ekshume1","Principal":{"Federated":)"
                 R"("arn:aws:iam::123456789012:oidc-provider/oidc.test/id/X"}}]})"
                 R"(</AssumeRolePolicyDocument></Role>)");
    }
    return Xml(404, "<Errors><Error><Code>NoSuchEntity</Code></Error></Errors>");
  }

 private:
  static http::Answer Xml(int status, const std::string& inner) {
    return {.status = status, .headers = {}, .body = "<R>" + inner + "</R>"};
  }
};

class CloudPlannerTest : public testing::Test {
 protected:
  static aws::ClientSettings Settings() {
    aws::ClientSettings settings;
    settings.region = "eu-central-1";
    settings.wait = [](std::chrono::milliseconds) {};
    return settings;
  }
  const Step& Only(std::string_view resource) {
    const Step* found = nullptr;
    for (const Step& step : maker_.plan().steps) {
      if (step.aws.resource != resource) continue;
      EXPECT_EQ(found, nullptr) << step.id;
      found = &step;
    }
    EXPECT_NE(found, nullptr);
    return *found;
  }

  RoleOnly transport_;
  aws::FixedCredentials credentials_{{.access_key_id = "AKIDEXAMPLE", .secret_access_key = "s"}};
  const aws::Client client_{transport_, credentials_, Settings()};
  const PlanRequest request_{.target = "case/c", .case_id = "c", .by = "alice"};
  PlanMaker maker_{request_, PlanSources{nullptr, &client_}};
  CloudPlanner& cloud_ = *maker_.cloud();
};

TEST_F(CloudPlannerTest, TwoDenialsOfOneRoleAreTwoPolicies) {
  const auto deny = [&](const char* user) {
    return DenySessions(cloud_, "web", "session", {{"StringEquals", {{"aws:userid", user}}}}, "",
                        "");
  };
  ASSERT_NE(deny("A:one"), nullptr);
  ASSERT_NE(deny("A:two"), nullptr);
  ASSERT_NE(deny("A:one"), nullptr);
  std::set<std::string> names;
  for (const Step& step : maker_.plan().steps) {
    names.insert(TextOf(step.aws.parameters, "PolicyName"));
  }
  EXPECT_EQ(maker_.plan().steps.size(), 2U);
  EXPECT_EQ(names.size(), 2U);
}

// One trust policy is one step: a second would take the first one's denial out again.
TEST_F(CloudPlannerTest, DenialsOfOneTrustPolicyAreOneStep) {
  for (const char* account : {"web", "api", "web"}) {
    const auto denied = DenyWebIdentity(cloud_, "web", "shop", account, true);
    ASSERT_TRUE(denied) << denied.error().message;
    ASSERT_NE(*denied, nullptr);
  }
  const Step& step = Only("role-trust");
  EXPECT_TRUE(step.enabled);
  const Json& statements = step.aws.wanted["document"]["Statement"];
  ASSERT_EQ(statements.size(), 3U);
  std::set<std::string> names;
  std::vector<std::string> subjects;
  for (const Json& statement : statements) {
    names.insert(TextOf(statement, "Sid"));
    if (TextOf(statement, "Effect") != "Deny") continue;
    subjects.push_back(TextOf(statement["Condition"]["StringEquals"], "oidc.test/id/X:sub"));
  }
  EXPECT_EQ(names.size(), 3U);
  EXPECT_THAT(subjects, testing::ElementsAre("system:serviceaccount:shop:web",
                                             "system:serviceaccount:shop:api"));
  EXPECT_TRUE(maker_.plan().warnings.empty());
  // Who shares an account keeps the whole step from being enabled, and that is said.
  ASSERT_TRUE(DenyWebIdentity(cloud_, "web", "shop", "shared", false));
  EXPECT_FALSE(Only("role-trust").enabled);
  EXPECT_EQ(maker_.plan().warnings.size(), 1U);
}

TEST_F(CloudPlannerTest, EachInstanceHasItsOwnSnapshots) {
  const auto keep = [&](const char* id, const char* volume) {
    const Json mapping = {{"deviceName", "/dev/xvda"}, {"ebs", {{"volumeId", volume}}}};
    KeepInstanceDisks(cloud_, {id, {{"blockDeviceMapping", Json::array({mapping})}}, ""});
  };
  keep("i-1", "vol-1");
  keep("i-2", "vol-2");
  std::set<std::string> marks;
  std::vector<std::string> locked;
  for (const Step& step : maker_.plan().steps) {
    if (step.aws.resource == "snapshots") marks.insert(TextOf(step.aws.parameters, "Mark"));
    if (step.aws.resource == "snapshot-lock") {
      locked.push_back(TextOf(step.aws.parameters, "SnapshotId"));
    }
  }
  EXPECT_EQ(marks.size(), 2U);
  EXPECT_THAT(locked,
              testing::ElementsAre("${snapshot-volumes.vol-1}", "${snapshot-volumes-2.vol-2}"));
}

}  // namespace
}  // namespace ekshume::live::respond
