// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "detect/drift/rules.h"

namespace ekshume::detect::running {

// A built-in check of what was running: "running.deleted_program".
using drift::Rule;

// All checks, in the order of docs/detect.md.
std::span<const Rule> Rules();

// The check with that id, which must be one of ours.
const Rule& RuleOf(std::string_view id);

}  // namespace ekshume::detect::running
