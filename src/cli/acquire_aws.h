// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "cli/acquire.h"
#include "live/aws/connection.h"

namespace ekshume::cli {

// Adds --case, --output-folder and the options of AWS.
void AddAcquireAwsOptions(CLI::App& verb, Program& program, AcquireOptions& options);

// Begins the acquisition, asks AWS who we are, lets `work` do it, and writes the record whatever
// came of it. Prints where it lies. `work` may report failures and go on.
Result<void> RunAcquisition(
    Program& program, const AcquireOptions& options, const std::string& method,
    const std::function<Result<void>(live::aws::Connection&, live::Acquisition&)>& work);

// One file each.
void AddAcquireSnapshotVerb(Program& program);
void AddAcquireRecordsVerbs(Program& program);  // logs, trail, findings, bucket
void AddAcquireRemoteVerbs(Program& program);   // node, task

}  // namespace ekshume::cli
