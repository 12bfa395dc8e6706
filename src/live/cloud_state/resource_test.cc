// SPDX-License-Identifier: Apache-2.0
#include "live/cloud_state/resource.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace ekshume::live::cloud_state {
namespace {

// A state and another one of a thing; the calls that lead there and those that lead back.
struct Way {
  const char* resource;
  Json parameters;
  Json from;
  Json to;
  std::vector<std::string> there;
  std::vector<std::string> back;
};

std::vector<Way> Ways() {
  const Json document = {{"document", {{"Version", "2012-10-17"}, {"Statement", Json::array()}}}};
  const Json instance = {{"InstanceId", "i-1"}};
  const Json group = {{"AutoScalingGroupName", "g"}, {"InstanceId", "i-1"}};
  const auto with = [](Json object, const char* name, const char* value) {
    object[name] = value;
    return object;
  };
  return {
      {"instance-attribute",
       with(instance, "Attribute", "disableApiTermination"),
       {{"value", "false"}},
       {{"value", "true"}},
       {"ec2:ModifyInstanceAttribute"},
       {"ec2:ModifyInstanceAttribute"}},
      {"instance-volume",
       with(instance, "DeviceName", "/dev/xvda"),
       {{"delete_on_termination", "true"}},
       {{"delete_on_termination", "false"}},
       {"ec2:ModifyInstanceAttribute"},
       {"ec2:ModifyInstanceAttribute"}},
      {"instance-metadata-options",
       instance,
       {{"http_tokens", "optional"}, {"hop_limit", "2"}},
       {{"http_tokens", "required"}, {"hop_limit", "1"}},
       {"ec2:ModifyInstanceMetadataOptions"},
       {"ec2:ModifyInstanceMetadataOptions"}},
      {"instance-profile",
       instance,
       {{"arn", "a"}, {"@association", "b"}},
       nullptr,
       {"ec2:DisassociateIamInstanceProfile"},
       {"ec2:AssociateIamInstanceProfile"}},
      {"instance-profile",
       instance,
       {{"arn", "a"}, {"@association", "b"}},
       {{"arn", "deny"}, {"@association", "b"}},
       {"ec2:ReplaceIamInstanceProfileAssociation"},
       {"ec2:ReplaceIamInstanceProfileAssociation"}},
      {"instance-state",
       instance,
       {{"state", "running"}},
       {{"state", "stopped"}},
       {"ec2:StopInstances"},
       {"ec2:StartInstances"}},
      {"instance-termination",
       instance,
       {{"state", "running"}},
       {{"state", "terminated"}},
       {"ec2:TerminateInstances"},
       {}},
      {"network-interface-groups",
       {{"NetworkInterfaceId", "eni-1"}},
       {{"groups", {"sg-1"}}},
       {{"groups", {"sg-2"}}},
       {"ec2:ModifyNetworkInterfaceAttribute"},
       {"ec2:ModifyNetworkInterfaceAttribute"}},
      {"security-group",
       {{"GroupName", "n"}, {"VpcId", "vpc-1"}},
       nullptr,
       {{"description", "d"}, {"@id", "sg-1"}},
       {"ec2:CreateSecurityGroup"},
       {"ec2:DeleteSecurityGroup"}},
      {"security-group-rules",
       {{"GroupId", "sg-1"}, {"Direction", "egress"}},
       {{"rules", Json::array({{{"IpProtocol", "-1"}, {"CidrIp", "0.0.0.0/0"}}})}},
       {{"rules", Json::array()}},
       {"ec2:RevokeSecurityGroupEgress"},
       {"ec2:AuthorizeSecurityGroupEgress"}},
      {"network-acl-entry",
       {{"NetworkAclId", "acl-1"}, {"RuleNumber", "1"}, {"Egress", "true"}},
       nullptr,
       {{"protocol", "-1"}, {"action", "deny"}, {"cidr", "0.0.0.0/0"}},
       {"ec2:CreateNetworkAclEntry"},
       {"ec2:DeleteNetworkAclEntry"}},
      {"address-association",
       {{"AllocationId", "eipalloc-1"}},
       {{"networkInterfaceId", "eni-1"}, {"@association", "a"}},
       nullptr,
       {"ec2:DisassociateAddress"},
       {"ec2:AssociateAddress"}},
      {"target-registration",
       {{"TargetGroupArn", "t"}, {"Id", "i-1"}, {"Port", "80"}},
       {{"registered", "true"}},
       nullptr,
       {"elasticloadbalancing:DeregisterTargets"},
       {"elasticloadbalancing:RegisterTargets"}},
      {"snapshots",
       with(instance, "Mark", "p/s"),
       nullptr,
       {{"made", "true"}},
       {"ec2:CreateSnapshots"},
       {}},
      {"snapshot-lock",
       {{"SnapshotId", "snap-1"}},
       nullptr,
       {{"mode", "governance"}, {"days", "30"}},
       {"ec2:LockSnapshot"},
       {"ec2:UnlockSnapshot"}},
      {"snapshot-lock",
       {{"SnapshotId", "snap-1"}},
       nullptr,
       {{"mode", "compliance"}, {"days", "30"}},
       {"ec2:LockSnapshot"},
       {}},
      {"snapshot-sharing",
       {{"SnapshotId", "snap-1"}, {"UserId", "123456789012"}},
       nullptr,
       {{"shared", "true"}},
       {"ec2:ModifySnapshotAttribute"},
       {"ec2:ModifySnapshotAttribute"}},
      {"scale-in-protection",
       group,
       {{"protected", "false"}},
       {{"protected", "true"}},
       {"autoscaling:SetInstanceProtection"},
       {"autoscaling:SetInstanceProtection"}},
      {"autoscaling-processes",
       group,
       {{"suspended", Json::array()}},
       {{"suspended", {"AZRebalance"}}},
       {"autoscaling:SuspendProcesses"},
       {"autoscaling:ResumeProcesses"}},
      {"autoscaling-membership",
       group,
       {{"lifecycle", "InService"}},
       {{"lifecycle", "Standby"}},
       {"autoscaling:EnterStandby"},
       {"autoscaling:ExitStandby"}},
      {"autoscaling-membership",
       group,
       {{"lifecycle", "InService"}},
       nullptr,
       {"autoscaling:DetachInstances"},
       {"autoscaling:AttachInstances"}},
      {"role-policy",
       {{"RoleName", "r"}, {"PolicyName", "p"}},
       nullptr,
       document,
       {"iam:PutRolePolicy"},
       {"iam:DeleteRolePolicy"}},
      {"user-policy",
       {{"UserName", "u"}, {"PolicyName", "p"}},
       nullptr,
       document,
       {"iam:PutUserPolicy"},
       {"iam:DeleteUserPolicy"}},
      {"role-trust",
       {{"RoleName", "r"}},
       document,
       document,
       {"iam:UpdateAssumeRolePolicy"},
       {"iam:UpdateAssumeRolePolicy"}},
      {"access-key",
       {{"UserName", "u"}, {"AccessKeyId", "AKIDEXAMPLE"}},
       {{"status", "Active"}},
       {{"status", "Inactive"}},
       {"iam:UpdateAccessKey"},
       {"iam:UpdateAccessKey"}},
      {"login-profile",
       {{"UserName", "u"}},
       {{"created", "x"}},
       nullptr,
       {"iam:DeleteLoginProfile"},
       {}},
      {"pod-identity-association",
       {{"clusterName", "c"}, {"namespace", "n"}, {"serviceAccount", "s"}},
       {{"roleArn", "r"}, {"@id", "a-1"}},
       nullptr,
       {"eks:DeletePodIdentityAssociation"},
       {"eks:CreatePodIdentityAssociation"}},
      {"access-entry",
       {{"clusterName", "c"}, {"principalArn", "a"}},
       {{"type", "STANDARD"}, {"policies", Json::array({{{"policyArn", "p"}}})}},
       nullptr,
       {"eks:DeleteAccessEntry"},
       {"eks:CreateAccessEntry", "eks:AssociateAccessPolicy"}},
      {"access-policy",
       {{"clusterName", "c"}, {"principalArn", "a"}, {"policyArn", "p"}},
       {{"accessScope", {{"type", "cluster"}}}},
       nullptr,
       {"eks:DisassociateAccessPolicy"},
       {"eks:AssociateAccessPolicy"}},
      {"cluster-endpoint",
       {{"name", "c"}},
       {{"public", "true"}, {"private", "false"}, {"public_from", {"0.0.0.0/0"}}},
       {{"public", "true"}, {"private", "true"}, {"public_from", {"192.0.2.0/24"}}},
       {"eks:UpdateClusterConfig"},
       {"eks:UpdateClusterConfig"}},
      {"cluster-logging",
       {{"name", "c"}},
       {{"enabled", {"audit"}}},
       {{"enabled", {"api", "audit"}}},
       {"eks:UpdateClusterConfig"},
       {"eks:UpdateClusterConfig"}},
      {"identity-provider",
       {{"clusterName", "c"}, {"configName", "o"}},
       {{"issuerUrl", "https://login.example"}, {"clientId", "k"}},
       nullptr,
       {"eks:DisassociateIdentityProviderConfig"},
       {"eks:AssociateIdentityProviderConfig"}},
      {"repository-tags",
       {{"repositoryName", "r"}},
       {{"tags", "MUTABLE"}},
       {{"tags", "IMMUTABLE"}},
       {"ecr:PutImageTagMutability"},
       {"ecr:PutImageTagMutability"}},
      {"repository-image",
       {{"repositoryName", "r"}, {"imageDigest", "sha256:1"}},
       {{"manifest", "{}"}, {"tags", {"a", "b"}}},
       nullptr,
       {"ecr:BatchDeleteImage"},
       {"ecr:PutImage", "ecr:PutImage"}},
  };
}

std::vector<std::string> NamesOf(const std::vector<ServiceCall>& calls) {
  std::vector<std::string> names;
  for (const ServiceCall& call : calls) {
    EXPECT_TRUE(call.changes) << call.operation;
    names.push_back(aws::PermissionOf(call));
  }
  return names;
}

TEST(ResourceTest, EachHasAWayThereAndBack) {
  std::set<std::string> seen;
  for (const Way& way : Ways()) {
    SCOPED_TRACE(way.resource);
    const Resource* resource = FindResource(way.resource);
    ASSERT_NE(resource, nullptr);
    seen.insert(way.resource);
    for (const std::string_view parameter : resource->parameters) {
      EXPECT_TRUE(way.parameters.contains(parameter)) << parameter;
    }
    EXPECT_EQ(NamesOf(resource->change(way.parameters, way.from, way.to)), way.there);
    EXPECT_EQ(NamesOf(resource->change(way.parameters, way.to, way.from)), way.back);
    if (resource->undo == Undo::kPutsBack &&
        way.to != Json{{"mode", "compliance"}, {"days", "30"}}) {
      EXPECT_FALSE(way.back.empty());
    }
  }
  for (const Resource& resource : AllResources()) {
    EXPECT_TRUE(seen.contains(std::string(resource.name))) << resource.name;
  }
}

TEST(ResourceTest, ReadsNameAPermission) {
  for (const Resource& resource : AllResources()) {
    EXPECT_THAT(std::string(resource.read_with),
                testing::MatchesRegex("[a-z0-9]+:(Describe|Get|List|BatchGet)[A-Za-z]+"));
    EXPECT_FALSE(resource.parameters.empty()) << resource.name;
  }
}

TEST(ResourceTest, PartsBelongToAWholeThatHasTheirParameters) {
  size_t parts = 0;
  for (const Resource& part : AllResources()) {
    EXPECT_EQ(part.part_of.empty(), part.with_part == nullptr) << part.name;
    if (part.part_of.empty()) continue;
    ++parts;
    const Resource* whole = FindResource(part.part_of);
    ASSERT_NE(whole, nullptr) << part.name;
    for (const std::string_view name : whole->parameters) {
      EXPECT_THAT(part.parameters, testing::Contains(name)) << part.name;
    }
  }
  EXPECT_EQ(parts, 2U);
  const Json scope = {{"type", "cluster"}};
  const Json policy = {{"policyArn", "p"}, {"accessScope", scope}};
  const Json with = {{"username", "u"}, {"policies", Json::array({policy})}};
  const Json without = {{"username", "u"}, {"policies", Json::array()}};
  const Resource& access_policy = *FindResource("access-policy");
  const Json which = {{"policyArn", "p"}};
  EXPECT_EQ(access_policy.with_part(with, which, nullptr), without);
  EXPECT_EQ(access_policy.with_part(without, which, {{"accessScope", scope}}), with);
  EXPECT_EQ(access_policy.with_part(nullptr, which, nullptr), nullptr);
}

TEST(ResourceTest, NobodyIsAttachedToStandBy) {
  const Resource& membership = *FindResource("autoscaling-membership");
  EXPECT_TRUE(membership.change({}, nullptr, {{"lifecycle", "Standby"}}).empty());
  EXPECT_EQ(membership.change({}, nullptr, {{"lifecycle", "InService"}}).size(), 1U);
}

TEST(ResourceTest, RulesGoOneByOne) {
  const Json parameters = {{"GroupId", "sg-1"}, {"Direction", "ingress"}};
  const Json old_rule = {
      {"IpProtocol", "tcp"}, {"FromPort", "22"}, {"ToPort", "22"}, {"CidrIp", "10.0.0.0/8"}};
  const Json new_rule = {
      {"IpProtocol", "tcp"}, {"FromPort", "443"}, {"ToPort", "443"}, {"GroupId", "sg-2"}};
  const auto calls = FindResource("security-group-rules")
                         ->change(parameters, {{"rules", Json::array({old_rule})}},
                                  {{"rules", Json::array({new_rule})}});
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].operation, "AuthorizeSecurityGroupIngress");
  EXPECT_EQ(calls[0].parameters["IpPermissions"],
            Json::parse(R"([{"IpProtocol":"tcp","FromPort":"443","ToPort":"443",
                             "Groups":[{"GroupId":"sg-2"}]}])"));
  EXPECT_EQ(calls[1].parameters["IpPermissions"],
            Json::parse(R"([{"IpProtocol":"tcp","FromPort":"22","ToPort":"22",
                             "IpRanges":[{"CidrIp":"10.0.0.0/8"}]}])"));
}

}  // namespace
}  // namespace ekshume::live::cloud_state
