// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "casefile/evidence.h"
#include "casefile/host_findings.h"
#include "casefile/json.h"
#include "image/evidence_hash.h"
#include "runtime/model.h"

namespace ekshume::casefile {

// What is known of one node.
struct NodeInvestigation {
  runtime::Inventory inventory;
  HostFindings host;
  Json report;
  std::unique_ptr<image::EvidenceHasher> hasher;  // at work
};

// Looks through the evidence of one node: which node it is, its pods, containers and images, what
// changed in each container since its image, what changed on the host, what was deleted while open,
// and what the evidence cannot show. docs/formats/report.md describes the members of the report.
// The evidence is hashed meanwhile on a thread of its own, and must outlive the result, as must
// `progress`; AddDigests() waits for it.
//
// A container that cannot be read is a diagnostic, never the end. kCancelled when the user stopped.
Result<NodeInvestigation> Investigate(const Evidence& evidence, DiagnosticSink& diagnostics,
                                      Progress& progress);

// Waits until the evidence is hashed and puts the digests into `report`, the node's as it has
// become. Once. kIo when a part of a file cannot be read; kCancelled.
Result<void> AddDigests(NodeInvestigation& node, Json& report, Progress& progress);

}  // namespace ekshume::casefile
