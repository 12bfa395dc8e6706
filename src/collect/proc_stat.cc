// SPDX-License-Identifier: Apache-2.0
#include "collect/proc_stat.h"

#include "collection/proc_text.h"

namespace ekshume::collect {

StatFields ParseStat(std::string_view text) {
  StatFields stat;
  // The name may hold spaces and parentheses itself; the last one closes it.
  const size_t open = text.find('(');
  const size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return stat;
  stat.comm = text.substr(open + 1, close - open - 1);
  while (text.ends_with('\n')) text.remove_suffix(1);
  stat.fields = Fields(text.substr(close + 1));
  return stat;
}

std::vector<uint64_t> StatusNumbers(std::string_view status, std::string_view key) {
  std::vector<uint64_t> numbers;
  for (const std::string_view field : Fields(collection::StatusValue(status, key))) {
    numbers.push_back(ParseNumber(field).value_or(0));
  }
  return numbers;
}

}  // namespace ekshume::collect
