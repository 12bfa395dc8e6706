// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "live/wire/json.h"

// The ConfigMap aws-auth of kube-system, by which an EKS cluster without access entries knows who
// of AWS may come in: lists as YAML texts in its data (mapRoles, mapUsers, mapAccounts). A bad
// write locks the nodes out. Pure functions; any number of threads.
namespace ekshume::live::respond {

using wire::Json;

inline constexpr std::string_view kAwsAuthPath =
    "/api/v1/namespaces/kube-system/configmaps/aws-auth";

bool IsAwsAuth(const Json& object);

// What removes a principal.
struct AwsAuthEdit {
  Json patch;                          // a merge patch of the ConfigMap
  std::string diff;                    // its lines that go, "- " before each
  std::vector<std::string> removed;    // "role arn:... as admin (system:masters)"
  std::vector<std::string> for_nodes;  // rows of the principal that stay, as nodes need them
  bool account_is_mapped = false;      // its account is in mapAccounts, which lets all of it in
};

// The edit that takes a principal out: the ARN of a role, of a user, of a session of a role, or
// "arn:aws:iam::ACCOUNT:root" for a whole account of mapAccounts. The rest of each text stays byte
// by byte where it is a plain YAML list, and is written anew where it is not. `removed` is empty
// when nothing names it. kCorrupt when a text is no YAML list: then people must look at it.
Result<AwsAuthEdit> WithoutPrincipal(const Json& config_map, std::string_view arn);

// kUnsupported when a row with the groups system:nodes or system:bootstrappers that `before` has is
// not in `after`, or when `after` cannot be read.
Result<void> CheckNodesStay(const Json& before, const Json& after);

}  // namespace ekshume::live::respond
