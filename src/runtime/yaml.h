// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"
#include "runtime/json.h"

namespace ekshume::runtime {

// Parses the first document of a YAML text into JSON values, so that runtime/json.h reads both. All
// scalars become strings, as YAML types them only by a schema. kLimit at limits::kMaxYamlBytes,
// kMaxYamlNodes (aliases count each time they are used) and kMaxDocumentDepth; kCorrupt when it is
// not YAML.
Result<Json> ParseYaml(std::string_view text);

}  // namespace ekshume::runtime
