// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "live/cloud_state/resource.h"

// Security groups, network interfaces, network ACLs, public addresses and load balancers' targets.
namespace ekshume::live::cloud_state {
namespace {

using wire::ArrayOf;
using wire::ObjectOf;
using wire::TextOf;

Json Filter(const char* name, const std::string& value) {
  return {{"Name", name}, {"Value", {value}}};
}

// --- which groups an interface has --------------------------------------------------------------

Result<Json> ReadGroups(const Asker& asker, const Json& parameters) {
  const std::string id = TextOf(parameters, "NetworkInterfaceId");
  const Json answer =
      EKSHUME_TRY(asker.Ask("ec2", "DescribeNetworkInterfaces", {{"NetworkInterfaceId", {id}}}));
  const Json& interface = Among(ArrayOf(answer, "networkInterfaceSet"), "networkInterfaceId", id);
  if (interface.is_null()) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no network interface {}", id));
  }
  std::vector<std::string> groups;
  for (const Json& group : ArrayOf(interface, "groupSet")) {
    groups.push_back(TextOf(group, "groupId"));
  }
  std::ranges::sort(groups);
  return Json{{"groups", groups}};
}

std::vector<ServiceCall> ChangeGroups(const Json& parameters, const Json&, const Json& to) {
  return {Changing("ec2", "ModifyNetworkInterfaceAttribute",
                   {{"NetworkInterfaceId", TextOf(parameters, "NetworkInterfaceId")},
                    {"SecurityGroupId", ArrayOf(to, "groups")}})};
}

std::string ArnOfInterface(const Json& parameters, std::string_view region,
                           std::string_view account) {
  return fmt::format("arn:{}:ec2:{}:{}:network-interface/{}", aws::PartitionOf(region), region,
                     account, TextOf(parameters, "NetworkInterfaceId"));
}

// --- a security group and its rules -------------------------------------------------------------

Result<Json> ReadGroup(const Asker& asker, const Json& parameters) {
  const Json answer =
      EKSHUME_TRY(asker.Ask("ec2", "DescribeSecurityGroups",
                            {{"Filter",
                              {Filter("group-name", TextOf(parameters, "GroupName")),
                               Filter("vpc-id", TextOf(parameters, "VpcId"))}}}));
  const Json& groups = ArrayOf(answer, "securityGroupInfo");
  if (groups.empty()) return Json();
  return Json{{"description", TextOf(groups[0], "groupDescription")},
              {"@id", TextOf(groups[0], "groupId")}};
}

std::vector<ServiceCall> ChangeGroup(const Json& parameters, const Json& from, const Json& to) {
  if (to.is_null()) {
    return {Changing("ec2", "DeleteSecurityGroup", {{"GroupId", TextOf(from, "@id")}})};
  }
  if (!from.is_null()) return {};
  return {Changing("ec2", "CreateSecurityGroup",
                   {{"GroupName", TextOf(parameters, "GroupName")},
                    {"VpcId", TextOf(parameters, "VpcId")},
                    {"GroupDescription", TextOf(to, "description")}})};
}

// What a rule lets through: lists of the API, the name of a source in them, and the name that
// requests give the list.
struct SourceKind {
  const char* list;
  const char* member;
  const char* request_list;
  const char* request_member;
};
constexpr std::array<SourceKind, 4> kSources = {
    {{"ipRanges", "cidrIp", "IpRanges", "CidrIp"},
     {"ipv6Ranges", "cidrIpv6", "Ipv6Ranges", "CidrIpv6"},
     {"groups", "groupId", "Groups", "GroupId"},
     {"prefixListIds", "prefixListId", "PrefixListIds", "PrefixListId"}}};

bool IsIngress(const Json& parameters) { return TextOf(parameters, "Direction") == "ingress"; }

// One entry for every protocol, ports and source, so that lists can be compared.
Result<Json> ReadRules(const Asker& asker, const Json& parameters) {
  const std::string id = TextOf(parameters, "GroupId");
  const Json answer = EKSHUME_TRY(asker.Ask("ec2", "DescribeSecurityGroups", {{"GroupId", {id}}}));
  const Json& group = Among(ArrayOf(answer, "securityGroupInfo"), "groupId", id);
  if (group.is_null()) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no security group {}", id));
  }
  std::vector<Json> rules;
  for (const Json& permission :
       ArrayOf(group, IsIngress(parameters) ? "ipPermissions" : "ipPermissionsEgress")) {
    Json rule = {{"IpProtocol", TextOf(permission, "ipProtocol")}};
    // All protocols have no ports; moto says -1 for them.
    if (rule["IpProtocol"] != "-1") {
      if (permission.contains("fromPort")) rule["FromPort"] = TextOf(permission, "fromPort");
      if (permission.contains("toPort")) rule["ToPort"] = TextOf(permission, "toPort");
    }
    for (const SourceKind& kind : kSources) {
      for (const Json& source : ArrayOf(permission, kind.list)) {
        Json one = rule;
        one[kind.request_member] = TextOf(source, kind.member);
        rules.push_back(std::move(one));
      }
    }
  }
  std::ranges::sort(rules, {}, [](const Json& rule) { return rule.dump(); });
  return Json{{"rules", rules}};
}

Json AsPermissions(const Json& rules) {
  Json permissions = Json::array();
  for (const Json& rule : rules) {
    Json permission = rule;
    for (const SourceKind& kind : kSources) {
      if (!rule.contains(kind.request_member)) continue;
      permission.erase(kind.request_member);
      permission[kind.request_list] =
          Json::array({{{kind.request_member, TextOf(rule, kind.request_member)}}});
    }
    permissions.push_back(std::move(permission));
  }
  return permissions;
}

std::vector<ServiceCall> ChangeRules(const Json& parameters, const Json& from, const Json& to) {
  const Json& old_rules = ArrayOf(from, "rules");
  const Json& new_rules = ArrayOf(to, "rules");
  const bool ingress = IsIngress(parameters);
  const std::string group = TextOf(parameters, "GroupId");
  std::vector<ServiceCall> calls;
  if (const Json added = Without(new_rules, old_rules); !added.empty()) {
    calls.push_back(
        Changing("ec2", ingress ? "AuthorizeSecurityGroupIngress" : "AuthorizeSecurityGroupEgress",
                 {{"GroupId", group}, {"IpPermissions", AsPermissions(added)}}));
  }
  if (const Json removed = Without(old_rules, new_rules); !removed.empty()) {
    calls.push_back(Changing("ec2",
                             ingress ? "RevokeSecurityGroupIngress" : "RevokeSecurityGroupEgress",
                             {{"GroupId", group}, {"IpPermissions", AsPermissions(removed)}}));
  }
  return calls;
}

// --- a network ACL ------------------------------------------------------------------------------

Result<Json> ReadAclEntry(const Asker& asker, const Json& parameters) {
  const std::string id = TextOf(parameters, "NetworkAclId");
  const Json answer =
      EKSHUME_TRY(asker.Ask("ec2", "DescribeNetworkAcls", {{"NetworkAclId", {id}}}));
  const Json& acl = Among(ArrayOf(answer, "networkAclSet"), "networkAclId", id);
  if (acl.is_null()) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no network ACL {}", id));
  }
  for (const Json& entry : ArrayOf(acl, "entrySet")) {
    if (TextOf(entry, "ruleNumber") != TextOf(parameters, "RuleNumber") ||
        IsTrue(entry, "egress") != IsTrue(parameters, "Egress")) {
      continue;
    }
    Json state = {{"protocol", TextOf(entry, "protocol")}, {"action", TextOf(entry, "ruleAction")}};
    if (entry.contains("cidrBlock")) state["cidr"] = TextOf(entry, "cidrBlock");
    if (entry.contains("ipv6CidrBlock")) state["cidr6"] = TextOf(entry, "ipv6CidrBlock");
    const Json& ports = ObjectOf(entry, "portRange");
    if (!ports.empty())
      state["ports"] = {{"from", TextOf(ports, "from")}, {"to", TextOf(ports, "to")}};
    return state;
  }
  return Json();
}

std::vector<ServiceCall> ChangeAclEntry(const Json& parameters, const Json& from, const Json& to) {
  Json which = {{"NetworkAclId", TextOf(parameters, "NetworkAclId")},
                {"RuleNumber", TextOf(parameters, "RuleNumber")},
                {"Egress", IsTrue(parameters, "Egress") ? "true" : "false"}};
  if (to.is_null()) return {Changing("ec2", "DeleteNetworkAclEntry", std::move(which))};
  which["Protocol"] = TextOf(to, "protocol");
  which["RuleAction"] = TextOf(to, "action");
  if (to.contains("cidr")) which["CidrBlock"] = TextOf(to, "cidr");
  if (to.contains("cidr6")) which["Ipv6CidrBlock"] = TextOf(to, "cidr6");
  if (const Json& ports = ObjectOf(to, "ports"); !ports.empty()) {
    which["PortRange"] = {{"From", TextOf(ports, "from")}, {"To", TextOf(ports, "to")}};
  }
  return {Changing("ec2", from.is_null() ? "CreateNetworkAclEntry" : "ReplaceNetworkAclEntry",
                   std::move(which))};
}

// --- a public address ---------------------------------------------------------------------------

Result<Json> ReadAddress(const Asker& asker, const Json& parameters) {
  const std::string id = TextOf(parameters, "AllocationId");
  const Json answer = EKSHUME_TRY(asker.Ask("ec2", "DescribeAddresses", {{"AllocationId", {id}}}));
  const Json& address = Among(ArrayOf(answer, "addressesSet"), "allocationId", id);
  if (address.is_null()) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no address {}", id));
  }
  if (TextOf(address, "associationId").empty()) return Json();
  Json state = {{"@association", TextOf(address, "associationId")}};
  // The interface says which instance it is: moto forgets that when an interface is given.
  const bool has_interface = !TextOf(address, "networkInterfaceId").empty();
  for (const char* member :
       {has_interface ? "networkInterfaceId" : "instanceId", "privateIpAddress"}) {
    const std::string value = TextOf(address, member);
    if (!value.empty()) state[member] = value;
  }
  return state;
}

std::vector<ServiceCall> ChangeAddress(const Json& parameters, const Json& from, const Json& to) {
  if (to.is_null()) {
    return {
        Changing("ec2", "DisassociateAddress", {{"AssociationId", TextOf(from, "@association")}})};
  }
  Json request = {{"AllocationId", TextOf(parameters, "AllocationId")}};
  // The interface says which instance; an instance may have more than one.
  if (to.contains("networkInterfaceId")) {
    request["NetworkInterfaceId"] = TextOf(to, "networkInterfaceId");
  } else {
    request["InstanceId"] = TextOf(to, "instanceId");
  }
  if (to.contains("privateIpAddress")) request["PrivateIpAddress"] = TextOf(to, "privateIpAddress");
  return {Changing("ec2", "AssociateAddress", std::move(request))};
}

// --- a load balancer's target -------------------------------------------------------------------

Result<Json> ReadTarget(const Asker& asker, const Json& parameters) {
  const Json answer =
      EKSHUME_TRY(asker.Ask("elasticloadbalancing", "DescribeTargetHealth",
                            {{"TargetGroupArn", TextOf(parameters, "TargetGroupArn")}}));
  for (const Json& one : ArrayOf(answer, "TargetHealthDescriptions")) {
    const Json& target = ObjectOf(one, "Target");
    const std::string health = TextOf(ObjectOf(one, "TargetHealth"), "State");
    if (TextOf(target, "Id") == TextOf(parameters, "Id") &&
        TextOf(target, "Port") == TextOf(parameters, "Port") && health != "draining" &&
        // Asked for by its id, or as moto does it: listed although it is not registered.
        TextOf(ObjectOf(one, "TargetHealth"), "Reason") != "Target.NotRegistered") {
      Json state = {{"registered", "true"}};
      if (target.contains("AvailabilityZone")) {
        state["availability_zone"] = TextOf(target, "AvailabilityZone");
      }
      return state;
    }
  }
  return Json();
}

std::vector<ServiceCall> ChangeTarget(const Json& parameters, const Json&, const Json& to) {
  Json target = {{"Id", TextOf(parameters, "Id")}, {"Port", TextOf(parameters, "Port")}};
  if (to.contains("availability_zone")) {
    target["AvailabilityZone"] = TextOf(to, "availability_zone");
  }
  return {Changing("elasticloadbalancing", to.is_null() ? "DeregisterTargets" : "RegisterTargets",
                   {{"TargetGroupArn", TextOf(parameters, "TargetGroupArn")},
                    {"Targets", Json::array({target})}})};
}

}  // namespace

std::vector<Resource> NetworkResources() {
  return {
      {.name = "network-interface-groups",
       .parameters = {"NetworkInterfaceId"},
       .read_with = "ec2:DescribeNetworkInterfaces",
       .read = ReadGroups,
       .change = ChangeGroups,
       .arn = ArnOfInterface},
      {.name = "security-group",
       .parameters = {"GroupName", "VpcId"},
       .read_with = "ec2:DescribeSecurityGroups",
       .read = ReadGroup,
       .change = ChangeGroup,
       .arn = nullptr},
      {.name = "security-group-rules",
       .parameters = {"GroupId", "Direction"},
       .read_with = "ec2:DescribeSecurityGroups",
       .read = ReadRules,
       .change = ChangeRules,
       .arn = nullptr},
      {.name = "network-acl-entry",
       .parameters = {"NetworkAclId", "RuleNumber", "Egress"},
       .read_with = "ec2:DescribeNetworkAcls",
       .read = ReadAclEntry,
       .change = ChangeAclEntry,
       .arn = nullptr},
      {.name = "address-association",
       .parameters = {"AllocationId"},
       .read_with = "ec2:DescribeAddresses",
       .read = ReadAddress,
       .change = ChangeAddress,
       .arn = nullptr},
      {.name = "target-registration",
       .parameters = {"TargetGroupArn", "Id", "Port"},
       .read_with = "elasticloadbalancing:DescribeTargetHealth",
       .read = ReadTarget,
       .change = ChangeTarget,
       .arn = nullptr},
  };
}

}  // namespace ekshume::live::cloud_state
