// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "live/acquire/acquisition.h"

namespace ekshume::live::kubernetes {

// What an acquisition of a pod that was stopped, or whose stream was cut for good, has of it.
struct EarlierParts {
  std::string directory;
  std::string channel;               // that they came over
  std::vector<std::string> names;    // part-1.ekc, part-2.ekc, ... in their order
  std::vector<std::string> digests;  // of each, as its record has it
  std::string folder;                // below `directory`: "collection"
};

// Reads the acquisition.json of such a folder. kInvalidArgument with a sentence when it is none, is
// of another pod, or has nothing to go on with.
Result<EarlierParts> ReadEarlierParts(const std::string& directory, std::string_view pod_uid);

// Copies the parts into `folder` of this acquisition, checks them against the SHA-256 of their
// record and returns their names here. kCorrupt for one that was changed.
Result<std::vector<std::string>> CopyEarlierParts(const EarlierParts& earlier,
                                                  std::string_view folder,
                                                  Acquisition& acquisition);

}  // namespace ekshume::live::kubernetes
