// SPDX-License-Identifier: Apache-2.0
#include "casefile/analyst.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <array>

namespace ekshume::casefile {

Analyst CurrentAnalyst() {
  Analyst analyst;
  analyst.uid = getuid();
  const passwd* entry = getpwuid(analyst.uid);
  analyst.user = entry != nullptr ? entry->pw_name : fmt::format("uid {}", analyst.uid);
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) == 0) analyst.host = name.data();
  return analyst;
}

}  // namespace ekshume::casefile
