// SPDX-License-Identifier: Apache-2.0
#include "runtime/model.h"

namespace ekshume::runtime {

std::string_view ContainerStateName(ContainerState state) {
  switch (state) {
    case ContainerState::kCreated: return "created";
    case ContainerState::kRunning: return "running";
    case ContainerState::kExited: return "exited";
    case ContainerState::kUnknown: break;
  }
  return "unknown";
}

}  // namespace ekshume::runtime
