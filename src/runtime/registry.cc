// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "runtime/containerd/store.h"
#include "runtime/docker/store.h"
#include "runtime/ecs/store.h"
#include "runtime/format.h"
#include "runtime/kubelet/store.h"

namespace ekshume::runtime {

// The order in which stores are read: the runtimes first, then those that add to their containers.
std::span<const Format> Formats() {
  static const std::array kFormats = {containerd::kFormat, docker::kFormat, kubelet::kFormat,
                                      ecs::kFormat};
  return kFormats;
}

}  // namespace ekshume::runtime
