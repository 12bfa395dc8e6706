// SPDX-License-Identifier: Apache-2.0
#include "detect/weigh.h"

#include <algorithm>
#include <map>
#include <set>

namespace ekshume::detect {
namespace {

constexpr int kLow = 1;
constexpr int kMedium = 2;
constexpr int64_t kAfterwardsSeconds = 600;

int RankOf(const Finding& finding) { return LevelRank(finding.level).value_or(kMedium); }

bool HasTag(const Finding& finding, std::string_view tag) {
  return std::ranges::find(finding.tags, tag) != finding.tags.end();
}

bool IsAdministrative(const Finding& finding) { return HasTag(finding, kAdministrativeTag); }

// What a file or a process of the node shows has no actor of the cluster: an account of the
// container at most.
bool HasNoKnownActor(const Finding& finding) {
  return finding.actor.empty() || finding.actor == "root";
}

std::string PodOf(const Finding& finding) {
  return finding.pod.empty() ? std::string() : finding.name_space + "/" + finding.pod;
}

class Accusations {
 public:
  explicit Accusations(const std::vector<Finding>& findings) {
    for (const Finding& finding : findings) {
      if (RankOf(finding) < kMedium || IsAdministrative(finding)) continue;
      if (!HasNoKnownActor(finding)) {
        actors_.insert(finding.actor);
      } else if (const std::string pod = PodOf(finding); !pod.empty() && finding.first) {
        pods_.emplace(pod, finding.first->seconds);
      }
    }
  }

  bool Speak(const Finding& finding) const {
    if (actors_.contains(finding.actor)) return true;
    if (!finding.last) return false;
    const auto [begin, end] = pods_.equal_range(PodOf(finding));
    return std::any_of(begin, end, [&](const auto& accused) {
      const int64_t after = accused.second - finding.last->seconds;
      return after >= 0 && after <= kAfterwardsSeconds;
    });
  }

 private:
  std::set<std::string> actors_;
  std::multimap<std::string, int64_t> pods_;
};

}  // namespace

void WeighSamples(std::vector<Finding>& findings,
                  const std::function<bool(const Finding& finding)>& is_all_samples) {
  for (Finding& finding : findings) {
    if (!HasTag(finding, kGuardDutyTag) || !is_all_samples(finding)) continue;
    finding.level = "informational";
    finding.explanation +=
        ". Samples that somebody asked GuardDuty to make: lowered to informational";
  }
}

void WeighAdministration(std::vector<Finding>& findings,
                         const std::function<bool(const Finding& of_the_actor)>& is_administrator) {
  const Accusations accusations(findings);
  std::map<std::string, bool> administrators;
  for (Finding& finding : findings) {
    if (RankOf(finding) <= kLow || !IsAdministrative(finding) || HasNoKnownActor(finding)) continue;
    if (accusations.Speak(finding)) continue;
    const auto [known, is_new] = administrators.try_emplace(finding.actor, false);
    if (is_new) known->second = is_administrator(finding);
    if (!known->second) continue;
    finding.level = "low";
    finding.explanation +=
        ". An administrator or a controller did it, whose work looks like this, and nothing else "
        "speaks against them: lowered to low";
  }
}

}  // namespace ekshume::detect
