// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "live/respond/cloud_planner.h"

// An EC2 instance: shielded from automation, its identity cut, its disks kept, its end.
namespace ekshume::live::respond {
namespace {

using wire::ArrayOf;
using wire::ObjectOf;
using wire::TextOf;

std::string ObjectOf(const Instance& instance) { return fmt::format("instance/{}", instance.id); }

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

// Another profile, or none.
void ChangeProfile(CloudPlanner& cloud, const Instance& instance) {
  const std::string object = ObjectOf(instance);
  const Json which = {{"InstanceId", instance.id}};
  const std::string& other = cloud.request().swap_profile;
  if (other.empty()) {
    if (Step* step =
            cloud.Add({"take-profile", "identity", object, "take its instance profile away",
                       "credentials that it has stay valid until they expire: the denial "
                       "of its sessions ends them at once"},
                      "instance-profile", which, nullptr)) {
      step->enabled = false;
    }
    return;
  }
  const auto answer =
      cloud.asker().Ask("iam", "GetInstanceProfile", {{"InstanceProfileName", other}});
  const std::string arn = answer ? TextOf(ObjectOf(*answer, "InstanceProfile"), "Arn") : "";
  if (arn.empty()) {
    cloud.maker().Warn(fmt::format("no step swap-profile: {}",
                                   answer ? "the profile has no ARN" : answer.error().message));
    return;
  }
  cloud.Add({"swap-profile", "identity", object,
             fmt::format("give it the instance profile {} in place of its own", other),
             "what it asks for from now on is what that one allows; credentials that it has stay "
             "valid until they expire: the denial of its sessions ends them at once"},
            "instance-profile", which, {{"arn", arn}});
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
    if (Step* step = cloud.Add(
            {"protect-stop", "shield", object, "forbid that the API stops it",
             "a stop destroys its memory; must be undone before we stop it ourselves"},
            "instance-attribute", {{"InstanceId", instance.id}, {"Attribute", "disableApiStop"}},
            {{"value", "true"}})) {
      step->enabled = false;
    }
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
  ChangeProfile(cloud, instance);
}

void KeepInstanceDisks(CloudPlanner& cloud, const Instance& instance) {
  PlanMaker& maker = cloud.maker();
  Step* made = cloud.Add(
      {"snapshot-volumes", "disk", ObjectOf(instance), "snapshots of all its volumes at one moment",
       "crash-consistent; without memory, instance store and tmpfs"},
      "snapshots",
      {{"InstanceId", instance.id},
       // A plan may be about more instances than one.
       {"Mark", fmt::format("{}/{}", maker.plan().id, instance.id)},
       {"Case", maker.request().case_id}},
      {{"made", "true"}});
  if (made == nullptr) return;
  const std::string made_by = made->id;
  std::erase_if(maker.plan().steps, [](const Step& step) {
    return step.kind == StepKind::kManual && step.id == "snapshot-disks";
  });
  for (const Json& mapping : ArrayOf(instance.described, "blockDeviceMapping")) {
    const std::string volume = TextOf(ObjectOf(mapping, "ebs"), "volumeId");
    if (volume.empty()) continue;
    const std::string snapshot = fmt::format("${{{}.{}}}", made_by, volume);
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
