// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "detect/coverage/facts.h"

namespace ekshume::detect::coverage {

// One view that can show a technique.
struct Sight {
  View view = View::kAuditWrites;
  // False: it shows traces or a part (a name without content, effects without the act).
  bool whole = false;
};

// A technique of MITRE ATT&CK (matrix Containers) or of Microsoft's threat matrix for Kubernetes.
struct Technique {
  std::string_view id;       // "T1611", "MS-TA9018"
  std::string_view name;     // as the matrix calls it
  std::string_view matrix;   // "attack", "microsoft"
  std::string_view tactics;  // with spaces between, as Sigma's tags write them
  std::array<Sight, 6> sights;
  size_t sight_count = 0;
};

// Sorted by matrix and id.
std::span<const Technique> Techniques();

}  // namespace ekshume::detect::coverage
