// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "live/cloud_state/resource.h"
#include "live/respond/plan.h"

namespace ekshume::live::respond {

// One thing in AWS, as steps and the journal name it. `resource` is not null.
struct Thing {
  const cloud_state::Resource* resource = nullptr;
  Json parameters;
  std::string region;
  std::string path;
};

// The fingerprint that the thing of a step has when nobody but the steps of its plan changed it
// since the plan was made: that of the plan, or what the journal says that the last of them left,
// be it a step on the thing itself or on a part of it (Resource::part_of). Empty when the plan does
// not know its state. Pure; any number of threads.
std::string ExpectedFingerprint(const std::vector<Json>& records, const Step& step,
                                const Thing& thing);

}  // namespace ekshume::live::respond
