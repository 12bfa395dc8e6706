// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/program.h"
#include "event/store/store.h"

namespace ekshume::cli {

// What the verbs over events share.

// The statement that gives event rows in order of time. Without `columns` a table gets those for
// people, every other format all. `limit` 0: all rows.
std::string EventSql(OutputFormat format, const std::vector<std::string>& columns,
                     const std::string& where, bool reverse, uint64_t limit);

// Prints rows in the chosen format.
Result<void> PrintRows(Program& program, event::Rows& rows);

}  // namespace ekshume::cli
