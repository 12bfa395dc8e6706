// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"
#include "live/respond/change.h"
#include "live/respond/plan_maker.h"

namespace ekshume::live::respond {
namespace {

using kubernetes::PathOf;

constexpr const char* kRevision = "deployment.kubernetes.io/revision";
constexpr size_t kMaxPods = 50;  // of which evidence is taken by steps of their own

struct Revision {
  int64_t number = 0;
  std::string source;  // the object that has it
  Json pod_template;
};

const Json& Metadata(const Json& object) { return wire::ObjectOf(object, "metadata"); }
const Json& Spec(const Json& object) { return wire::ObjectOf(object, "spec"); }

bool IsOwnedBy(const Json& object, const Json& owner) {
  return std::ranges::any_of(
      wire::ArrayOf(Metadata(object), "ownerReferences"), [&](const Json& reference) {
        return wire::TextOf(reference, "uid") == wire::TextOf(Metadata(owner), "uid");
      });
}

std::string ImagesOf(const Json& pod_template) {
  std::vector<std::string> images;
  for (const char* list : {"initContainers", "containers"}) {
    for (const Json& container : wire::ArrayOf(Spec(pod_template), list)) {
      images.push_back(wire::TextOf(container, "image"));
    }
  }
  return fmt::format("{}", fmt::join(images, ", "));
}

class WorkloadPlaybook {
 public:
  WorkloadPlaybook(PlanMaker& maker, std::string_view kind, std::string_view in_namespace,
                   std::string_view name, Json workload)
      : maker_(maker),
        kind_(kind),
        namespace_(in_namespace),
        name_(name),
        workload_(std::move(workload)),
        apps_(PathOf({"apis", "apps", "v1", "namespaces", in_namespace})),
        path_(apps_ + PathOf({fmt::format("{}s", kind), name})),
        object_(fmt::format("{}/{}/{}", kind, in_namespace, name)) {}

  Result<void> Run() {
    EKSHUME_TRY(FindPods());
    Patch("mark-workload", "record", {{"metadata", {{"labels", {{kQuarantine, maker_.mark()}}}}}},
          fmt::format("label the {} as under investigation", kind_),
          "its pods are not touched; an intruder who may read it sees it");
    if (kind_ == "deployment") {
      Patch("pause", "shield", {{"spec", {{"paused", true}}}}, "pause the rollout",
            "no change of the template replaces its pods, and so the evidence, meanwhile");
    }
    TakeEvidence();
    EKSHUME_TRY(Orphan());
    EKSHUME_TRY(Rollback());
    Scale();
    WarnOfOthers();
    return {};
  }

 private:
  Step& Patch(std::string_view id, std::string_view phase, Json body, std::string what,
              std::string reason) {
    return maker_.AddPatch(id, phase, object_, path_, workload_, std::move(body), std::move(what),
                           std::move(reason));
  }

  // Ends its pods: only when their evidence was taken, and with an approval.
  void EndsPods(Step& step) {
    step.effect = Effect::kDestroys;
    step.needs_approval = true;
    step.enabled = false;
    step.settings["destroys"] = fmt::format("{}", fmt::join(pods_, " "));
    step.undo += "; the pods that ended do not come back";
  }

  Result<void> FindPods() {
    const Json& wanted = wire::ObjectOf(wire::ObjectOf(Spec(workload_), "selector"), "matchLabels");
    EKSHUME_TRY(maker_.client().List(PathOf({"api", "v1", "namespaces", namespace_, "pods"}), "",
                                     [&](const Json& pod) -> Result<void> {
                                       const Json& labels = wire::ObjectOf(Metadata(pod), "labels");
                                       for (const auto& [label, value] : wanted.items()) {
                                         if (!labels.contains(label) || labels[label] != value)
                                           return {};
                                       }
                                       pods_.push_back(
                                           fmt::format("pod/{}/{}", namespace_,
                                                       wire::TextOf(Metadata(pod), "name")));
                                       return {};
                                     }));
    if (kind_ != "deployment") return {};
    return maker_.client().List(apps_ + "/replicasets", "", [&](const Json& set) -> Result<void> {
      if (IsOwnedBy(set, workload_)) sets_.push_back(set);
      return {};
    });
  }

  void TakeEvidence() {
    for (const std::string& pod : pods_) {
      if (&pod - pods_.data() >= static_cast<std::ptrdiff_t>(kMaxPods)) {
        maker_.Warn(fmt::format("it has {} pods: only of the first {} evidence is taken by steps",
                                pods_.size(), kMaxPods));
        break;
      }
      maker_.AddStep(StepKind::kSave, "save-state", "save", pod,
                     "keep the pod, its owners, node, account, bindings, events and logs",
                     "events go after an hour, logs with the pod");
      Step& step = maker_.AddStep(
          StepKind::kAcquire, "acquire-pod", "capture", pod,
          "acquire what runs in the pod: processes, sockets, memory, changed files",
          "goes through the kubelet's streams; disable it for pods that need not be kept");
      step.path = PathOf({"api", "v1", "namespaces", namespace_, "pods",
                          std::string_view(pod).substr(pod.rfind('/') + 1)});
      step.settings = {{"memory", maker_.request().memory}, {"via", "auto"}};
    }
  }

  void Leave(std::string_view id, const std::string& object, const std::string& path,
             const Json& now, std::string what) {
    Step& step = maker_.AddDeletion(
        id, "detach", object, path, now, std::move(what),
        "its pods run on with their memory and files, and nothing starts, replaces or ends them "
        "any more; their services still send to them");
    step.effect = Effect::kAlters;
    step.enabled = false;
    step.settings = {{"propagation", "Orphan"}};
    step.undo = "makes it again as it was, with a new uid; it takes its pods again by its selector";
  }

  Result<void> Orphan() {
    Leave("orphan", object_, path_, workload_,
          fmt::format("delete the {} and leave its pods running", kind_));
    for (const Json& set : sets_) {
      if (wire::IntegerOf(Spec(set), "replicas") == 0) continue;
      const std::string name = wire::TextOf(Metadata(set), "name");
      Leave("orphan-replicaset", fmt::format("replicaset/{}/{}", namespace_, name),
            apps_ + PathOf({"replicasets", name}), set,
            "delete its replica set and leave the pods running");
    }
    return {};
  }

  Result<std::vector<Revision>> Revisions() {
    std::vector<Revision> revisions;
    for (const Json& set : sets_) {
      Json pod_template = wire::ObjectOf(Spec(set), "template");
      if (pod_template.contains("metadata") && pod_template["metadata"].contains("labels")) {
        pod_template["metadata"]["labels"].erase("pod-template-hash");
      }
      revisions.push_back({wire::IntegerOf(wire::ObjectOf(Metadata(set), "annotations"), kRevision),
                           fmt::format("replicaset {}", wire::TextOf(Metadata(set), "name")),
                           std::move(pod_template)});
    }
    if (kind_ != "deployment") {
      EKSHUME_TRY(maker_.client().List(
          apps_ + "/controllerrevisions", "", [&](const Json& revision) -> Result<void> {
            if (!IsOwnedBy(revision, workload_)) return {};
            Json pod_template = wire::ObjectOf(Spec(wire::ObjectOf(revision, "data")), "template");
            pod_template.erase("$patch");
            revisions.push_back(
                {wire::IntegerOf(revision, "revision"),
                 fmt::format("revision {}", wire::TextOf(Metadata(revision), "name")),
                 std::move(pod_template)});
            return {};
          }));
    }
    std::ranges::sort(revisions, {}, &Revision::number);
    return revisions;
  }

  Result<void> Rollback() {
    const auto revisions = Revisions();
    if (!revisions) {
      maker_.Warn(fmt::format("earlier revisions cannot be read ({})", revisions.error().message));
      return {};
    }
    const Json& now = wire::ObjectOf(Spec(workload_), "template");
    const int64_t wanted = maker_.request().revision;
    const Revision* found = nullptr;
    for (const Revision& revision : *revisions) {
      if (wanted != 0 && revision.number != wanted) continue;
      if (!PatchBetween(now, revision.pod_template).empty()) found = &revision;
    }
    if (found == nullptr) {
      if (wanted != 0) {
        return Fail(ErrorCode::kNotFound,
                    fmt::format("{} has no other revision {}", object_, wanted));
      }
      maker_.Warn("there is no earlier revision to go back to");
      return {};
    }
    Json spec = {{"template", PatchBetween(now, found->pod_template)}};
    // A paused one would not roll.
    if (kind_ == "deployment") spec["paused"] = nullptr;
    Step& step = Patch(
        "rollback", "eradicate", {{"spec", std::move(spec)}},
        fmt::format("go back to revision {} ({}): {}", found->number, found->source,
                    ImagesOf(found->pod_template)),
        fmt::format("look first whether that one is good; now it is {}. All its pods are replaced",
                    ImagesOf(now)));
    EndsPods(step);
    return {};
  }

  void Scale() {
    const bool has_replicas = kind_ != "daemonset";
    const Json body =
        has_replicas
            ? Json{{"spec", {{"replicas", 0}}}}
            : Json{{"spec",
                    {{"template",
                      {{"spec", {{"nodeSelector", {{"ekshume.dev/no-node", maker_.mark()}}}}}}}}}};
    Step& step = Patch("scale-to-zero", "eradicate", body,
                       has_replicas ? "scale it to no replicas"
                                    : "let it run on no node, by a label that no node has",
                       "all its pods end, with their memory, writable layers and emptyDir volumes");
    EndsPods(step);
  }

  // What would work against us.
  void WarnOfOthers() {
    const auto version =
        maker_.ServedVersion({"autoscaling/v2", "autoscaling/v1"}, "horizontalpodautoscalers");
    if (!version.empty()) {
      const auto listed = maker_.client().List(
          fmt::format("/apis/{}{}", version,
                      PathOf({"namespaces", namespace_, "horizontalpodautoscalers"})),
          "", [&](const Json& scaler) -> Result<void> {
            const Json& target = wire::ObjectOf(Spec(scaler), "scaleTargetRef");
            if (wire::TextOf(target, "name") == name_) {
              maker_.Warn(
                  fmt::format("horizontalpodautoscaler/{}/{} scales it: it rests while "
                              "there are no replicas, and goes on after a rollback",
                              namespace_, wire::TextOf(Metadata(scaler), "name")));
            }
            return {};
          });
      if (!listed) maker_.Warn("autoscalers cannot be read: one may scale it again");
    }
    const Json& labels = wire::ObjectOf(Metadata(workload_), "labels");
    for (const char* label : {"argocd.argoproj.io/instance", "kustomize.toolkit.fluxcd.io/name",
                              "helm.toolkit.fluxcd.io/name"}) {
      if (labels.contains(label)) {
        maker_.Warn(
            fmt::format("{} says that it is kept as in Git: stop that first, or it puts "
                        "everything back",
                        label));
      }
    }
  }

  PlanMaker& maker_;
  const std::string kind_;
  const std::string namespace_;
  const std::string name_;
  const Json workload_;
  const std::string apps_;
  const std::string path_;
  const std::string object_;
  std::vector<std::string> pods_;
  std::vector<Json> sets_;  // replica sets of a deployment
};

}  // namespace

Result<void> PlanWorkload(PlanMaker& maker, std::string_view kind, std::string_view in_namespace,
                          std::string_view name) {
  Json workload = EKSHUME_TRY(maker.client().Get(
      PathOf({"apis", "apps", "v1", "namespaces", in_namespace, fmt::format("{}s", kind), name})));
  return WorkloadPlaybook(maker, kind, in_namespace, name, std::move(workload)).Run();
}

Result<void> PlanCronJob(PlanMaker& maker, std::string_view in_namespace, std::string_view name) {
  const std::string version = maker.ServedVersion({"batch/v1", "batch/v1beta1"}, "cronjobs");
  const std::string path = fmt::format("/apis/{}{}", version.empty() ? "batch/v1" : version,
                                       PathOf({"namespaces", in_namespace, "cronjobs", name}));
  const Json job = EKSHUME_TRY(maker.client().Get(path));
  maker.AddPatch("suspend", "shield", fmt::format("cronjob/{}/{}", in_namespace, name), path, job,
                 {{"spec", {{"suspend", true}}}}, "suspend the CronJob: it starts no new job",
                 "jobs that run go on; suspending those would delete their pods");
  return {};
}

}  // namespace ekshume::live::respond
