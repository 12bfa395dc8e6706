// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace ekshume::collection {

// The path of the static collector for a machine, to be sent there: "x86_64" (also called "amd64")
// or "aarch64" ("arm64"), as `uname -m` and Kubernetes say. Looks in the folder that the
// environment variable EKSHUME_LIBEXEC names, then in ../libexec/ekshume beside the folder of the
// running program. kNotFound with a sentence that says where it was looked for.
Result<std::string> FindCollectorProgram(std::string_view architecture);

// The bytes of such a program, to be sent. kNotFound when it cannot be read, kInvalidArgument when
// it is empty or larger than a collector could be (64 MiB).
Result<std::string> ReadCollectorProgram(const std::string& path);

}  // namespace ekshume::collection
