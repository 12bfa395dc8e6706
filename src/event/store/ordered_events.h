// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ekshume::event {

// The statement for Store::Query() that gives events in order of time, those without one last.
// `list` is what stands behind SELECT, over the columns of an event; `where` a condition over them.
// `limit` 0: all. However many rows fit, memory stays bounded as long as the store may use a
// temporary folder: records are unpacked behind the sort.
std::string OrderedEventsSql(std::string_view list, std::string_view where, bool reverse = false,
                             uint64_t limit = 0);

}  // namespace ekshume::event
