// SPDX-License-Identifier: Apache-2.0
#include "log/guardduty/finding.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "log/json.h"

namespace ekshume::log::guardduty {
namespace {

struct Place {
  std::string_view path;
  Field field;
};

// Where the fields stand: member names from the top with '/' between them, each with a small first
// letter, lists left out. "*" stands for any one name. Fields of one meaning are listed in the
// order of preference only where the record holds one of them.
constexpr Place kPlaces[] = {
    {"accountId", Field::kAccount},
    {"awsAccountId", Field::kAccount},
    {"region", Field::kRegion},
    {"id", Field::kId},
    {"arn", Field::kArn},
    {"type", Field::kType},
    {"types", Field::kType},
    {"title", Field::kTitle},
    {"description", Field::kDescription},
    {"severity", Field::kSeverity},
    {"severity/product", Field::kSeverity},
    {"severity/label", Field::kSeverityLabel},
    {"createdAt", Field::kCreated},
    {"updatedAt", Field::kUpdated},
    {"schemaVersion", Field::kSchemaVersion},
    {"productArn", Field::kProductArn},
    {"sample", Field::kSample},
    {"firstObservedAt", Field::kFirstSeen},
    {"lastObservedAt", Field::kLastSeen},
    {"workflow/status", Field::kStatus},
    {"recordState", Field::kArchived},
    {"service/archived", Field::kArchived},
    {"service/count", Field::kCount},
    {"service/eventFirstSeen", Field::kFirstSeen},
    {"service/eventLastSeen", Field::kLastSeen},
    {"service/additionalInfo/value", Field::kAdditionalInfo},
    {"service/additionalInfo/sample", Field::kSample},
    {"service/action/actionType", Field::kActionType},

    {"resource/resourceType", Field::kResourceType},
    {"resource/eksClusterDetails/name", Field::kCluster},
    {"resource/eksClusterDetails/arn", Field::kClusterArn},
    {"resource/ecsClusterDetails/name", Field::kCluster},
    {"resource/kubernetesDetails/kubernetesWorkloadDetails/name", Field::kWorkload},
    {"resource/kubernetesDetails/kubernetesWorkloadDetails/type", Field::kWorkloadType},
    {"resource/kubernetesDetails/kubernetesWorkloadDetails/uid", Field::kWorkloadUid},
    {"resource/kubernetesDetails/kubernetesWorkloadDetails/namespace", Field::kNamespace},
    {"resource/kubernetesDetails/kubernetesWorkloadDetails/serviceAccountName",
     Field::kServiceAccount},
    {"resource/kubernetesDetails/kubernetesWorkloadDetails/containers/name", Field::kContainer},
    {"resource/kubernetesDetails/kubernetesWorkloadDetails/containers/id", Field::kContainerId},
    {"resource/kubernetesDetails/kubernetesWorkloadDetails/containers/image", Field::kImage},
    {"resource/kubernetesDetails/kubernetesUserDetails/username", Field::kKubernetesUser},
    {"resource/kubernetesDetails/kubernetesUserDetails/impersonatedUser/username",
     Field::kImpersonated},
    {"resource/containerDetails/name", Field::kContainer},
    {"resource/containerDetails/id", Field::kContainerId},
    {"resource/containerDetails/image", Field::kImage},
    {"resource/ecsClusterDetails/taskDetails/containers/name", Field::kContainer},
    {"resource/ecsClusterDetails/taskDetails/containers/image", Field::kImage},
    {"resource/instanceDetails/instanceId", Field::kInstance},
    {"resource/instanceDetails/networkInterfaces/privateDnsName", Field::kNode},
    {"resource/accessKeyDetails/accessKeyId", Field::kAccessKey},
    {"resource/accessKeyDetails/userName", Field::kAccessKeyUser},
    {"resource/accessKeyDetails/principalId", Field::kPrincipal},
    {"resource/s3BucketDetails/name", Field::kBucket},
    {"resource/rdsDbInstanceDetails/dbInstanceIdentifier", Field::kDatabase},
    {"resource/lambdaDetails/functionName", Field::kFunction},

    {"service/action/kubernetesApiCallAction/verb", Field::kVerb},
    {"service/action/kubernetesApiCallAction/requestUri", Field::kRequestUri},
    {"service/action/kubernetesApiCallAction/resource", Field::kKubernetesResource},
    {"service/action/kubernetesApiCallAction/subresource", Field::kKubernetesSubresource},
    {"service/action/kubernetesApiCallAction/namespace", Field::kKubernetesNamespace},
    {"service/action/kubernetesApiCallAction/resourceName", Field::kKubernetesName},
    {"service/action/kubernetesApiCallAction/statusCode", Field::kStatusCode},
    {"service/action/kubernetesApiCallAction/sourceIPs", Field::kSourceIps},
    {"service/action/kubernetesApiCallAction/sourceIps", Field::kSourceIps},
    {"service/action/*/userAgent", Field::kUserAgent},
    {"service/action/awsApiCallAction/api", Field::kApi},
    {"service/action/awsApiCallAction/serviceName", Field::kService},
    {"service/action/awsApiCallAction/errorCode", Field::kErrorCode},
    {"service/action/*/remoteIpDetails/ipAddressV4", Field::kRemoteIp},
    {"service/action/*/remoteIpDetails/ipAddressV6", Field::kRemoteIp},
    {"service/action/*/remotePortDetails/port", Field::kRemotePort},
    {"service/action/*/localIpDetails/ipAddressV4", Field::kLocalIp},
    {"service/action/*/localPortDetails/port", Field::kLocalPort},
    {"service/action/*/portProbeDetails/remoteIpDetails/ipAddressV4", Field::kRemoteIp},
    {"service/action/*/portProbeDetails/localIpDetails/ipAddressV4", Field::kLocalIp},
    {"service/action/*/portProbeDetails/localPortDetails/port", Field::kLocalPort},
    {"service/action/*/connectionDirection", Field::kDirection},
    {"service/action/*/blocked", Field::kBlocked},
    {"service/action/dnsRequestAction/domain", Field::kDomain},

    {"service/runtimeDetails/process/name", Field::kProcess},
    {"service/runtimeDetails/process/executablePath", Field::kProcessPath},
    {"service/runtimeDetails/process/executableSha256", Field::kProcessSha256},
    {"service/runtimeDetails/process/pid", Field::kPid},
    {"service/runtimeDetails/process/user", Field::kProcessUser},
    {"service/runtimeDetails/context/commandLineExample", Field::kCommandLine},
    {"service/runtimeDetails/context/threatFilePath", Field::kFilePath},
    {"service/runtimeDetails/context/scriptPath", Field::kFilePath},
    {"service/runtimeDetails/context/libraryPath", Field::kFilePath},
    {"service/runtimeDetails/context/socketPath", Field::kFilePath},
    {"service/runtimeDetails/context/runcBinaryPath", Field::kFilePath},
    {"service/runtimeDetails/context/releaseAgentPath", Field::kFilePath},
    {"service/runtimeDetails/context/moduleFilePath", Field::kFilePath},
    {"service/runtimeDetails/context/shellHistoryFilePath", Field::kFilePath},
    {"service/runtimeDetails/context/mountSource", Field::kFilePath},
    {"service/runtimeDetails/context/moduleSha256", Field::kFileSha256},
    {"service/ebsVolumeScanDetails/scanDetections/threatDetectedByName/threatNames/name",
     Field::kThreatName},
    {"service/ebsVolumeScanDetails/scanDetections/threatDetectedByName/threatNames/filePaths/"
     "filePath",
     Field::kFilePath},
    {"service/ebsVolumeScanDetails/scanDetections/threatDetectedByName/threatNames/filePaths/hash",
     Field::kFileSha256},
    {"service/ebsVolumeScanDetails/scanDetections/threatDetectedByName/threatNames/filePaths/"
     "fileSha256",
     Field::kFileSha256},
    {"service/malwareScanDetails/threats/name", Field::kThreatName},
    {"service/malwareScanDetails/threats/itemPaths/nestedItemPath", Field::kFilePath},
    {"service/malwareScanDetails/threats/itemPaths/hash", Field::kFileSha256},

    {"service/detection/sequence/actors/user/name", Field::kActorUser},
    {"service/detection/sequence/actors/user/credentialUid", Field::kActorKey},
    {"service/detection/sequence/endpoints/ip", Field::kEndpointIp},
    {"service/detection/sequence/resources/data/eksCluster/arn", Field::kClusterArn},
    {"service/detection/sequence/resources/data/kubernetesWorkload/namespace", Field::kNamespace},
    {"service/detection/sequence/resources/data/kubernetesWorkload/type", Field::kWorkloadType},
    {"service/detection/sequence/resources/data/container/image", Field::kImage},
    {"service/detection/sequence/resources/data/container/imageUid", Field::kImage},
    {"service/detection/sequence/resources/data/ec2Instance/instanceId", Field::kInstance},

    // ASFF
    {"resources/type", Field::kResourceType},
    {"resources/details/awsEksCluster/name", Field::kCluster},
    {"resources/details/awsEksCluster/arn", Field::kClusterArn},
    {"resources/details/container/name", Field::kContainer},
    {"resources/details/container/imageName", Field::kImage},
    {"resources/details/awsIamAccessKey/userName", Field::kAccessKeyUser},
    {"resources/details/awsIamAccessKey/principalName", Field::kAccessKeyUser},
    {"resources/details/awsIamAccessKey/accessKeyId", Field::kAccessKey},
};

constexpr std::string_view kFlattened = "aws/guardduty/";
constexpr size_t kMaxPathBytes = 160;  // longer than any above
constexpr size_t kListElements = 16;   // looked at for the first that says something

bool Matches(std::string_view pattern, std::string_view path) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == path;
  if (!path.starts_with(pattern.substr(0, star))) return false;
  const size_t end = path.find('/', star);
  return end != std::string_view::npos && path.substr(end) == pattern.substr(star + 1);
}

void Set(Finding& finding, std::string_view path, std::string_view text) {
  if (text.empty()) return;
  for (const Place& place : kPlaces) {
    if (!Matches(place.path, path)) continue;
    if (finding[place.field].empty()) finding[place.field] = text;
    return;
  }
}

// ASFF's ProductFields hold what GuardDuty said, flattened: since 2020
// "aws/guardduty/service/action/actionType", with ".0_" where an element of a list stood; before,
// what is below `service` without any prefix.
void SetFlattened(Finding& finding, std::string_view name, std::string_view text) {
  std::string path(name.starts_with(kFlattened) ? name.substr(kFlattened.size()) : name);
  if (!name.starts_with(kFlattened)) path.insert(0, "service/");
  std::string plain;
  for (size_t i = 0; i < path.size(); ++i) {
    const size_t underscore = path.find('_', i);
    if (path[i] == '.' && underscore != std::string::npos &&
        path.find_first_not_of("0123456789", i + 1) == underscore) {
      if (path[i + 1] != '0' || underscore != i + 2) return;  // not the first element
      i = underscore;
      continue;
    }
    plain += path[i];
  }
  Set(finding, plain, text);
}

struct Pending {
  simdjson::dom::element element;
  std::string path;
};

// The text of a leaf.
std::string TextOf(simdjson::dom::element element) {
  std::string_view text;
  if (element.get_string().get(text) == simdjson::SUCCESS) return std::string(text);
  if (element.is_null()) return {};
  return simdjson::minify(element);
}

std::string Below(const std::string& path, std::string_view key) {
  std::string below = path;
  if (!below.empty()) below += '/';
  below += key;
  const size_t first = below.size() - key.size();
  if (!key.empty() && below[first] >= 'A' && below[first] <= 'Z') {
    below[first] = static_cast<char>(below[first] - 'A' + 'a');
  }
  return below;
}

// Takes what an object or list holds: plain values at once, the rest goes onto the stack, the first
// on top.
void Open(const Pending& from, Finding& finding, std::vector<Pending>& stack) {
  const size_t bottom = stack.size();
  const auto take = [&](simdjson::dom::element element, std::string path) {
    if (element.is_object() || element.is_array()) {
      stack.push_back({element, std::move(path)});
    } else {
      Set(finding, path, TextOf(element));
    }
  };
  simdjson::dom::object object;
  simdjson::dom::array array;
  if (from.element.get_object().get(object) == simdjson::SUCCESS) {
    for (const auto& [key, value] : object) {
      if (key.size() <= kMaxPathBytes) take(value, Below(from.path, key));
    }
  } else if (from.element.get_array().get(array) == simdjson::SUCCESS) {
    size_t left = kListElements;
    for (const simdjson::dom::element value : array) {
      if (left-- == 0) break;
      take(value, from.path);
    }
  }
  std::reverse(stack.begin() + static_cast<std::ptrdiff_t>(bottom), stack.end());
}

}  // namespace

bool ReadFinding(const Record& record, Finding& finding) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(record.bytes.data(), record.bytes.size(), false).get(root) !=
      simdjson::SUCCESS) {
    return false;
  }
  std::vector<Pending> stack;
  stack.push_back({root, {}});
  while (!stack.empty()) {
    const Pending next = std::move(stack.back());
    stack.pop_back();
    if (next.path == "productFields") {
      simdjson::dom::object fields;
      if (next.element.get_object().get(fields) != simdjson::SUCCESS) continue;
      for (const auto& [key, value] : fields) SetFlattened(finding, key, TextOf(value));
    } else if (next.path.size() <= kMaxPathBytes) {
      Open(next, finding, stack);
    }
  }
  return true;
}

}  // namespace ekshume::log::guardduty
