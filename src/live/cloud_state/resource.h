// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "live/aws/client.h"
#include "live/aws/service_call.h"
#include "live/wire/json.h"

// What can be changed in AWS to contain an attacker, each as one thing with a state that can be
// read and set: the groups of a network interface, a role's inline policy, the status of a key.
// Whoever saves a state before he sets another one can set the old one again. registry.cc lists
// them.
namespace ekshume::live::cloud_state {

using aws::ServiceCall;
using wire::Json;

// Asks in one region.
class Asker {
 public:
  Asker(const aws::Client& client, std::string region)
      : client_(client), region_(std::move(region)) {}
  // An answer; of what is not there kNotFound, with the service's code in `code` when given.
  Result<Json> Ask(const char* service, const char* operation, Json parameters,
                   std::string* code = nullptr) const;
  // The same page after page: the items of the member `list`; `token` is that of answers,
  // `token_parameter` that of calls. kLimit after limits::kMaxAnswerPages.
  Result<Json> AskAll(const char* service, const char* operation, Json parameters, const char* list,
                      const char* token, const char* token_parameter) const;
  const std::string& region() const { return region_; }
  const aws::Client& client() const { return client_; }

 private:
  const aws::Client& client_;
  const std::string region_;
};

enum class Undo {
  kPutsBack,  // the state as it was
  kKeeps,     // evidence: it stays
  kNever,     // there is no way back
};

struct Resource {
  std::string_view name;                     // "role-policy"
  std::vector<std::string_view> parameters;  // which one of its kind: {"RoleName", "PolicyName"}
  std::string_view read_with;                // "iam:GetRolePolicy"
  // Permissions that changing needs besides those of the calls themselves.
  std::vector<std::string_view> also_needs;
  Undo undo = Undo::kPutsBack;
  bool is_slow = false;  // a change takes minutes
  // Its state, an object, or null when there is none; members that begin with '@' are how AWS calls
  // it and may differ for an equal state; "@changing" is there while a change is on its way.
  // kNotFound when what it is a part of is not there.
  Result<Json> (*read)(const Asker& asker, const Json& parameters);
  // The calls that lead from one state to another, in their order; none when there is no way. Pure.
  std::vector<ServiceCall> (*change)(const Json& parameters, const Json& from, const Json& to);
  // What a permission is asked for: a part of its ARN, or null for "*".
  std::string (*arn)(const Json& parameters, std::string_view region, std::string_view account);
  // The kind of thing whose state has this one's in it ("access-entry" of an access policy), known
  // by some of the same parameters, and its state after this one's became `part`. Pure.
  std::string_view part_of = {};
  Json (*with_part)(const Json& whole, const Json& parameters, const Json& part) = nullptr;
};

std::span<const Resource> AllResources();
// Null for a name that there is not.
const Resource* FindResource(std::string_view name);

// --- for the files of this folder -------------------------------------------------------------

// A call that changes something.
ServiceCall Changing(const char* service, const char* operation, Json parameters);
// "true" or "false" of a value that may be a truth value or a text.
bool IsTrue(const Json& state, const char* member);
// The member of a list whose `name` is `value`, or null.
const Json& Among(const Json& list, const char* name, std::string_view value);
// What is in `all` and not in `others`.
Json Without(const Json& all, const Json& others);
// Null for kNotFound: what may be missing.
Result<Json> NullWhenMissing(Result<Json> state);

// One list for each file.
std::vector<Resource> InstanceResources();
std::vector<Resource> NetworkResources();
std::vector<Resource> SnapshotResources();
std::vector<Resource> ScalingResources();
std::vector<Resource> IdentityResources();
std::vector<Resource> ClusterResources();
std::vector<Resource> ImageResources();

}  // namespace ekshume::live::cloud_state
