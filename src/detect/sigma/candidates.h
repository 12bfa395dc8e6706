// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "detect/sigma/demands.h"
#include "detect/sigma/literals.h"
#include "detect/sigma/match.h"

namespace ekshume::detect::sigma {

// Which of many rules a record may match, by what they demand (demands.h). Fields are read one
// after the other, those that most rules name first, and only as long as a rule is left that names
// them: each costs a look into a table however many rules there are. Immutable after Build(); any
// thread, with a Scratch each.
class CandidateIndex {
 public:
  // What one thread needs while it searches.
  struct Scratch {
    std::vector<uint64_t> left;     // bits of entries that may still hold
    std::vector<uint64_t> allowed;  // by the field at hand
  };

  void Add(uint32_t member, const std::vector<Alternative>& demands);
  void Build();

  // Calls `found(member)` for each member that the record in `cache` may match, also repeatedly.
  // `as_json`: what the record's texts are looked through for is as JSON writes it.
  template <typename Found>
  void Find(FieldCache& cache, const std::vector<FieldPlan>& plans, bool as_json, Scratch& scratch,
            Found found) const {
    if (!Narrow(cache, plans, as_json, scratch)) return;
    for (size_t word = 0; word < scratch.left.size(); ++word) {
      for (uint64_t bits = scratch.left[word]; bits != 0; bits &= bits - 1) {
        found(members_[word * 64 + static_cast<size_t>(__builtin_ctzll(bits))]);
      }
    }
  }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Entries = std::vector<uint32_t>;

  // What is demanded of one field. An entry is an alternative of a member.
  struct Field {
    uint32_t field = 0;
    double weight = 0;                  // how many entries name it, and how sharply
    std::vector<uint64_t> indifferent;  // bits of entries that do not name it
    std::unordered_map<std::string, Entries, Hash, std::equal_to<>> exact;
    LiteralIndex pieces;
    std::vector<Entries> with_piece;
    std::unordered_map<std::string, uint32_t> numbers;  // of pieces
    Entries present;
    Entries folded;  // those with words of the kind kFolded
  };

  // False when no entry is left.
  bool Narrow(FieldCache& cache, const std::vector<FieldPlan>& plans, bool as_json,
              Scratch& scratch) const;
  static void Allow(const Field& field, const Values& values, std::vector<uint64_t>& allowed);
  static void AllowText(const Field& field, Record& record, bool as_json,
                        std::vector<uint64_t>& allowed);

  std::vector<uint32_t> members_;  // of entries
  std::vector<uint64_t> all_;      // bits of all entries
  std::vector<Field> fields_;
};

}  // namespace ekshume::detect::sigma
