// SPDX-License-Identifier: Apache-2.0
#include "detect/coverage/coverage.h"

#include <fmt/format.h>

namespace ekshume::detect::coverage {
namespace {

struct ViewText {
  std::string_view name;
  std::string_view words;
};
constexpr std::array<ViewText, kViewCount> kViews = {{
    {"audit_writes", "changes in the audit log"},
    {"audit_specs", "the bodies of pods and workloads in the audit log"},
    {"audit_rbac", "the bodies of roles, bindings and webhooks in the audit log"},
    {"audit_reads", "reads in the audit log"},
    {"audit_secrets", "reads of secrets in the audit log"},
    {"audit_config_maps", "the bodies of config maps in the audit log"},
    {"audit_exec", "commands of exec in the audit log"},
    {"audit_events", "deletions of events in the audit log"},
    {"audit_identity", "users and addresses in the audit log"},
    {"authenticator", "the authenticator's log"},
    {"cloudtrail", "CloudTrail"},
    {"guardduty", "GuardDuty's findings"},
    {"flow", "VPC flow logs"},
    {"dns", "Resolver query logs"},
    {"runtime", "a runtime sensor's records"},
    {"container_logs", "logs of containers"},
    {"host_logs", "logs of the node"},
    {"disk", "files of the node"},
    {"layers", "files of containers against their images"},
    {"container_records", "the configuration of containers"},
}};

// "a", "a and b", "a, b and c"
std::string List(const std::vector<std::string>& parts) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += i + 1 == parts.size() ? " and " : ", ";
    text += parts[i];
  }
  return text;
}

Judgement JudgeOne(const Technique& technique, const Facts& facts) {
  std::vector<std::string> whole;    // shows it
  std::vector<std::string> part;     // shows some of it
  std::vector<std::string> limited;  // would show it, but
  std::vector<std::string> absent;
  for (size_t i = 0; i < technique.sight_count; ++i) {
    const Sight& sight = technique.sights[i];
    const Fact& fact = Of(facts, sight.view);
    const std::string words(ViewWords(sight.view));
    const std::string with_why = fact.why.empty() ? words : fmt::format("{} ({})", words, fact.why);
    if (fact.state == State::kAbsent) {
      absent.push_back(sight.whole ? with_why : words);
    } else if (!sight.whole) {
      part.push_back(words);
    } else if (fact.state == State::kLimited) {
      limited.push_back(with_why);
    } else {
      whole.push_back(words);
    }
  }
  Judgement judgement{&technique, Verdict::kNotVisible, ""};
  if (!whole.empty()) {
    judgement.verdict = Verdict::kVisible;
    judgement.reason = fmt::format("Shown by {}.", List(whole));
    return judgement;
  }
  if (!limited.empty() || !part.empty()) {
    judgement.verdict = Verdict::kPartly;
    if (!limited.empty()) judgement.reason = fmt::format("Shown with limits by {}", List(limited));
    if (!part.empty()) {
      judgement.reason += fmt::format(
          "{} by {}", limited.empty() ? "Only traces are shown" : "; traces", List(part));
    }
    judgement.reason += '.';
    if (!absent.empty()) judgement.reason += fmt::format(" Missing: {}.", List(absent));
    return judgement;
  }
  judgement.reason = fmt::format("It would take {}: not in the evidence.", List(absent));
  return judgement;
}

}  // namespace

std::string_view ViewName(View view) { return kViews[static_cast<size_t>(view)].name; }
std::string_view ViewWords(View view) { return kViews[static_cast<size_t>(view)].words; }

std::string_view StateName(State state) {
  switch (state) {
    case State::kAbsent: return "absent";
    case State::kLimited: return "limited";
    case State::kPresent: return "present";
  }
  return "";
}

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kVisible: return "visible";
    case Verdict::kPartly: return "partly";
    case Verdict::kNotVisible: return "not_visible";
  }
  return "";
}

std::vector<Judgement> Judge(const Facts& facts) {
  std::vector<Judgement> judgements;
  for (const Technique& technique : Techniques()) {
    judgements.push_back(JudgeOne(technique, facts));
  }
  return judgements;
}

}  // namespace ekshume::detect::coverage
