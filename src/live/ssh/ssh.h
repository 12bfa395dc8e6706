// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_view.h"
#include "base/progress.h"
#include "base/result.h"

// The system's `ssh`, with the user's own configuration, keys, agents and jump hosts.
namespace ekshume::live::ssh {

struct SshTarget {
  std::string host;                    // "ec2-user@10.0.1.23", or a Host of ~/.ssh/config
  std::vector<std::string> arguments;  // for ssh, before ours: {"-p", "2222"}
  std::string program = "ssh";
};

struct SshOutcome {
  int exit_code = 0;   // of the command there; 255 when ssh itself failed
  std::string errors;  // standard error, at most some kilobytes
};

// ssh reports its own failures by this code, also a connection that broke.
inline constexpr int kSshFailed = 255;

// Runs `command` (for the login shell there). `input` goes to its standard input in pieces as it
// takes them, then that is closed; `output` gets its standard output. It never asks for a password
// (BatchMode), unless the user's arguments say so. SIGPIPE must be ignored. Errors:
// kInvalidArgument for a host that would be an option; kIo when ssh cannot be started; kCancelled;
// what `output` returned. One thread.
Result<SshOutcome> Run(const SshTarget& target, const std::string& command,
                       const std::vector<std::string_view>& input,
                       const std::function<Result<void>(ByteView)>& output,
                       const Progress* progress);

}  // namespace ekshume::live::ssh
