// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "live/kubernetes/client.h"
#include "live/wire/json.h"

// A plan of response: steps in forensic order, as a YAML file that people read, change and sign.
// docs/formats/response-plan.md is the specification.
namespace ekshume::live::respond {

using wire::Json;

enum class StepKind {
  kPatch,    // merge patch of an object; undone by the inverse patch
  kCreate,   // a new object; undone by deleting it
  kDelete,   // an object that can be made again from what is kept of it
  kRemove,   // a pod or node: cannot be undone
  kEvict,    // a pod, by the Eviction API: cannot be undone
  kReplace,  // deletes an object and makes it again with a new uid: cannot be undone
  kSave,     // objects and logs of the API into the case
  kAcquire,  // `acquire pod`
  kProbe,    // tries connections from the pod's network namespace
  kFreeze,   // stops the processes of a container by its cgroup; undone by letting them go on
  kKill,     // ends one process: cannot be undone
  kManual,   // people do it; recorded when they say so
  kAws,      // calls of AWS that give one thing another state; undone by giving it the old one
};

// What a step does to evidence that was not acquired yet.
enum class Effect { kPreserves, kAlters, kDestroys };

// What a step of kind kAws changes. `parameters`, and texts of `wanted`, may name what an earlier
// step made ("${make-group.id}") and, in `wanted`, the moment of the call ("${now}").
struct AwsChange {
  std::string resource;  // a kind of cloud_state/resource.h: "role-policy"
  std::string region;
  Json parameters;                     // which one: {"RoleName": "web", "PolicyName": "deny"}
  Json state;                          // as it was when the plan was made, for readers
  Json wanted;                         // a merge patch of it; null: it shall not be there any more
  std::string read;                    // the reading call, for readers: "iam:GetRolePolicy"
  std::vector<std::string> calls;      // what is called: "iam:PutRolePolicy"
  std::vector<std::string> undo_with;  // and to take it back
};

struct Step {
  std::string id;  // unique in the plan: "quarantine-network"
  std::string
      phase;  // record, shield, save, identity, capture, detach, network, verify, disk, eradicate
  StepKind kind = StepKind::kManual;
  std::string what;    // one line
  std::string reason;  // why, and what it costs
  Effect effect = Effect::kPreserves;
  std::string undo;  // how it is undone, a sentence
  // Of the API: the object's path; of a new object that of its collection.
  std::string path;
  Json body;                                    // the patch or the object
  std::string uid;                              // of the object when the plan was made
  std::string fingerprint;                      // the same: change.h
  std::string object;                           // what people call it: "pod/shop/web"
  AwsChange aws;                                // of kAws
  std::map<std::string, std::string> settings;  // docs/formats/response-plan.md lists them
  std::vector<std::string> missing;             // permissions that we do not have
  bool enabled = true;
  bool needs_approval = false;
};

struct Approval {
  std::string by;
  std::string time;
  std::string digest;  // of the plan that was approved
};

struct Plan {
  std::string id;       // "20261127T193900Z-pod-shop-web"
  std::string target;   // "pod/shop/web"
  std::string case_id;  // "" without a case
  std::string created;
  std::string by;       // who made it: user@host
  std::string server;   // the API server; "" for a plan that changes nothing in a cluster
  std::string account;  // of AWS; "" for a plan that changes nothing there
  std::vector<std::string> warnings;
  std::vector<Step> steps;
  std::vector<Approval> approvals;

  const Step* Find(std::string_view id) const;
};

// A setting of a step; `otherwise` when it has none of that name.
std::string SettingOf(const Step& step, const std::string& name, std::string otherwise = "");

// What is typed before a step destroys: the object's name, of a process with its number.
std::string WordsToConfirm(const Step& step);
// The name of the object that a step is about after it: for a new one its own path.
std::string ObjectPath(const Step& step);
// The permission that the API asks for, if the step calls it.
std::vector<kubernetes::Permission> PermissionsOf(const Step& step);
// False for what takes something away for good.
bool CanBeUndone(StepKind kind);
std::string_view NameOf(StepKind kind);
std::string_view NameOf(Effect effect);

// SHA-256 over everything but the approvals and what is only said about the steps.
std::string Digest(const Plan& plan);
// Whether somebody who is neither its maker nor `operator_name` approved the plan as it is now.
bool IsApproved(const Plan& plan, std::string_view operator_name);

std::string WritePlan(const Plan& plan);
// kInvalidArgument with the place for a file that makes no sense; the limits of runtime/yaml.h.
Result<Plan> ReadPlan(std::string_view text);

}  // namespace ekshume::live::respond
