// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "live/cloud_state/resource.h"

// EC2 instances: what protects them, what they may, whether they run.
namespace ekshume::live::cloud_state {
namespace {

using wire::ArrayOf;
using wire::ObjectOf;
using wire::TextOf;

std::string ArnOfInstance(const Json& parameters, std::string_view region,
                          std::string_view account) {
  return fmt::format("arn:{}:ec2:{}:{}:instance/{}", aws::PartitionOf(region), region, account,
                     TextOf(parameters, "InstanceId"));
}

Result<Json> Describe(const Asker& asker, const Json& parameters) {
  const std::string id = TextOf(parameters, "InstanceId");
  const Json answer = EKSHUME_TRY(asker.Ask("ec2", "DescribeInstances", {{"InstanceId", {id}}}));
  for (const Json& reservation : ArrayOf(answer, "reservationSet")) {
    for (const Json& instance : ArrayOf(reservation, "instancesSet")) {
      if (TextOf(instance, "instanceId") == id) return instance;
    }
  }
  return Fail(ErrorCode::kNotFound, fmt::format("there is no instance {}", id));
}

// --- attributes: termination and stop protection, what a shutdown does -------------------------

Result<Json> ReadAttribute(const Asker& asker, const Json& parameters) {
  const std::string name = TextOf(parameters, "Attribute");
  const Json answer = EKSHUME_TRY(
      asker.Ask("ec2", "DescribeInstanceAttribute",
                {{"InstanceId", TextOf(parameters, "InstanceId")}, {"Attribute", name}}));
  return Json{{"value", TextOf(ObjectOf(answer, name.c_str()), "value")}};
}

std::vector<ServiceCall> ChangeAttribute(const Json& parameters, const Json&, const Json& to) {
  std::string name = TextOf(parameters, "Attribute");
  Json request = {{"InstanceId", TextOf(parameters, "InstanceId")}};
  if (name == "instanceInitiatedShutdownBehavior") {
    request["Attribute"] = name;
    request["Value"] = TextOf(to, "value");
  } else if (name == "disableApiTermination" || name == "disableApiStop") {
    name.front() = 'D';
    request[name] = {{"Value", TextOf(to, "value")}};
  } else {
    return {};
  }
  return {Changing("ec2", "ModifyInstanceAttribute", std::move(request))};
}

// --- whether a volume goes with the instance ----------------------------------------------------

Result<Json> ReadDeletion(const Asker& asker, const Json& parameters) {
  const Json instance = EKSHUME_TRY(Describe(asker, parameters));
  const std::string device = TextOf(parameters, "DeviceName");
  const Json& mapping = Among(ArrayOf(instance, "blockDeviceMapping"), "deviceName", device);
  if (mapping.is_null()) {
    return Fail(ErrorCode::kNotFound, fmt::format("the instance has no volume at {}", device));
  }
  const Json& ebs = ObjectOf(mapping, "ebs");
  return Json{{"delete_on_termination", TextOf(ebs, "deleteOnTermination")},
              {"volume", TextOf(ebs, "volumeId")}};
}

std::vector<ServiceCall> ChangeDeletion(const Json& parameters, const Json&, const Json& to) {
  return {Changing(
      "ec2", "ModifyInstanceAttribute",
      {{"InstanceId", TextOf(parameters, "InstanceId")},
       {"BlockDeviceMapping",
        Json::array(
            {{{"DeviceName", TextOf(parameters, "DeviceName")},
              {"Ebs", {{"DeleteOnTermination", TextOf(to, "delete_on_termination")}}}}})}})};
}

// --- the metadata service -----------------------------------------------------------------------

Result<Json> ReadMetadata(const Asker& asker, const Json& parameters) {
  const Json instance = EKSHUME_TRY(Describe(asker, parameters));
  const Json& options = ObjectOf(instance, "metadataOptions");
  return Json{{"http_tokens", TextOf(options, "httpTokens")},
              {"hop_limit", TextOf(options, "httpPutResponseHopLimit")}};
}

std::vector<ServiceCall> ChangeMetadata(const Json& parameters, const Json&, const Json& to) {
  return {Changing("ec2", "ModifyInstanceMetadataOptions",
                   {{"InstanceId", TextOf(parameters, "InstanceId")},
                    {"HttpTokens", TextOf(to, "http_tokens")},
                    {"HttpPutResponseHopLimit", TextOf(to, "hop_limit")}})};
}

// --- the instance profile -----------------------------------------------------------------------

Result<Json> ReadProfile(const Asker& asker, const Json& parameters) {
  const Json answer = EKSHUME_TRY(asker.Ask(
      "ec2", "DescribeIamInstanceProfileAssociations",
      {{"Filter",
        Json::array({{{"Name", "instance-id"}, {"Value", {TextOf(parameters, "InstanceId")}}}})}}));
  for (const Json& one : ArrayOf(answer, "iamInstanceProfileAssociationSet")) {
    const std::string state = TextOf(one, "state");
    if (state == "disassociated" || state == "disassociating") continue;
    return Json{{"arn", TextOf(ObjectOf(one, "iamInstanceProfile"), "arn")},
                {"@association", TextOf(one, "associationId")}};
  }
  return Json();
}

std::vector<ServiceCall> ChangeProfile(const Json& parameters, const Json& from, const Json& to) {
  const std::string association = TextOf(from, "@association");
  if (to.is_null()) {
    return {Changing("ec2", "DisassociateIamInstanceProfile", {{"AssociationId", association}})};
  }
  const Json profile = {{"Arn", TextOf(to, "arn")}};
  if (from.is_null()) {
    return {Changing(
        "ec2", "AssociateIamInstanceProfile",
        {{"InstanceId", TextOf(parameters, "InstanceId")}, {"IamInstanceProfile", profile}})};
  }
  return {Changing("ec2", "ReplaceIamInstanceProfileAssociation",
                   {{"AssociationId", association}, {"IamInstanceProfile", profile}})};
}

// --- whether it runs ----------------------------------------------------------------------------

Result<Json> ReadRunning(const Asker& asker, const Json& parameters) {
  const Json instance = EKSHUME_TRY(Describe(asker, parameters));
  const std::string state = TextOf(ObjectOf(instance, "instanceState"), "name");
  Json out = {{"state", state}};
  if (state == "stopping" || state == "shutting-down" || state == "pending") {
    out["state"] = state == "pending" ? "stopped" : "running";
    out["@changing"] = state;
  }
  return out;
}

std::vector<ServiceCall> ChangeRunning(const Json& parameters, const Json& from, const Json& to) {
  const std::string wanted = TextOf(to, "state");
  const char* operation = wanted == "stopped"      ? "StopInstances"
                          : wanted == "running"    ? "StartInstances"
                          : wanted == "terminated" ? "TerminateInstances"
                                                   : nullptr;
  if (operation == nullptr || TextOf(from, "state") == "terminated") return {};
  return {Changing("ec2", operation, {{"InstanceId", {TextOf(parameters, "InstanceId")}}})};
}

}  // namespace

std::vector<Resource> InstanceResources() {
  return {
      {.name = "instance-attribute",
       .parameters = {"InstanceId", "Attribute"},
       .read_with = "ec2:DescribeInstanceAttribute",
       .read = ReadAttribute,
       .change = ChangeAttribute,
       .arn = ArnOfInstance},
      {.name = "instance-volume",
       .parameters = {"InstanceId", "DeviceName"},
       .read_with = "ec2:DescribeInstances",
       .read = ReadDeletion,
       .change = ChangeDeletion,
       .arn = ArnOfInstance},
      {.name = "instance-metadata-options",
       .parameters = {"InstanceId"},
       .read_with = "ec2:DescribeInstances",
       .read = ReadMetadata,
       .change = ChangeMetadata,
       .arn = ArnOfInstance},
      {.name = "instance-profile",
       .parameters = {"InstanceId"},
       .read_with = "ec2:DescribeIamInstanceProfileAssociations",
       .also_needs = {"iam:PassRole"},
       .read = ReadProfile,
       .change = ChangeProfile,
       .arn = nullptr},
      {.name = "instance-state",
       .parameters = {"InstanceId"},
       .read_with = "ec2:DescribeInstances",
       .is_slow = true,
       .read = ReadRunning,
       .change = ChangeRunning,
       .arn = ArnOfInstance,
       .part_of = "instance-termination",
       .with_part = [](const Json&, const Json&, const Json& part) { return part; }},
      {.name = "instance-termination",
       .parameters = {"InstanceId"},
       .read_with = "ec2:DescribeInstances",
       .undo = Undo::kNever,
       .is_slow = true,
       .read = ReadRunning,
       .change = ChangeRunning,
       .arn = ArnOfInstance},
  };
}

}  // namespace ekshume::live::cloud_state
