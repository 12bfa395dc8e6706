// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "casefile/evidence.h"
#include "live/aws/connection.h"

namespace ekshume::cli {

// Adds --region, --profile, --role-arn, --external-id, --endpoint-url to a verb that speaks to AWS.
void AddAwsOptions(CLI::App& verb, live::aws::ConnectionOptions& options);

// What CloudTrail shows as the name of roles that are assumed: the case and who runs this.
std::string RoleSessionName(const std::string& case_directory);

// Opens snapshots of EBS (snap-0123...) as evidence. Nothing is asked of AWS before one is opened.
// `options`, `diagnostics` and `progress` must outlive it.
std::unique_ptr<casefile::RemoteEvidence> MakeSnapshotEvidence(
    const live::aws::ConnectionOptions& options, DiagnosticSink& diagnostics, Progress& progress);

}  // namespace ekshume::cli
