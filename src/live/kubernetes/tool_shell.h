// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "image/raw/reader.h"
#include "live/acquire/acquisition.h"
#include "live/kubernetes/collector_run.h"

namespace ekshume::live::kubernetes {

// Runs scripts by a container's own shell and keeps what they print. One thread; what it is made of
// must outlive it.
class ToolShell {
 public:
  using Answer = std::unique_ptr<image::raw::RawImage>;

  ToolShell(const Place& place, CollectorRun& run, Acquisition& acquisition, uint64_t most_bytes);

  // Runs a script and keeps what it prints as answers/NAME. Null when that is nothing. kNotFound
  // when the script ends with 3. Asked again when the connection breaks.
  Result<Answer> Ask(const std::string& name, std::string_view script,
                     const std::vector<std::string>& arguments);
  // What one short command prints.
  Result<std::string> Say(const std::string& command);

  // What stands before each section of an answer; nobody in the container can guess it.
  const std::string& boundary() const { return boundary_; }
  int commands() const { return commands_; }
  // Of the last script.
  int exit_code() const { return exit_code_; }
  const std::string& errors() const { return errors_; }

 private:
  const Place& place_;
  CollectorRun& run_;
  Acquisition& acquisition_;
  const uint64_t most_bytes_;
  const std::string boundary_;
  std::string errors_;
  int exit_code_ = 0;
  int commands_ = 0;
};

}  // namespace ekshume::live::kubernetes
