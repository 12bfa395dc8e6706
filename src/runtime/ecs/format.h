// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

// The ECS agent's state, a bolt file with a bucket per kind; keys are ids, values JSON. Source:
// amazon-ecs-agent agent/data/*.go, agent/api/container/container.go, agent/api/task/task.go.
namespace ekshume::runtime::ecs {

inline constexpr std::string_view kDatabasePath = "data/agent.db";  // below /var/lib/ecs

inline constexpr std::string_view kContainersBucket = "containers";  // "<task id>-<name>"
inline constexpr std::string_view kTasksBucket = "tasks";            // by task id
inline constexpr std::string_view kMetadataBucket = "metadata";
inline constexpr std::string_view kClusterNameKey = "cluster-name";

}  // namespace ekshume::runtime::ecs
