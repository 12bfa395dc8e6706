// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <optional>
#include <string_view>

#include "event/query/fields.h"
#include "event/query/query.h"
#include "event/query/scanner.h"

// What a field makes of the values that stand behind it.
namespace ekshume::event {

using TermResult = std::expected<Term, QueryError>;

// field:value, or a value without a field (then `field` is null). A word without a field must not
// be made of wildcards only.
TermResult MakeTerm(const Field* field, const Value& value, Timestamp now);

// field:>value and the like; `comparison` is ">", ">=", "<" or "<=".
TermResult MakeComparison(const Field& field, std::string_view comparison, const Value& value,
                          Timestamp now);

// field:[low TO high]; an end that is not there is open.
struct RangeEnd {
  Value value;
  bool included = true;
};
TermResult MakeRange(const Field& field, const std::optional<RangeEnd>& low,
                     const std::optional<RangeEnd>& high, Timestamp now);

// The field has any value.
Term MakeExists(const Field& field);

}  // namespace ekshume::event
