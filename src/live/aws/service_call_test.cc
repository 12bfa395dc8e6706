// SPDX-License-Identifier: Apache-2.0
#include "live/aws/service_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "live/aws/credential_source.h"
#include "live/http/testing_transport.h"

namespace ekshume::live::aws {
namespace {

using testing::HasSubstr;

class ServiceCallTest : public testing::Test {
 protected:
  ServiceCallTest() : client_(transport_, credentials_, Settings()) {}
  static ClientSettings Settings() {
    ClientSettings settings;
    settings.region = "eu-central-1";
    settings.wait = [](std::chrono::milliseconds) {};
    return settings;
  }
  http::TestTransport transport_;
  FixedCredentials credentials_{{.access_key_id = "AKIDEXAMPLE", .secret_access_key = "secret"}};
  Client client_;
};

TEST(FlattenParametersTest, NumbersListsFromOne) {
  const Json parameters = Json::parse(R"({"A":"x","B":[{"C":1,"D":["p","q"]}],"E":{"F":true}})");
  EXPECT_EQ(EncodeQuery(FlattenParameters(parameters, false)),
            "A=x&B.1.C=1&B.1.D.1=p&B.1.D.2=q&E.F=true");
  EXPECT_EQ(EncodeQuery(FlattenParameters(parameters, true)),
            "A=x&B.member.1.C=1&B.member.1.D.member.1=p&B.member.1.D.member.2=q&E.F=true");
}

TEST(JsonOfXmlTest, MakesMembersListsAndTexts) {
  const auto json = JsonOfXml(
      "<R><requestId>1</requestId><set><item><id>a</id></item><item><id>b</id></item></set>"
      "<empty/><text>x &amp; y</text></R>",
      "test");
  ASSERT_TRUE(json) << json.error().message;
  EXPECT_EQ(*json, Json::parse(R"({"requestId":"1","set":[{"id":"a"},{"id":"b"}],"empty":"",
                                   "text":"x & y"})"));
}

TEST(JsonOfXmlTest, RefusesWhatIsTooDeepOrNoXml) {
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "<a>";
  for (int i = 0; i < 40; ++i) deep += "</a>";
  const auto json = JsonOfXml(deep, "test");
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error().code, ErrorCode::kLimit);
  EXPECT_FALSE(JsonOfXml("{}", "test"));
}

TEST_F(ServiceCallTest, AsksIamInItsOneRegion) {
  transport_.Add(200,
                 "<GetRoleResponse><GetRoleResult><Role><RoleName>web</RoleName></Role>"
                 "</GetRoleResult></GetRoleResponse>");
  const auto answer = CallService(client_, {"iam", "GetRole", {{"RoleName", "web"}}}, "");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ((*answer)["Role"]["RoleName"], "web");
  const auto& request = transport_.requests.at(0);
  EXPECT_EQ(request.url, "https://iam.amazonaws.com/");
  EXPECT_EQ(request.body, "Action=GetRole&Version=2010-05-08&RoleName=web");
  std::string authorization;
  for (const auto& [name, value] : request.headers) {
    if (name == "authorization") authorization = value;
  }
  EXPECT_THAT(authorization, HasSubstr("/us-east-1/iam/aws4_request"));
}

TEST_F(ServiceCallTest, PutsNamesWithSlashesIntoAPath) {
  transport_.Add(200, R"({"accessEntry":{}})");
  ASSERT_TRUE(CallService(client_,
                          {"eks",
                           "DescribeAccessEntry",
                           {{"clusterName", "c"}, {"principalArn", "arn:aws:iam::1:role/a/b"}}},
                          ""));
  EXPECT_EQ(transport_.requests.at(0).url,
            "https://eks.eu-central-1.amazonaws.com/clusters/c/access-entries/"
            "arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa%2Fb");
  EXPECT_EQ(transport_.requests.at(0).method, "GET");
  EXPECT_FALSE(CallService(client_, {"eks", "DeleteCluster", {{"name", "c"}}}, ""));
}

TEST_F(ServiceCallTest, SpeaksJsonToEcr) {
  transport_.Add(200, R"({"images":[]})");
  ASSERT_TRUE(CallService(client_, {"ecr", "BatchGetImage", {{"repositoryName", "r"}}}, ""));
  EXPECT_THAT(transport_.requests.at(0).url, HasSubstr("https://api.ecr.eu-central-1."));
  EXPECT_EQ(transport_.requests.at(0).body, R"({"repositoryName":"r"})");
}

// What may have been done is not done again.
TEST_F(ServiceCallTest, AChangeIsMadeOnceUnlessItWasRefused) {
  transport_.AddCut();
  EXPECT_FALSE(CallService(client_, {"ec2", "CreateSnapshots", Json::object(), true}, ""));
  EXPECT_EQ(transport_.requests.size(), 1U);
  transport_.Add(500, "");
  EXPECT_FALSE(CallService(client_, {"ec2", "CreateSnapshots", Json::object(), true}, ""));
  EXPECT_EQ(transport_.requests.size(), 2U);
  transport_.Add(503,
                 "<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors>"
                 "</Response>");
  transport_.Add(200, "<R/>");
  EXPECT_TRUE(CallService(client_, {"ec2", "CreateSnapshots", Json::object(), true}, ""));
  EXPECT_EQ(transport_.requests.size(), 4U);
  // What only reads is asked again.
  transport_.AddCut();
  transport_.Add(200, "<R/>");
  EXPECT_TRUE(CallService(client_, {"ec2", "DescribeSnapshots"}, ""));
}

TEST_F(ServiceCallTest, ADryRunSaysWhetherItMay) {
  const ServiceCall call = {"ec2", "StopInstances", {{"InstanceId", {"i-1"}}}, true};
  transport_.Add(
      412, "<Response><Errors><Error><Code>DryRunOperation</Code></Error></Errors></Response>");
  EXPECT_TRUE(DryRunService(client_, call, ""));
  EXPECT_THAT(transport_.requests.at(0).body, HasSubstr("DryRun=true"));
  transport_.Add(403,
                 "<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors>"
                 "</Response>");
  const auto denied = DryRunService(client_, call, "");
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(denied.error().message, HasSubstr("ec2:StopInstances"));
}

}  // namespace
}  // namespace ekshume::live::aws
