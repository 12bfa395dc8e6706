// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/program.h"
#include "event/store/store.h"

namespace ekshume::cli {

// What the verbs over events share.

// Opens the events of a case for reading. kNotFound with a sentence when it is no case or has none.
Result<std::unique_ptr<event::Store>> OpenEvents(const std::string& case_path);

// The SQL condition that a query in the search language means. A wrong one is kInvalidArgument,
// with the place marked.
Result<std::string> Condition(event::Store& store, const std::string& query);

// The statement that gives event rows in order of time. Without `columns` a table gets those for
// people, every other format all. `limit` 0: all rows.
std::string EventSql(OutputFormat format, const std::vector<std::string>& columns,
                     const std::string& where, bool reverse, uint64_t limit);

// The statement that counts the values of each of `columns` among the rows of `where`: field, value
// and count of the `size` most frequent values of each, in order of field, count and value.
std::string FacetSql(const std::vector<std::string>& columns, const std::string& where,
                     uint64_t size);

// Prints rows in the chosen format.
Result<void> PrintRows(Program& program, event::Rows& rows);

}  // namespace ekshume::cli
