// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "event/query/query.h"
#include "event/store/store.h"

// The events of a case, searched: what the command line and the page share. docs/search.md is the
// language.
namespace ekshume::casefile {

// Opens the events of a case for reading. kNotFound with a sentence when it is no case or has none.
Result<std::unique_ptr<event::Store>> OpenEvents(const std::string& case_path);

// The SQL condition that a query in the search language means. A wrong one is kInvalidArgument,
// with the place marked.
Result<std::string> Condition(event::Store& store, const std::string& query,
                              event::ValuesContaining containing = {});

// `names` when each is a column of events; otherwise kInvalidArgument with the one that is none.
Result<std::vector<std::string>> CheckedColumns(const std::vector<std::string>& names);

// The statement that counts the values of each of `columns` among the rows of `where`: field, value
// and count of the `size` most frequent values of each, in order of field, count and value.
std::string FacetSql(const std::vector<std::string>& columns, const std::string& where,
                     uint64_t size);

}  // namespace ekshume::casefile
