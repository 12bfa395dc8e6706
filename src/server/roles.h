// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ekshume::server {

// What somebody may do; each may do what those before it may.
enum class Role {
  kReader,     // look, search, download
  kAnalyst,    // star, tag, comment, judge findings, write the report
  kResponder,  // the response
};

inline constexpr std::array<std::string_view, 3> kRoleNames = {"reader", "analyst", "responder"};

inline std::string_view NameOf(Role role) { return kRoleNames[static_cast<size_t>(role)]; }

inline std::optional<Role> RoleOf(std::string_view name) {
  for (size_t i = 0; i < kRoleNames.size(); ++i) {
    if (kRoleNames[i] == name) return static_cast<Role>(i);
  }
  return std::nullopt;
}

// Who asks.
struct Visitor {
  std::string name;
  Role role = Role::kReader;

  friend bool operator==(const Visitor&, const Visitor&) = default;
};

}  // namespace ekshume::server
