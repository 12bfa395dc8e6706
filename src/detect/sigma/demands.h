// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "detect/sigma/rule.h"

// What a record must hold for a rule to match, so that most rules are left out without being asked.
// It never says too much: a record in which it does not stand cannot match.
namespace ekshume::detect::sigma {

// One thing that a field may hold. Texts are in small letters.
struct Word {
  enum class Kind : uint8_t {
    kExact,     // the value is the text
    kContains,  // the value contains it; it has LiteralIndex::kShortest bytes or more
    kFolded,    // the same, or the value is not ASCII, where more letters are the same without case
    kPresent,   // the field is there
  };
  Kind kind = Kind::kPresent;
  std::string text;

  friend auto operator<=>(const Word&, const Word&) = default;
};

// One of the words must stand in a value of the field: its place among the fields of the view, or
// kText for what keywords are looked for in.
struct Demand {
  static constexpr uint32_t kText = UINT32_MAX;
  uint32_t field = kText;
  std::vector<Word> words;  // each once, in order
};

// All of them must hold; at most one for each field. Empty: nothing is known.
using Alternative = std::vector<Demand>;

// One of the alternatives must hold; there is at least one. `fields` says for each of
// Detection::fields its place in the view. `as_json`: keywords are looked for as JSON writes them,
// so that only pieces count that JSON writes in one way only.
std::vector<Alternative> DemandsOf(const Detection& detection, const std::vector<uint32_t>& fields,
                                   bool as_json);

// True when a text of JSON writes characters in a way that DemandsOf() does not count with (`\/`,
// `\u0061`): keywords may stand there all the same.
bool HasUnusualEscapes(std::string_view json);

}  // namespace ekshume::detect::sigma
