// SPDX-License-Identifier: Apache-2.0
#include "log/cloudtrail/object_name.h"

#include <algorithm>

namespace ekshume::log::cloudtrail {
namespace {

// Parameters that name an object, the most telling first: what a call is made on comes before what
// it belongs to.
constexpr std::string_view kNames[] = {
    "secretId", "secretIdList", "functionName", "instanceId", "instanceIds", "instancesSet",
    "target", "snapshotId", "volumeId", "imageId", "imagesSet", "volumeSet", "snapshotSet",
    "dBSnapshotIdentifier", "dBClusterSnapshotIdentifier", "dBInstanceIdentifier",
    "dBClusterIdentifier",
    // EKS: what is in the cluster, not the cluster
    "principalArn", "nodegroupName", "addonName", "fargateProfileName", "serviceAccount",
    "associationId",
    // IAM and STS
    "roleName", "roleArn", "userName", "groupName", "instanceProfileName", "policyName",
    "policyArn", "trustAnchorId", "profileId", "openIDConnectProviderArn", "sAMLProviderArn",
    // everything else
    "groupId", "groupSet", "flowLogId", "flowLogIds", "networkAclId", "routeTableId", "subnetId",
    "vpcId", "networkInterfaceId", "allocationId", "keyName", "trailName", "trailNameList",
    "repositoryName", "keyId", "aliasName", "tableName", "topicArn", "queueUrl", "queueName",
    "streamName", "deliveryStreamName", "logStreamName", "logGroupName", "stackName",
    "documentName", "commandId", "sessionId", "modelId", "names", "parameterName", "detectorId",
    "resolverQueryLogConfigId", "hostedZoneId", "domainName", "certificateArn", "loadBalancerArn",
    "loadBalancerName", "fileSystemId", "restApiId", "distributionId", "ruleName", "resourcesSet",
    "resourceArn", "resourceARN", "resourceId", "resource", "bucketName", "bucket",
    "organizationId", "accountId", "clusterName", "cluster", "arn", "name"};

constexpr int kFallbackRank = 1000;  // a name by the look of its key
constexpr int kResponseRank = 2000;  // what the call made
constexpr int kResourceRank = 3000;  // an element of `resources`

int RankOf(std::string_view key) {
  const auto found = std::ranges::find(kNames, key);
  return found == std::end(kNames) ? -1 : static_cast<int>(found - std::begin(kNames));
}

bool LooksLikeName(std::string_view key) {
  if (key == "roleSessionName" || key == "sessionName" || key == "requestId") return false;
  for (const std::string_view end : {"Id", "Name", "Arn", "Identifier", "ARN"}) {
    if (key.ends_with(end)) return true;
  }
  return false;
}

// The text of a string or number; empty for the rest.
bool ReadScalar(JsonValue value, std::string_view& out) {
  if (!JsonView(value, out)) return false;
  if (!out.empty() && (out.front() == '{' || out.front() == '[')) out = {};
  return true;
}

// The first member whose key looks like that of a name.
bool ReadItem(JsonValue value, std::string_view& out) {
  bool whole = true;
  const bool object = ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (out.empty() && LooksLikeName(key)) whole = ReadScalar(inner, out) && whole;
  });
  return object && whole;
}

// EC2 writes {"items": [{"instanceId": ...}, ...]} and {"tag": 1, "content": ...}.
bool ReadObject(JsonValue value, std::string_view& out) {
  bool whole = true;
  const bool object = ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (!out.empty()) return;
    if (key == "content") {
      whole = ReadScalar(inner, out) && whole;
    } else if (key == "items") {
      const bool array = ForEachElement(inner, [&](JsonValue item) {
        if (out.empty()) whole = ReadItem(item, out) && whole;
      });
      whole = array && whole;
    }
  });
  return object && whole;
}

// A string or number, the first of several, or what EC2 has in its place. Empty for anything else.
bool ReadName(JsonValue value, std::string_view& out) {
  simdjson::ondemand::json_type type;
  if (value.type().get(type) != simdjson::SUCCESS) return false;
  if (type == simdjson::ondemand::json_type::object) return ReadObject(value, out);
  if (type != simdjson::ondemand::json_type::array) return ReadScalar(value, out);
  bool whole = true;
  const bool array = ForEachElement(value, [&](JsonValue element) {
    if (out.empty()) whole = ReadScalar(element, out) && whole;
  });
  return array && whole;
}

}  // namespace

bool ObjectName::OfferRequest(std::string_view key, JsonValue value) {
  if (key == "bucketName") {
    std::string_view bucket;
    if (!ReadScalar(value, bucket)) return false;
    bucket_ = bucket;
    Take(RankOf(key), bucket);
    return true;
  }
  if (key == "key") return ReadScalar(value, key_);
  const int rank = RankOf(key);
  if (rank >= 0) return Offer(rank, value);
  if (LooksLikeName(key)) return Offer(kFallbackRank, value);
  if (!key.ends_with("Request")) return true;
  // Newer EC2 calls wrap their parameters: {"DeleteFlowLogsRequest": {"FlowLogId": {...}}}.
  bool whole = true;
  const bool object = ForEachMember(value, [&](std::string_view inner_key, JsonValue inner) {
    if (LooksLikeName(inner_key)) whole = Offer(kFallbackRank, inner) && whole;
  });
  return object && whole;
}

void ObjectName::OfferRequest(std::string_view key, std::string_view text) {
  const int rank = RankOf(key);
  if (rank >= 0) Take(rank, text);
}

bool ObjectName::OfferResponse(std::string_view key, JsonValue value) {
  const int rank = RankOf(key);
  if (rank < 0) return true;
  // Instances that were just made are named only here.
  return Offer(key == "instancesSet" ? rank - 1 : kResponseRank + rank, value);
}

void ObjectName::OfferResource(std::string_view arn) { Take(kResourceRank, arn); }

bool ObjectName::Offer(int rank, JsonValue value) {
  if (rank >= rank_) return true;
  std::string_view text;
  if (!ReadName(value, text)) return false;
  Take(rank, text);
  return true;
}

void ObjectName::Take(int rank, std::string_view text) {
  if (text.empty() || rank >= rank_) return;
  rank_ = rank;
  best_ = text;
}

void ObjectName::AppendTo(std::string& out) const {
  if (!bucket_.empty() && !key_.empty()) {
    out += bucket_;
    out += '/';
    out += key_;
    return;
  }
  out += best_;
}

}  // namespace ekshume::log::cloudtrail
