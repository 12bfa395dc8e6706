// SPDX-License-Identifier: Apache-2.0
#include "detect/story/actors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ekshume::detect::story {
namespace {

constexpr std::string_view kServiceAccountUser = "system:serviceaccount:";

bool IsAnonymous(std::string_view name) {
  return name == "system:anonymous" || name == "system:unauthenticated" || name == "anonymous" ||
         name == "ANONYMOUS_PRINCIPAL";
}

// The control plane's own: its components, its controllers, and services of AWS.
bool IsController(std::string_view name) {
  if (name.ends_with(".amazonaws.com")) return true;
  if (name.starts_with("system:kube-") || name == "system:apiserver" || name.starts_with("eks:") ||
      name.starts_with("system:aggregated-metrics")) {
    return true;
  }
  if (!name.starts_with(std::string(kServiceAccountUser) + "kube-system:")) return false;
  constexpr std::array<std::string_view, 6> kOthers = {
      "generic-garbage-collector", "horizontal-pod-autoscaler", "namespace-controller",
      "pod-garbage-collector",     "root-ca-cert-publisher",    "persistent-volume-binder"};
  const std::string_view account = name.substr(name.rfind(':') + 1);
  return account.ends_with("-controller") || std::ranges::find(kOthers, account) != kOthers.end();
}

Actors::Kind KindOfNames(const std::vector<Name>& names) {
  Actors::Kind kind = Actors::Kind::kPerson;
  for (const Name& name : names) {
    if (name.field != "user_name" && name.field != "service_account" && name.field != "user_arn") {
      continue;
    }
    if (IsAnonymous(name.value)) return Actors::Kind::kAnonymous;
    if (IsController(name.value)) return Actors::Kind::kController;
    if (name.value.starts_with("system:node:")) kind = Actors::Kind::kNode;
    if (name.field == "service_account" || name.value.starts_with(kServiceAccountUser)) {
      kind = Actors::Kind::kServiceAccount;
    }
  }
  return kind;
}

// The last part of an ARN: a user's name, a role session's.
std::string LastPart(const std::string& arn) { return arn.substr(arn.find_last_of("/:") + 1); }

}  // namespace

std::string_view KindName(Actors::Kind kind) {
  switch (kind) {
    case Actors::Kind::kPerson: return "user";
    case Actors::Kind::kServiceAccount: return "service account";
    case Actors::Kind::kNode: return "node";
    case Actors::Kind::kController: return "controller";
    case Actors::Kind::kAnonymous: return "anonymous";
  }
  return "";
}

bool NamesAnIdentity(const EventFacts& event) {
  if (event.source == "k8s_audit" || event.source == "authenticator" ||
      event.source == "cloudtrail" || event.source == "s3_access") {
    return true;
  }
  // A runtime finding's user is the process's.
  return event.source == "guardduty" && event.process.empty() && event.command_line.empty();
}

Actors::Actors(const Facts& facts) {
  for (const std::vector<Name>& names : facts.actors) Enter(names);
}

int Actors::Enter(const std::vector<Name>& names) {
  if (names.empty()) return kNobody;
  int actor = kNobody;
  for (const Name& name : names) {
    const auto found = by_name_.find(name);
    // The strongest name comes first, so it decides where names were mapped to several.
    if (found != by_name_.end()) {
      actor = found->second;
      break;
    }
  }
  if (actor == kNobody) {
    actor = static_cast<int>(names_.size());
    names_.emplace_back();
    kinds_.push_back(Kind::kPerson);
  }
  std::vector<Name>& own = names_[static_cast<size_t>(actor)];
  for (const Name& name : names) {
    if (by_name_.try_emplace(name, actor).second) own.push_back(name);
  }
  std::ranges::sort(own);
  kinds_[static_cast<size_t>(actor)] = KindOfNames(own);
  return actor;
}

int Actors::Of(const EventFacts& event) {
  if (!NamesAnIdentity(event)) return kNobody;
  std::vector<Name> names;
  const auto add = [&](const char* field, const std::string& value) {
    if (!value.empty()) names.push_back({field, value});
  };
  add("access_key_id", event.access_key_id);
  add("user_arn", event.user_arn);
  add("service_account", event.service_account);
  // A Kubernetes user name may be shared by several ARNs; alone it is a name, beside others not.
  if (names.empty()) add("user_name", event.user_name);
  if (names.empty()) add("credential_id", event.credential_id);
  return Enter(names);
}

int Actors::Of(const Finding& finding) {
  const std::string& text = finding.actor;
  if (text.empty()) return kNobody;
  for (const char* field : {"access_key_id", "user_arn", "service_account", "user_name"}) {
    if (const int actor = Find({field, text}); actor != kNobody) return actor;
  }
  if (text.starts_with("arn:")) return Enter({{"user_arn", text}});
  if (text.starts_with("system:")) return Enter({{"user_name", text}});
  return kNobody;
}

int Actors::Find(const Name& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? kNobody : found->second;
}

std::string Actors::Value(int actor, std::string_view field) const {
  for (const Name& name : NamesOf(actor)) {
    if (name.field == field) return name.value;
  }
  return {};
}

std::string Actors::ShortName(int actor) const {
  if (const std::string account = Value(actor, "service_account"); !account.empty()) {
    return account;
  }
  std::string user = Value(actor, "user_name");
  if (user.starts_with(kServiceAccountUser)) {
    std::string account = user.substr(kServiceAccountUser.size());
    std::ranges::replace(account, ':', '/');
    return account;
  }
  const std::string arn = Value(actor, "user_arn");
  if (!arn.empty()) return LastPart(arn);
  if (!user.empty()) return user;
  return NamesOf(actor).front().value;
}

std::string Actors::LongName(int actor) const {
  const std::string name = ShortName(actor);
  switch (KindOf(actor)) {
    case Kind::kServiceAccount: return "the token of service account " + name;
    case Kind::kNode: return "the credential of node " + name.substr(name.rfind(':') + 1);
    case Kind::kAnonymous: return "nobody known (" + name + ")";
    case Kind::kController: return "controller " + name;
    case Kind::kPerson: break;
  }
  if (const std::string key = Value(actor, "access_key_id"); !key.empty() && key != name) {
    return fmt::format("the access key {} of {}", key, name);
  }
  if (const std::string arn = Value(actor, "user_arn"); !arn.empty()) {
    return fmt::format("the identity {} ({})", name, arn);
  }
  return "the user " + name;
}

}  // namespace ekshume::detect::story
