// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/ascii.h"
#include "live/respond/cloud_planner.h"

// An EC2 instance: shielded from automation, its identity and its network cut, its disks kept.
namespace ekshume::live::respond {
namespace {

using wire::ArrayOf;
using wire::ObjectOf;
using wire::TextOf;

constexpr const char* kEverywhere = "0.0.0.0/0";

std::string ObjectOf(const Instance& instance) { return fmt::format("instance/{}", instance.id); }

Json Filter(const char* name, const std::string& value) {
  return {{"Name", name}, {"Value", {value}}};
}

std::string TagOf(const Json& described, std::string_view key) {
  for (const Json& tag : ArrayOf(described, "tagSet")) {
    if (TextOf(tag, "key") == key) return TextOf(tag, "value");
  }
  return "";
}

void ShieldFromScaling(CloudPlanner& cloud, const Instance& instance) {
  const auto answer = cloud.asker().Ask("autoscaling", "DescribeAutoScalingInstances",
                                        {{"InstanceIds", {instance.id}}});
  if (!answer) {
    cloud.maker().Warn(fmt::format("whether Auto Scaling has the instance is not known: {}",
                                   answer.error().message));
    return;
  }
  const Json& found = ArrayOf(*answer, "AutoScalingInstances");
  if (found.empty()) return;
  const std::string group = TextOf(found[0], "AutoScalingGroupName");
  const std::string object = ObjectOf(instance);
  cloud.Add({"protect-scale-in", "shield", object,
             fmt::format("protect it from scale-in of the group {}", group),
             "instantaneous and silent; not from replacement when it is found unhealthy"},
            "scale-in-protection", {{"AutoScalingGroupName", group}, {"InstanceId", instance.id}},
            {{"protected", "true"}});
  const auto processes = cloud_state::FindResource("autoscaling-processes")
                             ->read(cloud.asker(), {{"AutoScalingGroupName", group}});
  if (processes) {
    std::set<std::string> suspended = {"AZRebalance", "ReplaceUnhealthy", "Terminate"};
    for (const Json& name : ArrayOf(*processes, "suspended")) {
      suspended.insert(name.get<std::string>());
    }
    if (Step* step = cloud.Add(
            {"suspend-replacement", "shield", fmt::format("autoscaling-group/{}", group),
             "stop the group from ending instances",
             "an isolated instance may count as unhealthy and be ended; holds for the whole group, "
             "which cannot shrink or heal meanwhile: enable it when it can"},
            "autoscaling-processes", {{"AutoScalingGroupName", group}},
            {{"suspended", suspended}})) {
      step->enabled = false;
    }
  }
  const auto leave = [&](const char* id, const char* what, Json wanted) {
    Step* step = cloud.Add({id, "detach", object, fmt::format("{} the group {}", what, group),
                            "the group starts a clean instance in its place; a managed node group "
                            "of EKS does not know of it"},
                           "autoscaling-membership",
                           {{"AutoScalingGroupName", group}, {"InstanceId", instance.id}},
                           std::move(wanted));
    if (step == nullptr) return;
    step->enabled = false;
    step->undo =
        "gives it back to the group, which then has one instance more than before: its desired "
        "capacity is not lowered, as that would end an instance";
  };
  leave("stand-by", "set it aside in", {{"lifecycle", "Standby"}});
  leave("leave-group", "take it out of", nullptr);
}

// The role of the instance's profile, or "".
std::string RoleOf(CloudPlanner& cloud, const Instance& instance) {
  const std::string profile = TextOf(ObjectOf(instance.described, "iamInstanceProfile"), "arn");
  if (profile.empty()) return "";
  const auto answer =
      cloud.asker().Ask("iam", "GetInstanceProfile", {{"InstanceProfileName", NameInArn(profile)}});
  if (!answer) {
    cloud.maker().Warn(
        fmt::format("the role of the instance is not known: {}", answer.error().message));
    return "";
  }
  const Json& roles = ArrayOf(ObjectOf(*answer, "InstanceProfile"), "Roles");
  return roles.empty() ? "" : TextOf(roles[0], "RoleName");
}

// --- the network --------------------------------------------------------------------------------

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
  const std::string object = ObjectOf(instance);
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

Result<Instance> FindInstance(CloudPlanner& cloud, const std::string& id) {
  const Json answer =
      EKSHUME_TRY(cloud.asker().Ask("ec2", "DescribeInstances", {{"InstanceId", {id}}}));
  for (const Json& reservation : ArrayOf(answer, "reservationSet")) {
    for (const Json& described : ArrayOf(reservation, "instancesSet")) {
      if (TextOf(described, "instanceId") != id) continue;
      Instance instance = {id, described, TagOf(described, "eks:cluster-name")};
      for (const Json& tag : ArrayOf(described, "tagSet")) {
        const std::string key = TextOf(tag, "key");
        constexpr std::string_view kOwned = "kubernetes.io/cluster/";
        if (instance.cluster.empty() && key.starts_with(kOwned)) {
          instance.cluster = key.substr(kOwned.size());
        }
      }
      return instance;
    }
  }
  return Fail(ErrorCode::kNotFound, fmt::format("there is no instance {}", id));
}

void ShieldInstance(CloudPlanner& cloud, const Instance& instance) {
  const std::string object = ObjectOf(instance);
  if (TextOf(instance.described, "instanceLifecycle") == "spot") {
    cloud.maker().Warn(
        "a Spot instance cannot be protected from its end: acquire it before anything else");
  } else {
    cloud.Add({"protect-termination", "shield", object, "forbid its termination",
               "instantaneous and silent; Auto Scaling and Spot end it all the same"},
              "instance-attribute",
              {{"InstanceId", instance.id}, {"Attribute", "disableApiTermination"}},
              {{"value", "true"}});
    cloud.Add({"protect-shutdown", "shield", object, "let a shutdown stop it, not end it",
               "an intruder who shuts it down would else destroy its disks"},
              "instance-attribute",
              {{"InstanceId", instance.id}, {"Attribute", "instanceInitiatedShutdownBehavior"}},
              {{"value", "stop"}});
  }
  for (const Json& mapping : ArrayOf(instance.described, "blockDeviceMapping")) {
    if (!cloud_state::IsTrue(ObjectOf(mapping, "ebs"), "deleteOnTermination")) continue;
    const std::string device = TextOf(mapping, "deviceName");
    cloud.Add({"keep-volume", "shield", object,
               fmt::format("keep the volume {} ({}) when the instance ends",
                           TextOf(ObjectOf(mapping, "ebs"), "volumeId"), device),
               "disks of nodes go with them; this is the most valuable call"},
              "instance-volume", {{"InstanceId", instance.id}, {"DeviceName", device}},
              {{"delete_on_termination", "false"}});
  }
  ShieldFromScaling(cloud, instance);
}

void ContainInstanceIdentity(CloudPlanner& cloud, const Instance& instance) {
  const std::string object = ObjectOf(instance);
  cloud.Add({"limit-metadata", "identity", object,
             "metadata with tokens only and one hop: pods get no credentials of the node",
             "silent; pods in the node's own network still reach it"},
            "instance-metadata-options", {{"InstanceId", instance.id}},
            {{"http_tokens", "required"}, {"hop_limit", "1"}});
  const std::string role = RoleOf(cloud, instance);
  if (role.empty()) return;
  DenySessions(cloud, role, "instance", {{"StringLike", {{"aws:userid", "*:" + instance.id}}}},
               fmt::format("deny the sessions that {} has of the role {}", instance.id, role),
               "only this instance: others with the role go on. Its kubelet cannot pull images of "
               "ECR nor attach addresses and volumes any more; running pods go on");
  if (Step* step = cloud.Add({"take-profile", "identity", object, "take its instance profile away",
                              "credentials that it has stay valid until they expire: the denial of "
                              "its sessions ends them at once"},
                             "instance-profile", {{"InstanceId", instance.id}}, nullptr)) {
    step->enabled = false;
  }
}

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

void KeepInstanceDisks(CloudPlanner& cloud, const Instance& instance) {
  PlanMaker& maker = cloud.maker();
  Step* made = cloud.Add(
      {"snapshot-volumes", "disk", ObjectOf(instance), "snapshots of all its volumes at one moment",
       "crash-consistent; without memory, instance store and tmpfs"},
      "snapshots",
      {{"InstanceId", instance.id},
       {"Mark", fmt::format("{}/snapshot-volumes", maker.plan().id)},
       {"Case", maker.request().case_id}},
      {{"made", "true"}});
  if (made == nullptr) return;
  std::erase_if(maker.plan().steps, [](const Step& step) {
    return step.kind == StepKind::kManual && step.id == "snapshot-disks";
  });
  for (const Json& mapping : ArrayOf(instance.described, "blockDeviceMapping")) {
    const std::string volume = TextOf(ObjectOf(mapping, "ebs"), "volumeId");
    if (volume.empty()) continue;
    const std::string snapshot = fmt::format("${{snapshot-volumes.{}}}", volume);
    const std::string object = fmt::format("snapshot-of/{}", volume);
    cloud.Add({"lock-snapshot", "disk", object,
               fmt::format("lock the snapshot for {} days (governance)", cloud.request().lock_days),
               "it cannot be deleted meanwhile, but by those who may unlock it"},
              "snapshot-lock", {{"SnapshotId", snapshot}},
              {{"mode", "governance"}, {"days", fmt::format("{}", cloud.request().lock_days)}});
    if (cloud.request().share_with.empty()) continue;
    cloud.Add({"share-snapshot", "disk", object,
               fmt::format("let the account {} use it", cloud.request().share_with),
               "evidence leaves the account that the intruder may have; one encrypted with the "
               "account's default key cannot be shared: copy it with a key of your own first"},
              "snapshot-sharing",
              {{"SnapshotId", snapshot}, {"UserId", cloud.request().share_with}},
              {{"shared", "true"}});
  }
}

void EndInstance(CloudPlanner& cloud, const Instance& instance) {
  const auto end = [&](const char* id, const char* resource, const char* state, std::string what,
                       std::string reason) {
    Step* step =
        cloud.Add({id, "eradicate", ObjectOf(instance), std::move(what), std::move(reason)},
                  resource, {{"InstanceId", instance.id}}, {{"state", state}});
    if (step == nullptr) return;
    step->effect = Effect::kDestroys;
    CloudPlanner::Guard(*step);
  };
  end("stop-instance", "instance-state", "stopped", "stop it",
      "destroys its memory, instance store and tmpfs; it stays stopped until it is undone, which "
      "starts it again, without what was destroyed");
  end("terminate-instance", "instance-termination", "terminated", "end it for good",
      "destroys all that was not kept; the protection from termination must be undone before");
}

Result<void> PlanInstance(CloudPlanner& cloud, const std::string& id) {
  const Instance instance = EKSHUME_TRY(FindInstance(cloud, id));
  ShieldInstance(cloud, instance);
  ContainInstanceIdentity(cloud, instance);
  cloud.maker().AddStep(StepKind::kManual, "acquire-instance", "capture", ObjectOf(instance),
                        fmt::format("take its memory and processes: ekshume acquire node, or the "
                                    "collector on {}",
                                    id),
                        "memory goes first; recorded with --done acquire-instance");
  IsolateInstance(cloud, instance);
  KeepInstanceDisks(cloud, instance);
  EndInstance(cloud, instance);
  return {};
}

}  // namespace ekshume::live::respond
