// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

// Words by which logs name pods and containers.
namespace ekshume::log {

// Whether it is a uid of Kubernetes: 8-4-4-4-12 small hexadecimal digits.
bool IsUid(std::string_view text);

// The first container id of a runtime in a text: 64 small hexadecimal digits that stand alone and
// are no digest ("sha256:..."). Empty when there is none.
std::string_view FindContainerId(std::string_view text);

// What stands between the first `before` and the next `after`; empty when there is no such thing.
std::string_view Between(std::string_view text, std::string_view before, std::string_view after);

}  // namespace ekshume::log
