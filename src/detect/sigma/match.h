// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "detect/sigma/record.h"
#include "detect/sigma/rule.h"

namespace ekshume::detect::sigma {

// Gives the values of fields of one record, each read once however many rules ask. One thread.
class FieldCache {
 public:
  explicit FieldCache(size_t field_count) : slots_(field_count) {}
  // `record` must live until the next Begin().
  void Begin(Record& record);
  Record& record() { return *record_; }
  // `field` is `plan`'s place among the fields of the view.
  const Values& Get(uint32_t field, const FieldPlan& plan);
  // The texts that keywords are looked for in.
  const Values& Texts();

 private:
  struct Slot {
    uint64_t epoch = 0;
    Values values;
  };
  Record* record_ = nullptr;
  uint64_t epoch_ = 0;
  std::vector<Slot> slots_;
  Slot texts_;
};

// Whether a detection holds for the record in `cache`. `fields` says for each of Detection::fields
// its place among `plans`.
bool Holds(const Detection& detection, const std::vector<uint32_t>& fields,
           const std::vector<FieldPlan>& plans, FieldCache& cache);

}  // namespace ekshume::detect::sigma
