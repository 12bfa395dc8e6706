// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cli/program.h"
#include "live/acquire/acquisition.h"

namespace ekshume::cli {

// What all verbs `acquire ...` share: where it goes, and how it ends.
struct AcquireOptions {
  std::string kind;    // "snapshot"
  std::string target;  // what people call it
  std::string case_directory;
  std::string output_folder;
};

// The group `acquire`, made by whoever comes first.
CLI::App* AcquireGroup(Program& program);

// Adds --case and --output-folder, and the options of output.
void AddAcquireOptions(CLI::App& verb, Program& program, AcquireOptions& options);

Result<std::unique_ptr<live::Acquisition>> BeginAcquisition(Program& program,
                                                            const AcquireOptions& options);

// Writes the record whatever came of it, and prints where it lies. An error in `done` is recorded,
// with the permission that it names, if any, and returned.
Result<void> EndAcquisition(Program& program, const AcquireOptions& options,
                            live::Acquisition& acquisition, const Result<void>& done,
                            std::string_view missing_permission = "");

}  // namespace ekshume::cli
