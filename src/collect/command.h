// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <string>
#include <vector>

namespace ekshume::collect {

// `ekshume collect` and the program ekshume-collect: the same command line for both. `arguments`
// are those after the program's or verb's name. Returns the exit code of docs/cli.md. Writes the
// archive to standard output, a file or S3, and sentences to standard error.
int RunCommand(const std::string& program, const std::vector<std::string>& arguments,
               const std::atomic<bool>& cancelled);

}  // namespace ekshume::collect
