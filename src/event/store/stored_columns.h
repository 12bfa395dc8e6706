// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

// How the columns of an event are found in the table `stored_events`, as pieces of SQL.
namespace ekshume::event {

// What `locator` and `raw` are made of when they are read; `ekshume_raw` is a function of ours.
inline constexpr std::string_view kPlaceColumns = "place, raw_frame, raw_offset, raw_length";
inline constexpr std::string_view kLocatorSql = "'offset=' || place AS locator";
inline constexpr std::string_view kRawSql = "ekshume_raw(raw_frame, raw_offset, raw_length) AS raw";

// Whether a column is made when it is read, instead of being stored. Those are the last of
// Columns(), so the others stand in the table where they stand there.
bool IsMade(std::string_view column);

// The names of the stored columns, each with ", " behind it.
std::string StoredColumns();

// All columns of an event, made of the stored ones and kPlaceColumns; without `raw` where our
// function is not there.
std::string ShownColumns(bool with_raw);

// The table, to stand behind FROM, for conditions that may name any column; it has `rowid`, the
// row's number, too. Called `events`.
std::string AllColumnsSql();

}  // namespace ekshume::event
