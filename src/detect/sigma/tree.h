// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ekshume::detect::sigma {

// A YAML document: what rules need of it, with line numbers. Scalars are texts, as YAML types them
// only by a schema; a plain `null`, `~` or nothing is null.
struct Tree {
  enum class Kind : uint8_t { kScalar, kList, kMap };
  Kind kind = Kind::kScalar;
  bool is_null = false;
  size_t line = 0;  // from 1
  std::string text;
  std::vector<std::string> keys;  // kMap: as many as items
  std::vector<Tree> items;

  Tree() = default;
  Tree(Tree&&) = default;
  Tree& operator=(Tree&&) = default;
  Tree Copy() const;

  // The last member of that name; null when there is none, or no map.
  const Tree* Find(std::string_view key) const;
};

// All documents of a text. kLimit at kMaxRuleFileBytes, kMaxRuleNodes (aliases count each time they
// are used) and kMaxRuleDepth, kCorrupt when it is not YAML; `line` is then where, 0 for the whole.
Result<std::vector<Tree>> ParseYamlDocuments(std::string_view yaml, size_t& line);

}  // namespace ekshume::detect::sigma
