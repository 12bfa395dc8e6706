// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/program.h"
#include "live/acquire/acquisition.h"
#include "live/aws/connection.h"

namespace ekshume::cli {

// What the verbs `acquire snapshot|logs|...` share.
struct AcquireAwsOptions {
  std::string kind;    // "snapshot"
  std::string target;  // what people call it
  std::string case_directory;
  std::string output_folder;
};

// Adds --case, --output-folder and the options of AWS.
void AddAcquireAwsOptions(CLI::App& verb, Program& program, AcquireAwsOptions& options);

// Begins the acquisition, asks AWS who we are, lets `work` do it, and writes the record whatever
// came of it. Prints where it lies. `work` may report failures and go on.
Result<void> RunAcquisition(
    Program& program, const AcquireAwsOptions& options, const std::string& method,
    const std::function<Result<void>(live::aws::Connection&, live::Acquisition&)>& work);

// One file each.
void AddAcquireSnapshotVerb(Program& program);
void AddAcquireRecordsVerbs(Program& program);  // logs, trail, findings, bucket
void AddAcquireRemoteVerbs(Program& program);   // node, task

// The group `acquire`, made by whoever comes first.
CLI::App* AcquireGroup(Program& program);

}  // namespace ekshume::cli
