// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/ascii.h"
#include "base/text.h"
#include "live/respond/plan_maker.h"

namespace ekshume::live::respond {
namespace {

using kubernetes::PathOf;

constexpr const char* kPolicyResource = "validatingadmissionpolicies";

// A text of the expression language of admission policies.
std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string ExpressionOf(const AdmissionBlock& block) {
  if (!block.account.empty()) {
    return fmt::format(
        "!has(object.spec.serviceAccountName) || object.spec.serviceAccountName != {}",
        Quoted(block.account));
  }
  std::vector<std::string> images;
  for (const std::string& image : block.images) images.push_back(Quoted(image));
  std::vector<std::string> lists;
  for (const char* list : {"containers", "initContainers"}) {
    lists.push_back(fmt::format(
        "(!has(object.spec.{0}) || object.spec.{0}.all(c, ![{1}].exists(i, c.image == i || "
        "c.image.endsWith('@' + i))))",
        list, fmt::join(images, ", ")));
  }
  return fmt::format("{}", fmt::join(lists, " && "));
}

bool IsDigest(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  return text.starts_with(kPrefix) && text.size() == kPrefix.size() + 64 &&
         std::ranges::all_of(text.substr(kPrefix.size()),
                             [](char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); });
}

}  // namespace

void AddAdmissionBlock(PlanMaker& maker, const AdmissionBlock& block, bool enabled) {
  const bool is_account = !block.account.empty();
  const std::string subject =
      is_account ? fmt::format("the account {}/{}", block.in_namespace, block.account)
                 : fmt::format("{}", fmt::join(block.images, ", "));
  const std::string version = maker.ServedVersion(
      {"admissionregistration.k8s.io/v1", "admissionregistration.k8s.io/v1beta1"}, kPolicyResource);
  if (version.empty()) {
    maker.Warn(
        "this API server has no ValidatingAdmissionPolicy (Kubernetes 1.30 has): new pods "
        "are kept out only by an admission webhook of yours");
    Step& step = maker.AddStep(
        StepKind::kManual, is_account ? "block-account" : "block-image", "eradicate",
        is_account ? fmt::format("serviceaccount/{}/{}", block.in_namespace, block.account)
                   : "image",
        fmt::format("keep new pods with {} out by the policy engine of the cluster", subject),
        "it would be started again otherwise");
    step.enabled = enabled;
    return;
  }
  const std::string name =
      fmt::format("ekshume-{}-{}", is_account ? "account" : "image", AsciiLower(maker.mark()));
  Json rule = {{"apiGroups", {""}},
               {"apiVersions", {"v1"}},
               // Not UPDATE: the pods that run now are evidence, and later steps label them.
               {"operations", {"CREATE"}},
               {"resources", {"pods"}}};
  Json constraints = {{"resourceRules", Json::array({std::move(rule)})}};
  if (is_account) {
    constraints["namespaceSelector"] = {
        {"matchLabels", {{"kubernetes.io/metadata.name", block.in_namespace}}}};
  }
  const std::string collection = fmt::format("/apis/{}/{}", version, kPolicyResource);
  Step& policy = maker.AddCreation(
      is_account ? "block-account" : "block-image", "eradicate",
      fmt::format("validatingadmissionpolicy/{}", name), collection,
      {{"apiVersion", version},
       {"kind", "ValidatingAdmissionPolicy"},
       {"metadata", {{"name", name}}},
       {"spec",
        {{"failurePolicy", "Fail"},
         {"matchConstraints", std::move(constraints)},
         {"validations",
          Json::array({{{"expression", ExpressionOf(block)},
                        {"message", fmt::format("{} is blocked in the case {}", subject,
                                                maker.plan().case_id)}}})}}}},
      fmt::format("a policy that keeps new pods with {} out", subject),
      "preserves all that runs; stops that it is started again");
  policy.enabled = enabled;
  Step& binding = maker.AddCreation(
      is_account ? "block-account-everywhere" : "block-image-everywhere", "eradicate",
      fmt::format("validatingadmissionpolicybinding/{}", name),
      fmt::format("/apis/{}/validatingadmissionpolicybindings", version),
      {{"apiVersion", version},
       {"kind", "ValidatingAdmissionPolicyBinding"},
       {"metadata", {{"name", name}}},
       {"spec", {{"policyName", name}, {"validationActions", {"Deny"}}}}},
      "put the policy in force", "the API server refuses such pods some seconds later");
  binding.enabled = enabled;
}

Result<void> PlanImage(PlanMaker& maker, std::string_view image) {
  const size_t at = image.rfind('@');
  const std::string_view digest = at == std::string_view::npos ? image : image.substr(at + 1);
  if (!IsDigest(digest)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} has no digest: NAME@sha256:64 hexadecimal digits",
                            EscapeForTerminal(image)));
  }
  AdmissionBlock block{.images = {std::string(digest)}, .in_namespace = "", .account = ""};
  std::set<std::string> names;
  std::vector<std::string> pods;
  EKSHUME_TRY(
      maker.client().List(PathOf({"api", "v1", "pods"}), "", [&](const Json& pod) -> Result<void> {
        const Json& metadata = wire::ObjectOf(pod, "metadata");
        bool runs = false;
        for (const char* list : {"containerStatuses", "initContainerStatuses"}) {
          for (const Json& status : wire::ArrayOf(wire::ObjectOf(pod, "status"), list)) {
            if (!wire::TextOf(status, "imageID").ends_with(digest)) continue;
            runs = true;
            for (const char* containers : {"containers", "initContainers"}) {
              for (const Json& container : wire::ArrayOf(wire::ObjectOf(pod, "spec"), containers)) {
                if (wire::TextOf(container, "name") == wire::TextOf(status, "name")) {
                  names.insert(wire::TextOf(container, "image"));
                }
              }
            }
          }
        }
        if (runs) {
          pods.push_back(fmt::format("pod/{}/{}", wire::TextOf(metadata, "namespace"),
                                     wire::TextOf(metadata, "name")));
        }
        return {};
      }));
  // A tag says nothing of the digest to the API server: the names that pods used are blocked too.
  for (const std::string& name : names) {
    if (!name.ends_with(digest)) block.images.push_back(name);
  }
  if (!pods.empty()) {
    maker.Warn(fmt::format("runs now in {}: plan for each pod", fmt::join(pods, ", ")));
  }
  AddAdmissionBlock(maker, block, true);
  maker.AddStep(StepKind::kManual, "save-image", "save", fmt::format("image/{}", image),
                "keep the image by its digest (manifest, config, layers) before the registry loses "
                "it",
                "it is the malware's original; layers that nothing names are collected");
  return {};
}

}  // namespace ekshume::live::respond
