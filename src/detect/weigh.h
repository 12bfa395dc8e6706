// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "detect/finding.h"

namespace ekshume::detect {

// The tag of rules for acts that are an administrator's daily work as well.
inline constexpr std::string_view kAdministrativeTag = "ekshume.administrative";

// The tag of rules for findings of GuardDuty, which makes samples when somebody asks it to.
inline constexpr std::string_view kGuardDutyTag = "ekshume.guardduty";

// Lowers to `informational` what such rules found when all of it are samples.
void WeighSamples(std::vector<Finding>& findings,
                  const std::function<bool(const Finding& finding)>& is_all_samples);

// Lowers to `low` what such rules found of an administrator against whom nothing else speaks: no
// finding of another kind of rule, of at least medium, has the same actor, and none was made by
// nobody known in the same pod within ten minutes after the act. `is_administrator` is asked once
// for each actor. The explanation says so, and `rule_level` keeps what the rule says.
void WeighAdministration(std::vector<Finding>& findings,
                         const std::function<bool(const Finding& of_the_actor)>& is_administrator);

}  // namespace ekshume::detect
