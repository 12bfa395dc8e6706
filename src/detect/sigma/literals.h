// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "detect/sigma/mapping.h"
#include "detect/sigma/rule.h"

// What of a rule must stand in a record's text for the rule to match, so that most rules are left
// out without being looked at.
namespace ekshume::detect::sigma {

// Small-letter texts of which at least one stands in the scanned texts of each record that matches.
using LiteralGroup = std::vector<std::string>;

// The groups that a detection demands, all of them. Empty when nothing can be demanded: the rule
// must then be asked of each record. `as_json`: texts are scanned as JSON writes them, so that only
// pieces count that JSON writes in one way only.
std::vector<LiteralGroup> DemandedLiterals(const Detection& detection,
                                           const std::vector<uint32_t>& fields,
                                           const std::vector<FieldPlan>& plans, bool as_json);

// True when a text of JSON writes characters in a way that DemandedLiterals() does not count with
// (`\/`, `\u0061`): all rules must be asked.
bool HasUnusualEscapes(std::string_view json);

// Finds many words in a text in one pass, without case (Aho and Corasick, 1975). Immutable after
// Build(); any thread.
class LiteralIndex {
 public:
  // The number of a word in small letters; the same for the same word.
  uint32_t Add(std::string_view word);
  void Build();
  uint32_t size() const { return static_cast<uint32_t>(words_.size()); }

  // Calls `found(number)` for each word, at each place where it ends.
  template <typename Found>
  void Scan(std::string_view text, Found found) const {
    uint32_t state = 0;
    for (const char c : text) {
      state = next_[state * classes_ + class_of_[static_cast<uint8_t>(c)]];
      for (uint32_t at = output_[state]; at != kNone; at = output_[more_[at]]) found(word_of_[at]);
    }
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  std::vector<std::string> words_;
  std::array<uint8_t, 256> class_of_{};
  uint32_t classes_ = 1;
  std::vector<uint32_t> next_;     // state x class -> state
  std::vector<uint32_t> output_;   // state -> the state, it or a shorter end of it, that is a word
  std::vector<uint32_t> more_;     // such a state -> the longest end of it, where to look on
  std::vector<uint32_t> word_of_;  // such a state -> its word
};

}  // namespace ekshume::detect::sigma
