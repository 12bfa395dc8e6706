// SPDX-License-Identifier: Apache-2.0
#include "live/respond/lockout.h"

#include <gtest/gtest.h>

namespace ekshume::live::respond {
namespace {

const aws::CallerIdentity kRole = {
    .arn = "arn:aws:sts::123456789012:assumed-role/responder/ekshume-C-1-alice",
    .account = "123456789012",
    .user_id = "AROAEXAMPLE:ekshume-C-1-alice"};
const aws::CallerIdentity kUser = {.arn = "arn:aws:iam::123456789012:user/team/alice",
                                   .account = "123456789012",
                                   .user_id = "AIDAEXAMPLE"};

AwsChange Denial(std::string_view resource, const Json& parameters, std::string_view condition) {
  AwsChange change;
  change.resource = resource;
  change.parameters = parameters;
  Json statement = {{"Effect", "Deny"}, {"Action", "*"}, {"Resource", "*"}};
  if (!condition.empty()) statement["Condition"] = Json::parse(condition);
  change.wanted = {{"document", {{"Statement", Json::array({statement})}}}};
  return change;
}

AwsChange Change(std::string_view resource, const Json& parameters, const Json& wanted) {
  AwsChange change;
  change.resource = resource;
  change.parameters = parameters;
  change.wanted = wanted;
  return change;
}

TEST(Lockout, OfOurRoleUnlessTheConditionIsAboutOthers) {
  const Json ours = {{"RoleName", "responder"}, {"PolicyName", "p"}};
  const Json other = {{"RoleName", "responder-2"}, {"PolicyName", "p"}};
  EXPECT_NE(LockoutOf(Denial("role-policy", ours, ""), kRole), "");
  EXPECT_EQ(LockoutOf(Denial("role-policy", other, ""), kRole), "");
  EXPECT_EQ(LockoutOf(Denial("role-policy", ours, ""), kUser), "");
  EXPECT_EQ(LockoutOf(Denial("role-policy", ours, ""), {}), "");
  const auto with = [&](std::string_view condition) {
    return LockoutOf(Denial("role-policy", ours, condition), kRole);
  };
  EXPECT_NE(with(R"({"DateLessThan":{"aws:TokenIssueTime":"${now}"}})"), "");
  EXPECT_NE(with(R"({"StringEquals":{"aws:userid":"AROAEXAMPLE:ekshume-C-1-alice"}})"), "");
  EXPECT_EQ(with(R"({"StringEquals":{"aws:userid":"AROAEXAMPLE:web-1"}})"), "");
  EXPECT_EQ(with(R"({"StringLike":{"aws:userid":"*:i-0123456789abcdef0"}})"), "");
  EXPECT_EQ(with(R"({"StringEquals":{"aws:PrincipalTag/kubernetes-pod-uid":"u"}})"), "");
  EXPECT_NE(LockoutOf(Change("role-trust", {{"RoleName", "responder"}}, Json::object()), kRole),
            "");
}

TEST(Lockout, OfOurUserAndOurKeys) {
  EXPECT_NE(LockoutOf(Denial("user-policy", {{"UserName", "alice"}}, ""), kUser), "");
  EXPECT_EQ(LockoutOf(Denial("user-policy", {{"UserName", "bob"}}, ""), kUser), "");
  const Json inactive = {{"status", "Inactive"}};
  EXPECT_NE(LockoutOf(Change("access-key", {{"UserName", "alice"}}, inactive), kUser), "");
  EXPECT_EQ(LockoutOf(Change("access-key", {{"UserName", "alice"}}, inactive), kRole), "");
}

TEST(Lockout, OfOurAccessEntry) {
  const auto of = [](const char* arn, const aws::CallerIdentity& caller) {
    return LockoutOf(Change("access-entry", {{"clusterName", "c"}, {"principalArn", arn}}, nullptr),
                     caller);
  };
  EXPECT_NE(of("arn:aws:iam::123456789012:role/path/responder", kRole), "");
  EXPECT_EQ(of("arn:aws:iam::123456789012:role/web", kRole), "");
  EXPECT_NE(of("arn:aws:iam::123456789012:user/team/alice", kUser), "");
  EXPECT_EQ(of("arn:aws:iam::123456789012:role/alice", kUser), "");
}

TEST(Lockout, OfTheInstanceThatWeRunOn) {
  const aws::CallerIdentity node = {
      .arn = "arn:aws:sts::123456789012:assumed-role/node/i-0123456789abcdef0",
      .account = "123456789012",
      .user_id = "AROANODE:i-0123456789abcdef0"};
  const Json here = {{"InstanceId", "i-0123456789abcdef0"}};
  EXPECT_NE(LockoutOf(Change("instance-profile", here, nullptr), node), "");
  EXPECT_EQ(LockoutOf(Change("instance-profile", {{"InstanceId", "i-1"}}, nullptr), node), "");
  EXPECT_EQ(LockoutOf(Change("instance-attribute", here, Json::object()), node), "");
  EXPECT_NE(LockoutOf(Denial("role-policy", {{"RoleName", "node"}},
                             R"({"StringLike":{"aws:userid":"*:i-0123456789abcdef0"}})"),
                      node),
            "");
}

TEST(Lockout, OfEverybodyByTheEndpoint) {
  const auto of = [](const Json& wanted) {
    return LockoutOf(Change("cluster-endpoint", {{"name", "c"}}, wanted), {});
  };
  EXPECT_EQ(of({{"public", "true"}, {"public_from", {"192.0.2.0/24"}}}), "");
  EXPECT_EQ(of({{"public", "true"}, {"public_from", {"10.0.0.0/8", "192.0.2.7/32"}}}), "");
  EXPECT_NE(of({{"public", "true"}, {"public_from", {"10.0.0.0/8"}}}), "");
  EXPECT_NE(of({{"public", "true"}, {"public_from", Json::array()}}), "");
}

TEST(Lockout, RangesOfTheInternet) {
  for (const char* range : {"0.0.0.0/0", "192.0.2.7/32", "8.0.0.0/7", "172.0.0.0/8"}) {
    EXPECT_TRUE(IsPublicRange(range)) << range;
  }
  for (const char* range : {"10.1.2.3/32", "172.16.0.0/12", "192.168.1.0/24", "100.64.0.0/10",
                            "127.0.0.1/32", "169.254.0.0/16", "192.0.2.7", "192.0.2/24",
                            "192.0.2.256/32", "192.0.2.0/33", "192.0.2.0/", "x/1", ""}) {
    EXPECT_FALSE(IsPublicRange(range)) << range;
  }
}

}  // namespace
}  // namespace ekshume::live::respond
