// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "log/format.h"

namespace ekshume::log::guardduty {

// What is read of a finding, whichever way it is spelled.
enum class Field : uint8_t {
  kAccount,
  kRegion,
  kId,
  kArn,
  kType,
  kTitle,
  kDescription,
  kSeverity,
  kSeverityLabel,  // ASFF
  kCreated,
  kUpdated,
  kSchemaVersion,
  kProductArn,  // ASFF
  kSample,
  kAdditionalInfo,  // JSON in a string
  kArchived,
  kStatus,
  kCount,
  kFirstSeen,
  kLastSeen,
  kActionType,
  kResourceType,
  // the resource
  kCluster,
  kClusterArn,
  kWorkload,
  kWorkloadType,
  kWorkloadUid,
  kNamespace,
  kServiceAccount,
  kContainer,
  kContainerId,
  kImage,
  kKubernetesUser,
  kImpersonated,
  kInstance,
  kNode,
  kAccessKey,
  kAccessKeyUser,
  kPrincipal,
  kBucket,
  kDatabase,
  kFunction,
  // the action
  kVerb,
  kRequestUri,
  kKubernetesResource,
  kKubernetesSubresource,
  kKubernetesNamespace,
  kKubernetesName,
  kApi,
  kService,
  kErrorCode,
  kStatusCode,
  kUserAgent,
  kSourceIps,
  kRemoteIp,
  kRemotePort,
  kLocalIp,
  kLocalPort,
  kDirection,
  kBlocked,
  kDomain,
  // the process or file
  kProcess,
  kProcessPath,
  kProcessSha256,
  kPid,
  kProcessUser,
  kCommandLine,
  kFilePath,
  kFileSha256,
  kThreatName,
  // attack sequences
  kActorUser,
  kActorKey,
  kEndpointIp,
  kCountOf
};

// The fields of one finding; empty where it does not say. Of lists, the first element.
class Finding {
 public:
  const std::string& operator[](Field field) const { return texts_[static_cast<size_t>(field)]; }
  std::string& operator[](Field field) { return texts_[static_cast<size_t>(field)]; }

 private:
  std::array<std::string, static_cast<size_t>(Field::kCountOf)> texts_;
};

// Reads the members of a record. False when the JSON is broken. Any number of threads.
bool ReadFinding(const Record& record, Finding& finding);

}  // namespace ekshume::log::guardduty
