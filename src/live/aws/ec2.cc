// SPDX-License-Identifier: Apache-2.0
#include "live/aws/ec2.h"

#include <fmt/format.h>

#include "live/aws/xml.h"
#include "live/wire/json.h"

namespace ekshume::live::aws {
namespace {

Call Ec2Call(std::string_view action, const Parameters& parameters) {
  Parameters all = {{"Action", std::string(action)}, {"Version", "2016-11-15"}};
  all.insert(all.end(), parameters.begin(), parameters.end());
  Call call;
  call.service = "ec2";
  call.permission = fmt::format("ec2:{}", action);
  call.headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}};
  call.body = EncodeQuery(all);
  return call;
}

Result<XmlAnswer> Ask(const Client& client, std::string_view action, const Parameters& parameters,
                      ServiceError* failure) {
  const Call call = Ec2Call(action, parameters);
  const http::Answer answer = EKSHUME_TRY(client.Send(call, failure));
  return XmlAnswer::Parse(answer.body, call.permission);
}

void AddTags(Parameters& parameters, const Tags& tags) {
  if (tags.empty()) return;
  parameters.emplace_back("TagSpecification.1.ResourceType", "snapshot");
  int number = 0;
  for (const auto& [key, value] : tags) {
    ++number;
    parameters.emplace_back(fmt::format("TagSpecification.1.Tag.{}.Key", number), key);
    parameters.emplace_back(fmt::format("TagSpecification.1.Tag.{}.Value", number), value);
  }
}

int64_t NumberOf(pugi::xml_node node, const char* name) {
  return node.child(name).text().as_llong(0);
}

Snapshot SnapshotOf(pugi::xml_node node) {
  Snapshot out;
  out.id = TextOf(node, "snapshotId");
  out.volume_id = TextOf(node, "volumeId");
  out.state = TextOf(node, "status");
  if (out.state.empty()) out.state = TextOf(node, "state");
  out.progress = TextOf(node, "progress");
  out.owner_id = TextOf(node, "ownerId");
  out.start_time = TextOf(node, "startTime");
  out.description = TextOf(node, "description");
  out.status_message = TextOf(node, "statusMessage");
  out.kms_key_id = TextOf(node, "kmsKeyId");
  out.volume_gibibytes = NumberOf(node, "volumeSize");
  out.encrypted = TextOf(node, "encrypted") == "true";
  return out;
}

}  // namespace

Result<Snapshot> DescribeSnapshot(const Client& client, const std::string& id,
                                  ServiceError* failure) {
  const XmlAnswer xml =
      EKSHUME_TRY(Ask(client, "DescribeSnapshots", {{"SnapshotId.1", id}}, failure));
  for (const pugi::xml_node item : xml.root().child("snapshotSet").children("item")) {
    if (TextOf(item, "snapshotId") == id) return SnapshotOf(item);
  }
  return Fail(ErrorCode::kNotFound, fmt::format("there is no snapshot {}", id));
}

Result<Instance> DescribeInstance(const Client& client, const std::string& id,
                                  ServiceError* failure) {
  const XmlAnswer xml =
      EKSHUME_TRY(Ask(client, "DescribeInstances", {{"InstanceId.1", id}}, failure));
  for (const pugi::xml_node reservation : xml.root().child("reservationSet").children("item")) {
    for (const pugi::xml_node item : reservation.child("instancesSet").children("item")) {
      if (TextOf(item, "instanceId") != id) continue;
      Instance out;
      out.id = id;
      out.state = TextOf(item.child("instanceState"), "name");
      out.private_dns_name = TextOf(item, "privateDnsName");
      out.root_device = TextOf(item, "rootDeviceName");
      for (const pugi::xml_node mapping : item.child("blockDeviceMapping").children("item")) {
        const pugi::xml_node ebs = mapping.child("ebs");
        if (TextOf(ebs, "volumeId").empty()) continue;
        out.volumes.push_back({TextOf(ebs, "volumeId"), TextOf(mapping, "deviceName"),
                               TextOf(ebs, "deleteOnTermination") == "true"});
      }
      return out;
    }
  }
  return Fail(ErrorCode::kNotFound, fmt::format("there is no instance {}", id));
}

Result<Snapshot> CreateSnapshot(const Client& client, const std::string& volume_id,
                                const std::string& description, const Tags& tags,
                                ServiceError* failure) {
  Parameters parameters = {{"VolumeId", volume_id}, {"Description", description}};
  AddTags(parameters, tags);
  const XmlAnswer xml = EKSHUME_TRY(Ask(client, "CreateSnapshot", parameters, failure));
  Snapshot made = SnapshotOf(xml.root());
  if (made.id.empty()) return Fail(ErrorCode::kCorrupt, "ec2:CreateSnapshot answered no snapshot");
  return made;
}

Result<std::vector<Snapshot>> CreateSnapshots(const Client& client, const std::string& instance_id,
                                              const std::string& description, const Tags& tags,
                                              ServiceError* failure) {
  Parameters parameters = {{"InstanceSpecification.InstanceId", instance_id},
                           {"Description", description}};
  AddTags(parameters, tags);
  const XmlAnswer xml = EKSHUME_TRY(Ask(client, "CreateSnapshots", parameters, failure));
  std::vector<Snapshot> made;
  for (const pugi::xml_node item : xml.root().child("snapshotSet").children("item")) {
    made.push_back(SnapshotOf(item));
  }
  if (made.empty()) return Fail(ErrorCode::kCorrupt, "ec2:CreateSnapshots answered no snapshot");
  return made;
}

Result<std::string> CopySnapshot(const Client& client, const CopySnapshotRequest& request,
                                 ServiceError* failure) {
  Parameters parameters = {{"SourceRegion", request.source_region},
                           {"SourceSnapshotId", request.source_id},
                           {"Description", request.description}};
  if (!request.kms_key_id.empty()) {
    parameters.emplace_back("Encrypted", "true");
    parameters.emplace_back("KmsKeyId", request.kms_key_id);
  }
  AddTags(parameters, request.tags);
  const XmlAnswer xml = EKSHUME_TRY(Ask(client, "CopySnapshot", parameters, failure));
  std::string id = TextOf(xml.root(), "snapshotId");
  if (id.empty()) return Fail(ErrorCode::kCorrupt, "ec2:CopySnapshot answered no snapshot");
  return id;
}

Result<void> ShareSnapshot(const Client& client, const std::string& snapshot_id,
                           const std::string& account_id, ServiceError* failure) {
  EKSHUME_TRY(Ask(client, "ModifySnapshotAttribute",
                  {{"SnapshotId", snapshot_id},
                   {"Attribute", "createVolumePermission"},
                   {"OperationType", "add"},
                   {"UserId.1", account_id}},
                  failure));
  return {};
}

}  // namespace ekshume::live::aws
