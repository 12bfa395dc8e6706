// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "live/aws/client.h"

// The calls of EC2 that acquiring snapshots needs; API version 2016-11-15.
namespace ekshume::live::aws {

using Tags = std::vector<std::pair<std::string, std::string>>;

struct Snapshot {
  std::string id;
  std::string volume_id;
  std::string state;     // "pending", "completed", "error", "recoverable"
  std::string progress;  // "42%"
  std::string owner_id;
  std::string start_time;
  std::string description;
  std::string status_message;  // why it is in "error"
  std::string kms_key_id;
  int64_t volume_gibibytes = 0;
  bool encrypted = false;
};

struct InstanceVolume {
  std::string volume_id;
  std::string device;  // "/dev/xvda"
  bool delete_on_termination = false;
};
struct Instance {
  std::string id;
  std::string state;  // "running"
  std::string private_dns_name;
  std::string root_device;
  std::vector<InstanceVolume> volumes;
};

Result<Snapshot> DescribeSnapshot(const Client& client, const std::string& id,
                                  ServiceError* failure = nullptr);
Result<Instance> DescribeInstance(const Client& client, const std::string& id,
                                  ServiceError* failure = nullptr);
// One snapshot of a volume.
Result<Snapshot> CreateSnapshot(const Client& client, const std::string& volume_id,
                                const std::string& description, const Tags& tags,
                                ServiceError* failure = nullptr);
// Snapshots of all of an instance's EBS volumes, taken at one moment.
Result<std::vector<Snapshot>> CreateSnapshots(const Client& client, const std::string& instance_id,
                                              const std::string& description, const Tags& tags,
                                              ServiceError* failure = nullptr);
struct CopySnapshotRequest {
  std::string source_region;
  std::string source_id;
  std::string description;
  std::string kms_key_id;  // "" only for a source that is not encrypted
  Tags tags;
};
// A copy in the client's region; the new snapshot's id.
Result<std::string> CopySnapshot(const Client& client, const CopySnapshotRequest& request,
                                 ServiceError* failure = nullptr);
// Lets another account make volumes of the snapshot.
Result<void> ShareSnapshot(const Client& client, const std::string& snapshot_id,
                           const std::string& account_id, ServiceError* failure = nullptr);

}  // namespace ekshume::live::aws
