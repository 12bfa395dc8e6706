// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "runtime/json.h"
#include "runtime/model.h"

namespace ekshume::runtime {

// Fills what an image's config says (opencontainers/image-spec, config.md; Docker's is the same):
// platform, creation, layers, history, what it runs, labels.
void ReadImageConfig(const Json& config, Image& image);

// The ChainID of every layer, bottom first (config.md, "Layer ChainID"): the first diff id, then
// SHA-256 of "<chain id below> <diff id>".
std::vector<std::string> ChainIds(const std::vector<std::string>& diff_ids);

}  // namespace ekshume::runtime
