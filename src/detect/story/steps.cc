// SPDX-License-Identifier: Apache-2.0
#include "detect/story/steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "detect/story/acts.h"

namespace ekshume::detect::story {
namespace {

constexpr size_t kMaxSteps = 200;
constexpr size_t kMaxNamed = 10;

class Steps {
 public:
  explicit Steps(const Incident& incident) : incident_(incident) {
    for (const Place& place : incident.places) {
      const bool gone = place.how.find("it was deleted") != std::string::npos;
      if (place.kind == "pod") (gone ? gone_ : pods_).push_back(&place);
      if (place.kind == "node") nodes_.push_back(&place);
      if (place.kind == "container" &&
          (place.likely_way || place.pod.find('/') == std::string::npos)) {
        containers_.push_back(&place);
      }
      if (place.kind == "node" && place.first) host_changed_ = true;
    }
  }

  std::vector<Step> Make() {
    Preserve();
    Acquire();
    Contain();
    Eradicate();
    Recover();
    return std::move(steps_);
  }

 private:
  void Add(const char* phase, std::string action, std::string target, std::string why) {
    if (steps_.size() >= kMaxSteps) return;
    steps_.push_back({phase, std::move(action), std::move(target), std::move(why)});
  }
  static std::string Pod(const Place& place) { return place.name_space + "/" + place.name; }
  static std::string Container(const Place& place) {
    return place.pod.empty() ? place.name.substr(0, 12) : place.pod;
  }

  void Preserve() {
    for (const Place* node : nodes_) {
      Add("preserve",
          "Protect the node from automation: termination protection, DeleteOnTermination=false for "
          "its volumes, scale-in protection, no drain, no reboot",
          "node " + node->name,
          "an autoscaler, a repair or an upgrade would take disk and memory with it");
    }
    for (const Place* pod : pods_) {
      Add("preserve",
          "Keep the pod: annotate it against eviction, pause its rollout, do not delete or restart "
          "it",
          "pod " + Pod(*pod),
          "with the pod go its memory, its writable layer, its emptyDir volumes and its logs");
    }
    std::set<std::string> name_spaces;
    for (const Place* pod : pods_) name_spaces.insert(pod->name_space);
    if (!name_spaces.empty()) {
      Add("preserve",
          "Save the API objects, Kubernetes events and logs (also of previous containers)",
          "namespaces " + Enumerate({name_spaces.begin(), name_spaces.end()}, kMaxNamed),
          "events are kept for about an hour");
    }
  }

  void Acquire() {
    for (const Place* pod : pods_) {
      Add("acquire", "Take the processes, sockets, open files and memory of the pod, over the node",
          "pod " + Pod(*pod), "no snapshot holds memory or what is in tmpfs");
    }
    for (const Place* container : containers_) {
      Add("acquire", "Take the processes, sockets, open files and memory of the container",
          "container " + Container(*container), "no snapshot holds memory or what is in tmpfs");
    }
    for (const Place* node : nodes_) {
      if (node->first || host_changed_) {
        Add("acquire", "Take the memory of the whole node", "node " + node->name,
            "its host was changed or within reach, so every process on it may be the intruder's");
      }
      Add("acquire", "Snapshot all volumes of the instance at once, and lock the snapshots",
          "node " + node->name,
          "before anything is evicted: eviction removes the containers' writable layers");
    }
    for (const Place* pod : gone_) {
      Add("acquire",
          "Look for what is left of the deleted pod: logs, snapshots of containers, records",
          "pod " + Pod(*pod), "the runtime removes them when it needs room");
    }
    bool cloud = false;
    for (const Actor& actor : incident_.actors) {
      for (const Name& name : actor.names) cloud = cloud || name.field == "user_arn";
    }
    if (cloud) {
      Add("acquire",
          "Get CloudTrail of all regions for the identities below, and the cluster's audit log",
          "AWS account", "what the same keys did outside of the cluster is not in this case");
    }
  }

  void Contain() {
    for (const Actor& actor : incident_.actors) {
      if (actor.role != "acted") continue;
      ContainActor(actor);
    }
    for (const Place* pod : pods_) {
      Add("contain",
          "Isolate the pod's network (deny all), keep the node's own path to it, and verify from "
          "inside that it is cut off",
          "pod " + Pod(*pod),
          "policies are additive, and a failing liveness probe restarts the container");
    }
    for (const Place* node : nodes_) {
      if (!node->first) continue;
      Add("contain",
          "Cordon the node; then a security group that leaves only the control plane's 443 and "
          "10250; deny its role for this instance alone (aws:userid *:INSTANCE-ID)",
          "node " + node->name, "a role-wide denial stops every node of the group");
    }
  }

  void ContainActor(const Actor& actor) {
    bool has_key = false;
    for (const Name& name : actor.names) {
      if (name.field != "access_key_id") continue;
      has_key = true;
      Add("contain",
          name.value.starts_with("AKIA")
              ? "Deactivate the access key (iam update-access-key --status Inactive); do not "
                "delete it"
              : "Deny sessions issued before now (aws:TokenIssueTime) for the role of this key",
          "access key " + name.value, "it is what was misused; a deleted key cannot be looked up");
    }
    if (actor.kind == "user") {
      Add("contain",
          has_key ? "Remove the identity's access entry or its row in aws-auth, and its bindings"
                  : "Remove the identity's bindings, and its access entry or certificate",
          "identity " + actor.name,
          "a denial in IAM does not stop a token for the cluster from being made");
    } else if (actor.kind == "service account") {
      Add("contain",
          "Take away the account's bindings; deny its IAM role where it has one; make it anew "
          "later, "
          "which ends its tokens",
          "service account " + actor.name,
          "its token was used outside of its pod, and stays valid while pod and account exist");
    } else if (actor.kind == "node") {
      Add("contain", "Deny the node's role for this instance and remove its kubelet certificate",
          actor.name, "the credential of the node was used");
    } else if (actor.kind == "anonymous") {
      Add("contain", "Remove the bindings of system:anonymous and system:unauthenticated",
          actor.name, "requests without a credential were answered");
    }
  }

  void Eradicate() {
    for (const Thing& thing : incident_.persistence) {
      if (thing.kind == "file" || thing.kind == "by a command") continue;
      Add("eradicate",
          thing.how == "created" ? "Save, then delete what was made"
                                 : "Save, then put back what was changed",
          thing.kind + " " + thing.name, "it was left behind");
    }
    for (const Place* node : nodes_) {
      if (!node->first) continue;
      std::vector<std::string> files;
      for (const Thing& thing : incident_.persistence) {
        if (thing.kind == "file" && thing.where == "node " + node->name)
          files.push_back(thing.name);
      }
      Add("eradicate", "Replace the node; do not clean it", "node " + node->name,
          files.empty() ? std::string("its host was changed or within reach")
                        : "left on it: " + Enumerate(files, kMaxNamed));
    }
    for (const Place* pod : pods_) {
      const bool made = pod->how.starts_with("it was created");
      Add("eradicate",
          made ? "Delete the pod, once it is acquired"
               : "Replace the pod from a known image, once it is acquired; then delete it",
          "pod " + Pod(*pod),
          made ? "it was made by the intruder" : "what is in it is not its image's");
    }
  }

  void Recover() {
    for (const Thing& secret : incident_.secrets) {
      Add("recover", secret.kind == "secrets" ? "Rotate every secret" : "Rotate or end it",
          secret.kind + " " + secret.name, "it was " + secret.how);
    }
    Add("recover",
        "Search the other nodes and accounts for the same keys, addresses, hashes and paths, and "
        "watch for them",
        "all clusters", "what was found here may be elsewhere");
  }

  const Incident& incident_;
  std::vector<const Place*> pods_, nodes_, containers_;
  std::vector<const Place*> gone_;  // pods that were deleted
  bool host_changed_ = false;
  std::vector<Step> steps_;
};

}  // namespace

std::vector<Step> MakeSteps(const Incident& incident) { return Steps(incident).Make(); }

}  // namespace ekshume::detect::story
