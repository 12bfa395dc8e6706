// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "casefile/json.h"
#include "live/respond/journal.h"
#include "live/respond/plan.h"

// The plans of response that lie in a case, CASE/respond/*.yaml. Functions of any thread.
namespace ekshume::server {

struct KeptPlan {
  std::string path;  // of its file, absolute
  live::respond::Plan plan;
};

// The plan of that id; of several that one with this digest, if it is among them. Ids are compared
// with those of the files that are there: none leads elsewhere. kNotFound.
Result<KeptPlan> FindPlan(const std::string& case_directory, const std::string& id,
                          const std::string& digest);
// What became of its steps, by its journal. kCorrupt.
Result<std::map<std::string, live::respond::StepState>> StatesOfPlan(
    const std::string& case_directory, const live::respond::Plan& plan);
// All of them, with what became of them, as `analyst` may deal with them.
casefile::Json PlansJson(const std::string& case_directory, const std::string& analyst);

}  // namespace ekshume::server
