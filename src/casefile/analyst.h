// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>

namespace ekshume::casefile {

// Who works on which machine, as custody records name them.
struct Analyst {
  std::string user;  // the login name, or "uid 1000" where the system knows none
  uid_t uid = 0;
  std::string host;
};
Analyst CurrentAnalyst();

}  // namespace ekshume::casefile
