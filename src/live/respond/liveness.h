// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "live/wire/json.h"

namespace ekshume::live::respond {

// What is done to a pod: its processes are stopped, or its network is cut.
enum class Hold { kFreeze, kCutNetwork };

// How long a container lives on at least when its liveness probe begins to fail now.
struct LivenessBudget {
  std::string container;
  std::string probe;  // httpGet, exec, grpc, tcpSocket
  int64_t seconds = 0;
};

// The shortest of a pod: (failureThreshold - 1) * periodSeconds + timeoutSeconds of the liveness
// probe, and what is left of initialDelaySeconds; of the startup probe while that has not
// succeeded. Nothing when no probe fails by it: a frozen program still accepts connections by its
// kernel (tcpSocket), and commands in the container (exec) need no network. `container`: only of
// that one; "" of all. The kubelet of the node is taken to reach the pod until then. Pure; any
// thread.
std::optional<LivenessBudget> LivenessBudgetOf(const wire::Json& pod, Hold hold, Timestamp now,
                                               const std::string& container = "");

}  // namespace ekshume::live::respond
