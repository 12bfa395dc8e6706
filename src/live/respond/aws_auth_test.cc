// SPDX-License-Identifier: Apache-2.0
#include "live/respond/aws_auth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ekshume::live::respond {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kRoles = R"(# kept by the platform team
- groups:
  - system:bootstrappers
  - system:nodes
  rolearn: arn:aws:iam::123456789012:role/nodes
  username: system:node:{{EC2PrivateDNSName}}
- rolearn: arn:aws:iam::123456789012:role/ci   # temporary
  username: ci
  groups: [system:masters]
- rolearn: arn:aws:iam::123456789012:role/readers
  username: readers
)";

Json ConfigMap(std::string roles, std::string users = "", std::string accounts = "") {
  Json object = {{"kind", "ConfigMap"},
                 {"metadata", {{"name", "aws-auth"}, {"namespace", "kube-system"}}},
                 {"data", Json::object()}};
  if (!roles.empty()) object["data"]["mapRoles"] = std::move(roles);
  if (!users.empty()) object["data"]["mapUsers"] = std::move(users);
  if (!accounts.empty()) object["data"]["mapAccounts"] = std::move(accounts);
  return object;
}

TEST(AwsAuth, TakesOneRowAndLeavesTheRestByteByByte) {
  const auto edit = WithoutPrincipal(ConfigMap(kRoles), "arn:aws:iam::123456789012:role/ci");
  ASSERT_TRUE(edit) << edit.error().message;
  EXPECT_THAT(edit->removed,
              ElementsAre("role arn:aws:iam::123456789012:role/ci as ci (system:masters)"));
  EXPECT_THAT(edit->for_nodes, IsEmpty());
  std::string expected = kRoles;
  const size_t begin = expected.find("- rolearn: arn:aws:iam::123456789012:role/ci");
  const size_t end = expected.find("- rolearn: arn:aws:iam::123456789012:role/readers");
  const std::string row = expected.substr(begin, end - begin);
  expected.erase(begin, end - begin);
  EXPECT_EQ(edit->patch["data"]["mapRoles"], expected);
  EXPECT_THAT(edit->diff, HasSubstr("- mapRoles: - rolearn: arn:aws:iam::123456789012:role/ci"));
  EXPECT_THAT(edit->diff, HasSubstr("- mapRoles:   groups: [system:masters]"));
}

TEST(AwsAuth, KnowsASessionOfARoleAndARoleWithAPath) {
  for (const char* arn : {"arn:aws:sts::123456789012:assumed-role/ci/i-0123456789abcdef0",
                          "arn:aws:iam::123456789012:role/teams/build/ci"}) {
    const auto edit = WithoutPrincipal(ConfigMap(kRoles), arn);
    ASSERT_TRUE(edit);
    EXPECT_EQ(edit->removed.size(), 1U) << arn;
  }
  for (const char* arn : {"arn:aws:iam::210987654321:role/ci", "arn:aws:iam::123456789012:user/ci",
                          "arn:aws:iam::123456789012:role/other", "ci", "", "arn:aws:iam"}) {
    const auto edit = WithoutPrincipal(ConfigMap(kRoles), arn);
    ASSERT_TRUE(edit);
    EXPECT_THAT(edit->removed, IsEmpty()) << arn;
    EXPECT_TRUE(edit->patch.is_null()) << arn;
  }
}

TEST(AwsAuth, NeverTakesARowOfNodes) {
  const std::string both = std::string(kRoles) +
                           "- rolearn: arn:aws:iam::123456789012:role/nodes\n"
                           "  username: back\n  groups: [system:masters]\n";
  const auto edit = WithoutPrincipal(ConfigMap(both), "arn:aws:iam::123456789012:role/nodes");
  ASSERT_TRUE(edit) << edit.error().message;
  EXPECT_EQ(edit->for_nodes.size(), 1U);
  EXPECT_THAT(edit->removed, ElementsAre(HasSubstr("as back (system:masters)")));
  EXPECT_EQ(edit->patch["data"]["mapRoles"], kRoles);

  // Nor lets a plan that was changed by hand.
  const Json before = ConfigMap(kRoles);
  EXPECT_THAT(
      CheckNodesStay(before, ConfigMap("[]")).error().message,
      HasSubstr("would lock nodes out, whose row is role arn:aws:iam::123456789012:role/nodes"));
  EXPECT_FALSE(CheckNodesStay(before, ConfigMap("")));
  EXPECT_FALSE(CheckNodesStay(before, ConfigMap("- a: [")));
  EXPECT_FALSE(CheckNodesStay(before, ConfigMap("text")));
  std::string other = kRoles;
  other.replace(other.find("  - system:nodes\n"), 17, "");
  EXPECT_FALSE(CheckNodesStay(before, ConfigMap(other)));
  EXPECT_TRUE(CheckNodesStay(before, ConfigMap(both)));
  EXPECT_TRUE(CheckNodesStay(ConfigMap("text"), before));  // nobody could come in before either
}

TEST(AwsAuth, WritesListsOfAnotherStyleAnew) {
  const std::string flow =
      R"([{"rolearn":"arn:aws:iam::123456789012:role/n","username":"n","groups":["system:nodes"]},)"
      R"({"rolearn":"arn:aws:iam::123456789012:role/ci","username":"ci"}])";
  const Json before = ConfigMap(flow, "- userarn: arn:aws:iam::123456789012:user/mallory\n",
                                "- \"123456789012\"\n- '210987654321'\n");
  const auto edit = WithoutPrincipal(before, "arn:aws:iam::123456789012:role/ci");
  ASSERT_TRUE(edit) << edit.error().message;
  EXPECT_TRUE(edit->account_is_mapped);
  Json after = before;
  after.merge_patch(edit->patch);
  EXPECT_THAT(after["data"]["mapRoles"].get<std::string>(), HasSubstr("role/n"));
  const auto none = WithoutPrincipal(after, "arn:aws:iam::123456789012:role/ci");
  ASSERT_TRUE(none);
  EXPECT_THAT(none->removed, IsEmpty());

  const auto user = WithoutPrincipal(before, "arn:aws:iam::123456789012:user/mallory");
  ASSERT_TRUE(user);
  EXPECT_EQ(user->patch["data"], Json::parse(R"({"mapUsers":"[]\n"})"));
  const auto account = WithoutPrincipal(before, "arn:aws:iam::210987654321:root");
  ASSERT_TRUE(account);
  EXPECT_EQ(account->patch["data"], Json::parse(R"({"mapAccounts":"- \"123456789012\"\n"})"));
}

TEST(AwsAuth, SaysWhatItCannotRead) {
  EXPECT_THAT(WithoutPrincipal(ConfigMap("a: b"), "arn:x").error().message,
              HasSubstr("mapRoles is no list"));
  EXPECT_FALSE(WithoutPrincipal(ConfigMap("- [", "", ""), "arn:x"));
  const auto empty = WithoutPrincipal(ConfigMap("", " \n"), "arn:x");
  ASSERT_TRUE(empty);
  EXPECT_THAT(empty->removed, IsEmpty());
  EXPECT_TRUE(WithoutPrincipal(Json::object(), "arn:x"));
  EXPECT_TRUE(WithoutPrincipal(ConfigMap("- 7\n- [a]\n- {groups: x}\n"), "arn:x"));
}

}  // namespace
}  // namespace ekshume::live::respond
