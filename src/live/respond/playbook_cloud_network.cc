// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <set>

#include "base/ascii.h"
#include "live/respond/cloud_planner.h"

// The network of an EC2 instance: public ways, security groups, the subnet's ACL.
namespace ekshume::live::respond {
namespace {

using wire::ArrayOf;
using wire::ObjectOf;
using wire::TextOf;

constexpr const char* kEverywhere = "0.0.0.0/0";

Json Filter(const char* name, const std::string& value) {
  return {{"Name", name}, {"Value", {value}}};
}

// A group and what it lets through: steps that make it, then give it its rules. Returns how later
// steps name it.
std::string AddGroup(CloudPlanner& cloud, const std::string& step_id, const std::string& vpc,
                     const std::string& purpose, const Json& ingress, const Json& egress,
                     bool enabled) {
  const std::string name = fmt::format("ekshume-{}-{}", AsciiLower(cloud.maker().mark()), step_id);
  const std::string object = fmt::format("security-group/{}", name);
  Step* made = cloud.Add({"make-" + step_id, "network", object,
                          fmt::format("make a security group {}", purpose), "changes nothing yet"},
                         "security-group", {{"GroupName", name}, {"VpcId", vpc}},
                         {{"description", fmt::format("ekshume: {}", purpose)}});
  if (made == nullptr) return "";
  made->enabled = enabled;
  const std::string id = fmt::format("${{{}.id}}", made->id);
  const auto rules = [&](const char* direction, const Json& wanted) {
    Step* step = cloud.Add({fmt::format("{}-{}", step_id, direction), "network", object,
                            fmt::format("its {} rules: {}", direction,
                                        wanted.empty() ? "none" : wire::DumpJson(wanted)),
                            "changes nothing yet: no interface has the group"},
                           "security-group-rules", {{"GroupId", id}, {"Direction", direction}},
                           {{"rules", wanted}});
    step->enabled = enabled;
    step->aws.calls = {
        fmt::format("ec2:{}SecurityGroup{}", wanted.empty() ? "Revoke" : "Authorize",
                    std::string_view(direction) == "ingress" ? "Ingress" : "Egress")};
    step->aws.undo_with = step->aws.calls;
  };
  // A new group lets nothing in and everything out.
  if (!ingress.empty()) rules("ingress", ingress);
  if (egress != Json::array({{{"IpProtocol", "-1"}, {"CidrIp", kEverywhere}}})) {
    rules("egress", egress);
  }
  return id;
}

// Gives each interface of the instance a group.
void AddInterfaces(CloudPlanner& cloud, const Instance& instance, const std::string& id,
                   const std::string& group, const std::string& what, const std::string& reason,
                   bool enabled) {
  for (const Json& interface : ArrayOf(instance.described, "networkInterfaceSet")) {
    const std::string name = TextOf(interface, "networkInterfaceId");
    Step* step = cloud.Add({id, "network", fmt::format("network-interface/{}", name), what, reason},
                           "network-interface-groups", {{"NetworkInterfaceId", name}},
                           {{"groups", Json::array({group})}});
    if (step != nullptr) step->enabled = enabled;
  }
}

// The group of a cluster's control plane, or "".
std::string GroupOfCluster(CloudPlanner& cloud, const std::string& cluster) {
  if (cluster.empty()) return "";
  const auto answer = cloud.asker().Ask("eks", "DescribeCluster", {{"name", cluster}});
  if (!answer) {
    cloud.maker().Warn(fmt::format("the security group of the cluster {} is not known: {}", cluster,
                                   answer.error().message));
    return "";
  }
  const Json& config = ObjectOf(ObjectOf(*answer, "cluster"), "resourcesVpcConfig");
  return TextOf(config, "clusterSecurityGroupId");
}

void DenySubnet(CloudPlanner& cloud, const Instance& instance) {
  const std::string subnet = TextOf(instance.described, "subnetId");
  const auto answer = cloud.asker().Ask("ec2", "DescribeNetworkAcls",
                                        {{"Filter", {Filter("association.subnet-id", subnet)}}});
  if (!answer || ArrayOf(*answer, "networkAclSet").empty()) return;
  const Json& acl = ArrayOf(*answer, "networkAclSet")[0];
  std::set<std::pair<int64_t, bool>> used;
  for (const Json& entry : ArrayOf(acl, "entrySet")) {
    used.insert({wire::IntegerOf(entry, "ruleNumber"), cloud_state::IsTrue(entry, "egress")});
  }
  for (const bool egress : {true, false}) {
    int64_t number = 1;
    while (used.contains({number, egress})) ++number;
    Step* step = cloud.Add(
        {egress ? "deny-subnet-out" : "deny-subnet-in", "network",
         fmt::format("network-acl/{}", TextOf(acl, "networkAclId")),
         fmt::format("deny all traffic {} the subnet {}", egress ? "out of" : "into", subnet),
         "the only cut that ends connections at once, and it cuts everything in the subnet, the "
         "ways of the kubelet among it: enable it when nothing else lives there"},
        "network-acl-entry",
        {{"NetworkAclId", TextOf(acl, "networkAclId")},
         {"RuleNumber", fmt::format("{}", number)},
         {"Egress", egress ? "true" : "false"}},
        {{"protocol", "-1"}, {"action", "deny"}, {"cidr", kEverywhere}});
    if (step != nullptr) step->enabled = false;
  }
}

void CutPublicWays(CloudPlanner& cloud, const Instance& instance) {
  const std::string object = fmt::format("instance/{}", instance.id);
  const auto addresses = cloud.asker().Ask("ec2", "DescribeAddresses",
                                           {{"Filter", {Filter("instance-id", instance.id)}}});
  for (const Json& address : addresses ? ArrayOf(*addresses, "addressesSet") : Json::array()) {
    cloud.Add({"take-address", "network", object,
               fmt::format("take away the public address {}", TextOf(address, "publicIp")),
               "nothing on the Internet reaches it by this address any more"},
              "address-association", {{"AllocationId", TextOf(address, "allocationId")}}, nullptr);
  }
  const auto groups = cloud.asker().AskAll("elasticloadbalancing", "DescribeTargetGroups",
                                           Json::object(), "TargetGroups", "NextMarker", "Marker");
  for (const Json& group : groups ? *groups : Json::array()) {
    if (TextOf(group, "TargetType") != "instance") continue;
    const std::string arn = TextOf(group, "TargetGroupArn");
    const auto health = cloud.asker().Ask("elasticloadbalancing", "DescribeTargetHealth",
                                          {{"TargetGroupArn", arn}});
    for (const Json& one : health ? ArrayOf(*health, "TargetHealthDescriptions") : Json::array()) {
      const Json& target = ObjectOf(one, "Target");
      if (TextOf(target, "Id") != instance.id) continue;
      cloud.Add(
          {"take-target", "network", object,
           fmt::format("take it out of the target group {}", TextOf(group, "TargetGroupName")),
           "the load balancer sends nothing to it any more; connections drain"},
          "target-registration",
          {{"TargetGroupArn", arn}, {"Id", instance.id}, {"Port", TextOf(target, "Port")}},
          nullptr);
    }
  }
}

}  // namespace

void IsolateInstance(CloudPlanner& cloud, const Instance& instance) {
  CutPublicWays(cloud, instance);
  const std::string vpc = TextOf(instance.described, "vpcId");
  const Json nothing = Json::array();
  const Json everything = Json::array({{{"IpProtocol", "-1"}, {"CidrIp", kEverywhere}}});
  const std::string control_plane = GroupOfCluster(cloud, instance.cluster);
  if (!control_plane.empty()) {
    const auto port = [&](const char* number) {
      return Json{{"IpProtocol", "tcp"},
                  {"FromPort", number},
                  {"ToPort", number},
                  {"GroupId", control_plane}};
    };
    const std::string group =
        AddGroup(cloud, "control-plane-group", vpc, "that leaves the way to the control plane",
                 Json::array({port("10250"), port("443")}), Json::array({port("443")}), true);
    AddInterfaces(cloud, instance, "isolate-but-control-plane", group,
                  "leave only the way between the node and the control plane",
                  "exec, logs and the collector go on, and no controller moves its pods; all pods "
                  "that share its interfaces are cut. Connections that are tracked live on until "
                  "they time out; an intruder may still reach the API server",
                  true);
  }
  const bool enabled = control_plane.empty();
  const std::string untrack = AddGroup(cloud, "untrack-group", vpc,
                                       "that lets everything through, so that EC2 forgets "
                                       "which connections it tracks",
                                       everything, everything, enabled);
  const std::string none =
      AddGroup(cloud, "isolation-group", vpc, "without rules", nothing, nothing, enabled);
  AddInterfaces(cloud, instance, "untrack", untrack,
                "let everything through for a moment, so that connections are not tracked any more",
                "tracked connections survive a change of groups; it opens the instance to its VPC "
                "until the next step, so do both in one go",
                enabled);
  AddInterfaces(cloud, instance, "isolate", none, "cut all traffic",
                "memory and disks stay as they are. A node is NotReady within a minute, and after "
                "five its pods start elsewhere: capture before",
                enabled);
  DenySubnet(cloud, instance);
}

}  // namespace ekshume::live::respond
