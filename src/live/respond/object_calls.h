// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "live/kubernetes/client.h"
#include "live/respond/plan.h"

// What steps ask of the API for one object, and how the journal keeps objects. Pure but for
// ChangeObject(); any number of threads.
namespace ekshume::live::respond {

inline constexpr const char* kManager = "fieldManager=ekshume";
// Another writer of the same object at the same moment: read it and try again.
inline constexpr int kAttempts = 5;

std::string UidOf(const Json& object);
std::string VersionOf(const Json& object);
// The path of the collection that an object's path lies in.
std::string CollectionOf(const std::string& path);
// What deletes this object and no later one of its name.
Json DeleteOptionsFor(const Json& object, bool dry_run);

// Whether an object was made by this step: it says so in an annotation of ours.
bool IsOurs(const Plan& plan, const Step& step, const Json& object);
// A new object with that annotation.
Json AsOurs(const Plan& plan, const Step& step, Json object);

// Changes `object` as `patch` says, only while it is as it was read here (resourceVersion): by a
// merge patch or, with the step's setting `by` "put", by the whole object. kUnsupported for an
// aws-auth that would lock nodes out (aws_auth.h); the errors of the API.
Result<Json> ChangeObject(kubernetes::Client& client, const Step& step, const Json& object,
                          const Json& patch, bool dry_run);

// An object as the journal keeps it: the values of a Secret become their SHA-256.
Json ForJournal(Json object);

}  // namespace ekshume::live::respond
