// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "detect/coverage/techniques.h"

namespace ekshume::detect::coverage {

enum class Verdict { kVisible, kPartly, kNotVisible };
std::string_view VerdictName(Verdict verdict);  // visible partly not_visible

struct Judgement {
  const Technique* technique = nullptr;
  Verdict verdict = Verdict::kNotVisible;
  std::string reason;  // a sentence
};

// Every technique, in their order: visible when a view that shows it wholly is there without
// limits, partly when what is there shows a part or is limited.
std::vector<Judgement> Judge(const Facts& facts);

}  // namespace ekshume::detect::coverage
