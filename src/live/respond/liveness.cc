// SPDX-License-Identifier: Apache-2.0
#include "live/respond/liveness.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/time.h"

namespace ekshume::live::respond {
namespace {

using wire::Json;

constexpr std::array<const char*, 4> kHandlers = {"httpGet", "exec", "grpc", "tcpSocket"};

bool FailsBy(std::string_view handler, Hold hold) {
  return hold == Hold::kFreeze ? handler != "tcpSocket" : handler != "exec";
}

const Json& StatusOf(const Json& pod, const std::string& container) {
  static const Json kNone = Json::object();
  for (const Json& status : wire::ArrayOf(wire::ObjectOf(pod, "status"), "containerStatuses")) {
    if (wire::TextOf(status, "name") == container) return status;
  }
  return kNone;
}

// What is left of the delay before the first probe.
int64_t DelayLeft(const Json& probe, const Json& status, Timestamp now) {
  const Json& running = wire::ObjectOf(wire::ObjectOf(status, "state"), "running");
  const auto started = ParseTimestamp(wire::TextOf(running, "startedAt"));
  const int64_t delay = wire::IntegerOf(probe, "initialDelaySeconds");
  if (!started) return 0;
  return std::max<int64_t>(0, delay - (now.seconds - started->seconds));
}

}  // namespace

std::optional<LivenessBudget> LivenessBudgetOf(const Json& pod, Hold hold, Timestamp now,
                                               const std::string& container) {
  std::optional<LivenessBudget> least;
  for (const Json& spec : wire::ArrayOf(wire::ObjectOf(pod, "spec"), "containers")) {
    const std::string name = wire::TextOf(spec, "name");
    if (!container.empty() && name != container) continue;
    const Json& status = StatusOf(pod, name);
    const bool starts =
        spec.contains("startupProbe") && status.contains("started") && status["started"] == false;
    const Json& probe = wire::ObjectOf(spec, starts ? "startupProbe" : "livenessProbe");
    for (const char* handler : kHandlers) {
      if (!probe.contains(handler) || !FailsBy(handler, hold)) continue;
      const int64_t failures = std::max<int64_t>(1, wire::IntegerOf(probe, "failureThreshold", 3));
      const int64_t seconds = (failures - 1) * wire::IntegerOf(probe, "periodSeconds", 10) +
                              wire::IntegerOf(probe, "timeoutSeconds", 1) +
                              DelayLeft(probe, status, now);
      if (!least || seconds < least->seconds) least = LivenessBudget{name, handler, seconds};
    }
  }
  return least;
}

}  // namespace ekshume::live::respond
