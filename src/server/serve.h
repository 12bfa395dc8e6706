// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/progress.h"
#include "casefile/evidence.h"

namespace ekshume::server {

struct ServeOptions {
  std::string case_path;
  std::string address = "127.0.0.1";  // loopback: 127.0.0.1, ::1 or localhost
  int port = 0;                       // 0: a free one
  std::string analyst;                // whose session the first link opens
  std::vector<std::string> command_line;
};

// Serves a case until `progress` is cancelled. `announce` gets the link once connections are taken.
// kInvalidArgument for an address that is not loopback. `remote` may be null.
Result<void> Serve(const ServeOptions& options, casefile::RemoteEvidence* remote,
                   Progress& progress,
                   const std::function<void(const std::string& link)>& announce);

}  // namespace ekshume::server
