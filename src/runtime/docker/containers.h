// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/json.h"
#include "runtime/location.h"
#include "runtime/model.h"

namespace ekshume::runtime::docker {

// The container that config.v2.json and hostconfig.json (null when it is not there) describe,
// without its layers.
Container ReadContainer(const std::string& id, const Json& config, const Json& host_config,
                        const Location& root);

}  // namespace ekshume::runtime::docker
