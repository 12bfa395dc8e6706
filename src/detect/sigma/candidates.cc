// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/candidates.h"

#include <algorithm>

namespace ekshume::detect::sigma {
namespace {

void Set(std::vector<uint64_t>& bits, uint32_t entry) {
  bits[entry / 64] |= uint64_t{1} << (entry % 64);
}

void SetAll(std::vector<uint64_t>& bits, const std::vector<uint32_t>& entries) {
  for (const uint32_t entry : entries) Set(bits, entry);
}

// How many of a field's values a word leaves out, roughly.
double Sharpness(const Demand& demand) {
  double least = 1;
  for (const Word& word : demand.words) {
    const double own = word.kind == Word::Kind::kExact     ? 1
                       : word.kind == Word::Kind::kPresent ? 0.2
                                                           : 0.8;
    least = std::min(least, own);
  }
  return least;
}

}  // namespace

void CandidateIndex::Add(uint32_t member, const std::vector<Alternative>& demands) {
  for (const Alternative& alternative : demands) {
    const auto entry = static_cast<uint32_t>(members_.size());
    members_.push_back(member);
    for (const Demand& demand : alternative) {
      auto field = std::ranges::find(fields_, demand.field, &Field::field);
      if (field == fields_.end()) {
        fields_.emplace_back().field = demand.field;
        field = fields_.end() - 1;
      }
      field->weight += Sharpness(demand);
      // Bits of those that name it, until Build().
      field->indifferent.resize(members_.size() / 64 + 1, 0);
      Set(field->indifferent, entry);
      for (const Word& word : demand.words) {
        switch (word.kind) {
          case Word::Kind::kExact: field->exact[word.text].push_back(entry); break;
          case Word::Kind::kPresent: field->present.push_back(entry); break;
          case Word::Kind::kFolded:
          case Word::Kind::kContains: {
            if (word.kind == Word::Kind::kFolded) field->folded.push_back(entry);
            const auto [number, is_new] = field->numbers.try_emplace(word.text, 0);
            if (is_new) {
              number->second = field->pieces.Add(word.text);
              field->with_piece.emplace_back();
            }
            field->with_piece[number->second].push_back(entry);
            break;
          }
        }
      }
    }
  }
}

void CandidateIndex::Build() {
  const size_t words = (members_.size() + 63) / 64;
  all_.assign(words, 0);
  for (uint32_t entry = 0; entry < members_.size(); ++entry) Set(all_, entry);
  for (Field& field : fields_) {
    field.indifferent.resize(words, 0);
    for (size_t i = 0; i < words; ++i) field.indifferent[i] = all_[i] & ~field.indifferent[i];
    field.pieces.Build();
    field.numbers.clear();
  }
  // The record's text is long: it is looked through last.
  std::ranges::stable_sort(fields_, [](const Field& left, const Field& right) {
    const bool left_is_text = left.field == Demand::kText;
    const bool right_is_text = right.field == Demand::kText;
    if (left_is_text != right_is_text) return right_is_text;
    return left.weight > right.weight;
  });
}

void CandidateIndex::Allow(const Field& field, const Values& values,
                           std::vector<uint64_t>& allowed) {
  if (!values.present()) return;
  SetAll(allowed, field.present);
  for (const Value& value : values.list()) {
    const auto exact = field.exact.find(value.lower);
    if (exact != field.exact.end()) SetAll(allowed, exact->second);
    field.pieces.Scan(value.lower,
                      [&](uint32_t piece) { SetAll(allowed, field.with_piece[piece]); });
    if (field.folded.empty()) continue;
    if (std::ranges::any_of(value.text, [](char c) { return c < 0; })) {
      SetAll(allowed, field.folded);
    }
  }
}

void CandidateIndex::AllowText(const Field& field, Record& record, bool as_json,
                               std::vector<uint64_t>& allowed) {
  bool is_unusual = false;
  record.ForEachScanned([&](std::string_view text) {
    is_unusual = as_json && HasUnusualEscapes(text);
    if (is_unusual) return true;
    field.pieces.Scan(text, [&](uint32_t piece) { SetAll(allowed, field.with_piece[piece]); });
    return false;
  });
  if (is_unusual) std::ranges::fill(allowed, UINT64_MAX);
}

bool CandidateIndex::Narrow(FieldCache& cache, const std::vector<FieldPlan>& plans, bool as_json,
                            Scratch& scratch) const {
  std::vector<uint64_t>& left = scratch.left;
  left = all_;
  const size_t words = left.size();
  for (const Field& field : fields_) {
    uint64_t named = 0;
    for (size_t i = 0; i < words; ++i) named |= left[i] & ~field.indifferent[i];
    if (named == 0) continue;
    scratch.allowed = field.indifferent;
    if (field.field == Demand::kText) {
      AllowText(field, cache.record(), as_json, scratch.allowed);
    } else {
      Allow(field, cache.Get(field.field, plans[field.field]), scratch.allowed);
    }
    uint64_t any = 0;
    for (size_t i = 0; i < words; ++i) any |= left[i] &= scratch.allowed[i];
    if (any == 0) return false;
  }
  return true;
}

}  // namespace ekshume::detect::sigma
