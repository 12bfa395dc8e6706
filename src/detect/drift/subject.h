// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "detect/drift/rules.h"
#include "detect/finding.h"

namespace ekshume::detect::drift {

// Whose files are looked at. Of the host the container's members are empty.
struct Subject {
  std::string cluster, node;
  std::string name_space, pod, container, container_id, image;
};

// What a check says of one thing.
struct Verdict {
  const Rule* rule = nullptr;
  std::string_view level;
  std::vector<std::string> reasons;    // phrases: "its name is hidden"
  std::vector<std::string_view> tags;  // besides the rule's, as Rule::tags
};

// `path` is absolute. `what` is the sentence on the thing itself; the verdict's reasons and the
// rule's `about` follow. `key` tells apart what else is the same (an inode without a name).
Finding MakeFinding(const Verdict& verdict, const Subject& subject, std::string path,
                    std::string what, std::string_view key = {});

// One level less, not below low; high becomes medium.
std::string_view Lower(std::string_view level);

// Several findings of one rule, level and container in one folder, when there are more than
// `most`, become one that names the folder and the first of them. Sorted, the worst first.
std::vector<Finding> Fold(std::vector<Finding> findings, size_t most);

}  // namespace ekshume::detect::drift
