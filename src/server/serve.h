// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "casefile/evidence.h"

namespace ekshume::server {

struct ServeOptions {
  std::string case_path;
  std::string address = "127.0.0.1";
  int port = 0;         // 0: a free one
  std::string analyst;  // whose session the first link opens; not with users
  // With these, users log in, and any address may be listened on.
  std::string users;        // the file of the users
  std::string certificate;  // PEM files
  std::string key;
  std::string host;  // the name in the address that browsers ask for; default: the address
  // Below which folders the page may choose evidence to add. None: the working directory; with
  // users nothing may be added then.
  std::vector<std::string> evidence;
  // Whether plans of response may be approved, applied and undone on the page, and the options that
  // `ekshume respond` is given then: which cluster, which account, as whom.
  bool allow_response = false;
  std::vector<std::string> response_arguments;
  std::vector<std::string> command_line;
};

// Serves a case until `progress` is cancelled. `announce` gets the link, or with users the address,
// once connections are taken; `say` what the one at the terminal should know. kInvalidArgument for
// an address that is not loopback without users and TLS. `remote` may be null.
Result<void> Serve(const ServeOptions& options, casefile::RemoteEvidence* remote,
                   Progress& progress, const std::function<void(const std::string& link)>& announce,
                   const std::function<void(std::string_view text)>& say);

}  // namespace ekshume::server
