// SPDX-License-Identifier: Apache-2.0
#include "cli/program.h"

#include <map>

namespace ekshume::cli {

void Program::AddOutputOptions(CLI::App& verb) {
  static const std::map<std::string, OutputFormat> kFormats = {
      {"table", OutputFormat::kTable},
      {"json", OutputFormat::kJson},
      {"jsonl", OutputFormat::kJsonLines},
      {"csv", OutputFormat::kCsv},
  };
  verb.add_option("--format", format, "table, json, jsonl or csv")
      ->transform(CLI::CheckedTransformer(kFormats))
      ->type_name("FORMAT");
  verb.add_option("--output", output_path, "write to FILE instead of standard output")
      ->type_name("FILE");
}

void Program::AddEvidenceOptions(CLI::App& verb, bool with_partition) {
  verb.add_option("evidence", evidence_path, "a disk image, a folder, or a case")
      ->required()
      ->type_name("EVIDENCE");
  verb.add_option("--disk", more_disks, "a further disk of the same node (may be repeated)")
      ->type_name("FILE")
      ->allow_extra_args(false);
  verb.add_flag("--raw", raw, "read the disk as it lies: do not replay the filesystem's log");
  verb.add_flag("--force", force, "go on in spite of unknown incompatible features");
  if (with_partition) {
    verb.add_option("--partition", partition, "which partition (default: the node's root)")
        ->type_name("N");
  }
}

Result<const casefile::Evidence*> Program::OpenEvidence() {
  std::vector<std::string> paths;
  casefile::EvidenceOptions options;
  options.raw = raw;
  options.force = force;
  options.progress = &progress;
  options.remote = remote.get();
  if (casefile::Case::IsCase(evidence_path)) {
    opened_case = EKSHUME_TRY(casefile::Case::Open(evidence_path));
    paths = opened_case->evidence_paths();
    options.scratch = &opened_case->scratch();
  } else {
    paths.push_back(evidence_path);
  }
  paths.insert(paths.end(), more_disks.begin(), more_disks.end());
  progress.SetStage("opening");
  evidence = EKSHUME_TRY(casefile::Evidence::Open(paths, options, diagnostics));
  progress.SetStage("reading");
  return evidence.get();
}

Result<runtime::Inventory> Program::ReadInventory() {
  const casefile::Evidence* opened = EKSHUME_TRY(OpenEvidence());
  runtime::Inventory inventory = casefile::ReadInventory(*opened, diagnostics);
  const bool empty = inventory.containers.empty() && inventory.pods.empty() &&
                     inventory.images.empty() && inventory.snapshots.empty();
  if (empty) {
    return Fail(ErrorCode::kNotFound, "no container store and no pod in " + evidence_path);
  }
  return inventory;
}

}  // namespace ekshume::cli
