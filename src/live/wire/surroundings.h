// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"

namespace ekshume::live::wire {

// What credentials come from besides services; replaced in tests. Any number of threads.
struct Surroundings {
  // A variable of the environment; nothing when it is not set or empty.
  std::function<std::optional<std::string>(const std::string& name)> variable;
  // A whole small file. kNotFound, kIo; kLimit beyond limits::kMaxDocumentBytes.
  std::function<Result<std::string>(const std::string& path)> read_file;
  // What a command prints, run by the shell. kIo when it fails.
  std::function<Result<std::string>(const std::string& command)> run;

  // Those of this process.
  static Surroundings OfProcess();

  // $HOME, or "" without one.
  std::string Home() const { return variable("HOME").value_or(""); }
};

}  // namespace ekshume::live::wire
