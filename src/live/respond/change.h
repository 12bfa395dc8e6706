// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "live/wire/json.h"

// Changes of objects of the Kubernetes API as JSON merge patches (RFC 7396): what a change does,
// whether it stands, and the change that takes it back. Pure functions; any number of threads.
namespace ekshume::live::respond {

using wire::Json;

// The merge patch that gives the fields that `patch` names the values that they have in `before`.
// Lists are put back whole.
Json InversePatch(const Json& before, const Json& patch);
// The merge patch that makes `to` of `from`. Lists are replaced whole.
Json PatchBetween(const Json& from, const Json& to);
// Whether `patch` would change nothing of `object`.
bool Stands(const Json& object, const Json& patch);
// The fields (JSON pointers) in which `object` is not as `patch` left it.
std::vector<std::string> DifferentFields(const Json& object, const Json& patch);

// SHA-256 over what people decide in an object: not its status, resourceVersion, generation and
// managedFields; not the owner of an object, the revision of a Deployment, nor taints of the node
// that the control plane sets.
std::string Fingerprint(const Json& object);

// The object as it can be created again: without uid, resourceVersion, times and status.
Json AsCreated(Json object);

}  // namespace ekshume::live::respond
