// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace ekshume::collection {

// What a collector that is started again says of the members it leaves out because they have
// arrived (`left_out.sha256` in its collection.json): SHA-256, in hexadecimal, of their names in
// the order of their bytes, each once and with a newline after it.
std::string LeftOutDigest(std::vector<std::string> names);

}  // namespace ekshume::collection
