// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/value.h"

#include <algorithm>

#include "base/ascii.h"

namespace ekshume::detect::sigma {

void Values::Clear() {
  present_ = false;
  list_.clear();
  owned_.clear();
}

void Values::Add(ValueKind kind, std::string_view text) {
  present_ = true;
  std::string_view lower = text;
  if (std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'Z'; })) {
    lower = owned_.emplace_back(AsciiLower(text));
  }
  list_.push_back({kind, text, lower});
}

void Values::AddCopy(ValueKind kind, std::string text) {
  Add(kind, owned_.emplace_back(std::move(text)));
}

}  // namespace ekshume::detect::sigma
