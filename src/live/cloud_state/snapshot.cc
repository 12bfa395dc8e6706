// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "live/cloud_state/resource.h"

// Snapshots of volumes: made, locked, shared.
namespace ekshume::live::cloud_state {
namespace {

using wire::ArrayOf;
using wire::ObjectOf;
using wire::TextOf;

constexpr const char* kStepTag = "ekshume:step";

std::string ArnOfSnapshot(const Json& parameters, std::string_view region, std::string_view) {
  const std::string id = TextOf(parameters, "SnapshotId");
  // What an earlier step makes has no name yet.
  return fmt::format("arn:{}:ec2:{}::snapshot/{}", aws::PartitionOf(region), region,
                     id.starts_with("snap-") ? id : "*");
}

// --- snapshots of all volumes of an instance ----------------------------------------------------

// They are known by a tag that names the plan and the step: after a crash they are found again.
Result<Json> ReadSnapshots(const Asker& asker, const Json& parameters) {
  const Json found = EKSHUME_TRY(
      asker.AskAll("ec2", "DescribeSnapshots",
                   {{"Owner", {"self"}},
                    {"Filter", Json::array({{{"Name", fmt::format("tag:{}", kStepTag)},
                                             {"Value", {TextOf(parameters, "Mark")}}}})}},
                   "snapshotSet", "nextToken", "NextToken"));
  if (found.empty()) return Json();
  Json state = {{"made", "true"}};
  for (const Json& snapshot : found) {
    state["@" + TextOf(snapshot, "volumeId")] = TextOf(snapshot, "snapshotId");
  }
  return state;
}

std::vector<ServiceCall> ChangeSnapshots(const Json& parameters, const Json& from, const Json& to) {
  if (!from.is_null() || to.is_null()) return {};
  const std::string mark = TextOf(parameters, "Mark");
  Json tags = Json::array({{{"Key", kStepTag}, {"Value", mark}}});
  if (const std::string name = TextOf(parameters, "Case"); !name.empty()) {
    tags.push_back({{"Key", "ekshume:case"}, {"Value", name}});
  }
  return {Changing(
      "ec2", "CreateSnapshots",
      {{"InstanceSpecification",
        {{"InstanceId", TextOf(parameters, "InstanceId")}, {"ExcludeBootVolume", "false"}}},
       {"Description", fmt::format("evidence of {} ({})", TextOf(parameters, "InstanceId"), mark)},
       {"TagSpecification", Json::array({{{"ResourceType", "snapshot"}, {"Tag", tags}}})}})};
}

// --- a lock -------------------------------------------------------------------------------------

Result<Json> ReadLock(const Asker& asker, const Json& parameters) {
  const std::string id = TextOf(parameters, "SnapshotId");
  const Json answer =
      EKSHUME_TRY(asker.Ask("ec2", "DescribeLockedSnapshots", {{"SnapshotId", {id}}}));
  const Json& lock = Among(ArrayOf(answer, "snapshotSet"), "snapshotId", id);
  const std::string state = TextOf(lock, "lockState");
  if (lock.is_null() || state == "expired") return Json();
  return Json{{"mode", state}, {"days", TextOf(lock, "lockDuration")}};
}

std::vector<ServiceCall> ChangeLock(const Json& parameters, const Json& from, const Json& to) {
  const std::string id = TextOf(parameters, "SnapshotId");
  if (to.is_null()) {
    // What is locked for compliance stays so until it expires.
    if (TextOf(from, "mode") == "compliance") return {};
    return {Changing("ec2", "UnlockSnapshot", {{"SnapshotId", id}})};
  }
  return {Changing("ec2", "LockSnapshot",
                   {{"SnapshotId", id},
                    {"LockMode", TextOf(to, "mode")},
                    {"LockDuration", TextOf(to, "days")}})};
}

// --- who may use it -----------------------------------------------------------------------------

Result<Json> ReadSharing(const Asker& asker, const Json& parameters) {
  const Json answer = EKSHUME_TRY(asker.Ask(
      "ec2", "DescribeSnapshotAttribute",
      {{"SnapshotId", TextOf(parameters, "SnapshotId")}, {"Attribute", "createVolumePermission"}}));
  for (const Json& permission : ArrayOf(answer, "createVolumePermission")) {
    if (TextOf(permission, "userId") == TextOf(parameters, "UserId")) {
      return Json{{"shared", "true"}};
    }
  }
  return Json();
}

std::vector<ServiceCall> ChangeSharing(const Json& parameters, const Json&, const Json& to) {
  return {Changing("ec2", "ModifySnapshotAttribute",
                   {{"SnapshotId", TextOf(parameters, "SnapshotId")},
                    {"Attribute", "createVolumePermission"},
                    {"OperationType", to.is_null() ? "remove" : "add"},
                    {"UserId", {TextOf(parameters, "UserId")}}})};
}

}  // namespace

std::vector<Resource> SnapshotResources() {
  return {
      {.name = "snapshots",
       .parameters = {"InstanceId", "Mark"},
       .read_with = "ec2:DescribeSnapshots",
       .also_needs = {"ec2:CreateTags"},
       .undo = Undo::kKeeps,
       .read = ReadSnapshots,
       .change = ChangeSnapshots,
       .arn = nullptr},
      {.name = "snapshot-lock",
       .parameters = {"SnapshotId"},
       .read_with = "ec2:DescribeLockedSnapshots",
       .read = ReadLock,
       .change = ChangeLock,
       .arn = ArnOfSnapshot},
      {.name = "snapshot-sharing",
       .parameters = {"SnapshotId", "UserId"},
       .read_with = "ec2:DescribeSnapshotAttribute",
       .read = ReadSharing,
       .change = ChangeSharing,
       .arn = ArnOfSnapshot},
  };
}

}  // namespace ekshume::live::cloud_state
