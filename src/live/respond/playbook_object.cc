// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "base/text.h"
#include "live/respond/aws_auth.h"
#include "live/respond/change.h"
#include "live/respond/plan_maker.h"

// Single objects that give or keep access: webhooks, aggregated APIs, secrets, aws-auth.
namespace ekshume::live::respond {
namespace {

using kubernetes::PathOf;

// What of a pod reads a secret: "volume", "variable", "image pull".
std::set<std::string> WaysTo(const Json& spec, std::string_view secret) {
  std::set<std::string> ways;
  for (const Json& volume : wire::ArrayOf(spec, "volumes")) {
    if (wire::TextOf(wire::ObjectOf(volume, "secret"), "secretName") == secret)
      ways.insert("volume");
    for (const Json& source : wire::ArrayOf(wire::ObjectOf(volume, "projected"), "sources")) {
      if (wire::TextOf(wire::ObjectOf(source, "secret"), "name") == secret) ways.insert("volume");
    }
  }
  for (const char* list : {"initContainers", "containers", "ephemeralContainers"}) {
    for (const Json& container : wire::ArrayOf(spec, list)) {
      for (const Json& from : wire::ArrayOf(container, "envFrom")) {
        if (wire::TextOf(wire::ObjectOf(from, "secretRef"), "name") == secret)
          ways.insert("variable");
      }
      for (const Json& variable : wire::ArrayOf(container, "env")) {
        const Json& from = wire::ObjectOf(wire::ObjectOf(variable, "valueFrom"), "secretKeyRef");
        if (wire::TextOf(from, "name") == secret) ways.insert("variable");
      }
    }
  }
  for (const Json& pull : wire::ArrayOf(spec, "imagePullSecrets")) {
    if (wire::TextOf(pull, "name") == secret) ways.insert("image pull");
  }
  return ways;
}

}  // namespace

Result<void> PlanWebhook(PlanMaker& maker, std::string_view name) {
  size_t found = 0;
  for (const char* list : {"mutatingwebhookconfigurations", "validatingwebhookconfigurations"}) {
    const std::string path = PathOf({"apis", "admissionregistration.k8s.io", "v1", list, name});
    const auto webhook = maker.client().Get(path);
    if (!webhook && webhook.error().code == ErrorCode::kNotFound) continue;
    if (!webhook) return webhook.error();
    ++found;
    const std::string object = fmt::format(
        "{}/{}", std::string_view(list).substr(0, std::string_view(list).size() - 1), name);
    std::vector<std::string> targets;
    for (const Json& hook : wire::ArrayOf(*webhook, "webhooks")) {
      const Json& config = wire::ObjectOf(hook, "clientConfig");
      const Json& service = wire::ObjectOf(config, "service");
      targets.push_back(config.contains("url")
                            ? wire::TextOf(config, "url")
                            : fmt::format("service {}/{}", wire::TextOf(service, "namespace"),
                                          wire::TextOf(service, "name")));
    }
    maker.AddDeletion("delete-webhook", "identity", object, path, *webhook,
                      fmt::format("delete {}, which asks {}", object, fmt::join(targets, ", ")),
                      "a webhook sees, and may change, what passes the API; a controller may make "
                      "it again: look at it once more a minute later");
  }
  if (found > 0) return {};
  return Fail(ErrorCode::kNotFound,
              fmt::format("no webhook configuration is called {}", EscapeForTerminal(name)));
}

Result<void> PlanApiService(PlanMaker& maker, std::string_view name) {
  const std::string path = PathOf({"apis", "apiregistration.k8s.io", "v1", "apiservices", name});
  const Json service = EKSHUME_TRY(maker.client().Get(path));
  const Json& target = wire::ObjectOf(wire::ObjectOf(service, "spec"), "service");
  if (target.empty()) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{} is of the API server itself: it would make it again", name));
  }
  const std::string object = fmt::format("apiservice/{}", name);
  maker.AddDeletion("delete-apiservice", "identity", object, path, service,
                    fmt::format("delete {}, which service {}/{} answers", object,
                                wire::TextOf(target, "namespace"), wire::TextOf(target, "name")),
                    "whoever answers for a group of the API sees the credentials of its callers; "
                    "what is stored there cannot be reached meanwhile");
  return {};
}

Result<void> PlanSecret(PlanMaker& maker, std::string_view in_namespace, std::string_view name) {
  const std::string path = PathOf({"api", "v1", "namespaces", in_namespace, "secrets", name});
  const Json secret = EKSHUME_TRY(maker.client().Get(path));
  const std::string object = fmt::format("secret/{}/{}", in_namespace, name);
  Step& hashes = maker.AddStep(
      StepKind::kSave, "hash-secret", "save", object, "keep the SHA-256 of each value in the case",
      "so that it can be shown later which value was there, without the case holding a credential");
  hashes.path = path;
  std::vector<std::string> readers;
  EKSHUME_TRY(maker.client().List(PathOf({"api", "v1", "namespaces", in_namespace, "pods"}), "",
                                  [&](const Json& pod) -> Result<void> {
                                    const auto ways = WaysTo(wire::ObjectOf(pod, "spec"), name);
                                    if (!ways.empty()) {
                                      readers.push_back(fmt::format(
                                          "pod/{}/{} ({})", in_namespace,
                                          wire::TextOf(wire::ObjectOf(pod, "metadata"), "name"),
                                          fmt::join(ways, ", ")));
                                    }
                                    return {};
                                  }));
  if (!readers.empty()) maker.Warn(fmt::format("read by {}", fmt::join(readers, ", ")));
  const std::string type = wire::TextOf(secret, "type");
  if (type == "kubernetes.io/service-account-token") {
    maker.Warn(
        fmt::format("it is a token of serviceaccount/{}/{}: plan for that account", in_namespace,
                    wire::TextOf(wire::ObjectOf(wire::ObjectOf(secret, "metadata"), "annotations"),
                                 "kubernetes.io/service-account.name")));
  } else {
    maker.AddStep(StepKind::kManual, "rotate", "eradicate", object,
                  "give the secret a new value where it was issued, end the old one there, write "
                  "the new one into the cluster and start its readers again",
                  "the value in the cluster is a copy: changing it alone ends nothing");
  }
  Step& step = maker.AddRemoval(
      StepKind::kRemove, "delete-secret", object, path, secret, "delete the secret",
      "its readers do not start again without it. Its value is not kept, only the SHA-256");
  step.effect = Effect::kAlters;
  step.fingerprint = Fingerprint(secret);
  return {};
}

Result<void> PlanAwsAuth(PlanMaker& maker, std::string_view arn) {
  const std::string path(kAwsAuthPath);
  const Json config_map = EKSHUME_TRY(maker.client().Get(path));
  const AwsAuthEdit edit = EKSHUME_TRY(WithoutPrincipal(config_map, arn));
  for (const std::string& row : edit.for_nodes) {
    maker.Warn(fmt::format(
        "{} stays in aws-auth: nodes come in by it. Deny the sessions of the role in IAM instead",
        row));
  }
  if (edit.account_is_mapped) {
    maker.Warn(
        "mapAccounts of aws-auth lets everyone of its account in: it stays known, without "
        "groups");
  }
  if (edit.removed.empty() && edit.for_nodes.empty()) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("aws-auth has no row for {}", EscapeForTerminal(arn)));
  }
  if (edit.removed.empty()) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{}: the only row of aws-auth is the one that its nodes come in by; "
                            "without it they are locked out",
                            EscapeForTerminal(arn)));
  }
  Step& step = maker.AddPatch(
      "edit-aws-auth", "identity", "configmap/kube-system/aws-auth", path, config_map, edit.patch,
      fmt::format("take {} out of aws-auth", fmt::join(edit.removed, ", ")),
      "it comes into the cluster by this row, whatever IAM denies it; tokens that it has last 15 "
      "minutes. Rows of nodes are never taken out");
  step.settings = {{"by", "put"}, {"diff", edit.diff}};
  step.undo = "puts the rows back as they were";
  return {};
}

}  // namespace ekshume::live::respond
