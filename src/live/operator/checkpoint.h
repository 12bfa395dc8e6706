// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "live/aws/s3.h"
#include "live/wire/json.h"

// PodCheckpoint, a custom resource of the API group forensics.keikoproj.io (that of kube-forensics,
// whose objects work here), version v1alpha1: deploy/kubernetes/podcheckpoint-crd.yaml.
namespace ekshume::live::operators {

using wire::Json;

inline constexpr const char* kGroup = "forensics.keikoproj.io";
inline constexpr const char* kVersion = "v1alpha1";
inline constexpr const char* kPlural = "podcheckpoints";
// A claim that was not renewed for so long is of an operator that is gone.
inline constexpr int64_t kClaimSeconds = 90;
// How often an acquisition is begun, when operators keep dying over it.
inline constexpr int64_t kMostAttempts = 3;

struct Checkpoint {
  std::string name;
  std::string in_namespace;
  std::string uid;
  std::string resource_version;

  // spec
  std::string destination;    // s3://BUCKET/PREFIX, or "": the operator's first one
  std::string subpath;        // below it; "forensics" when not said
  std::string pod;            // to be acquired
  std::string pod_namespace;  // that of the checkpoint when not said
  std::string cluster_name;   // a folder below subpath, or ""
  std::string container;      // only this one, or ""
  std::string via;            // as `acquire pod --via`
  std::string memory;         // as `acquire pod --memory`

  // status
  std::string phase;   // "" or Pending, Running, Succeeded, Failed
  std::string holder;  // the operator that runs it
  std::string started_text;
  std::optional<Timestamp> renewed;
  int64_t attempts = 0;
};

// Reads an object of the API; members that are missing or of another kind are "".
Checkpoint ReadCheckpoint(const Json& object);

// Whether it waits for an operator: new, or its operator `holder` is gone (or was ourselves, before
// a restart).
bool IsWaiting(const Checkpoint& checkpoint, const std::string& identity, Timestamp now);

// The folder in S3 that receives it: DESTINATION/SUBPATH/[CLUSTER/]EPOCH_NAMESPACE_POD.
// kInvalidArgument for a destination that is none, or that none of `allowed` begins with, and for
// spec members that make no sense.
Result<aws::S3Place> PlaceOf(const Checkpoint& checkpoint, const std::vector<std::string>& allowed,
                             Timestamp started);

// As the API writes times: whole seconds, UTC.
std::string ApiTime(Timestamp time);

// Patches of status. `end`: how it ended.
struct End {
  bool succeeded = false;
  std::string reason;    // of the condition: "Acquired", "NotFound", ...
  std::string message;   // a sentence
  std::string location;  // s3://...; "" when nothing was uploaded
  std::string sha256;    // of its acquisition.json
};
Json ClaimedStatus(const std::string& identity, int64_t attempts, Timestamp now);
Json RenewedStatus(Timestamp now);
Json ReleasedStatus(int64_t attempts);
Json EndedStatus(const End& end, Timestamp now);

}  // namespace ekshume::live::operators
