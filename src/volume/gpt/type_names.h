// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace ekshume::volume::gpt {

// What a partition type is called ("Linux filesystem"); "" when unknown. `guid` in lower case.
std::string_view TypeName(std::string_view guid);

}  // namespace ekshume::volume::gpt
