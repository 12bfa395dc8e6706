// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

namespace ekshume::artifact {

// Words as one line that a POSIX shell would split into them again: between single quotes where
// that is needed.
std::string CommandLine(std::span<const std::string> words);

}  // namespace ekshume::artifact
