// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>

#include "cli/acquire_aws.h"
#include "live/snapshot/acquire_snapshot.h"

namespace ekshume::cli {
namespace {

namespace snapshot = live::snapshot;

struct SnapshotOptions {
  AcquireOptions common;
  snapshot::SnapshotRequest request;
  bool no_download = false;
};

// What was fetched waits in the case, or beside the folder, under the snapshot's own name: there
// the next run finds it.
std::string WorkDirectory(const AcquireOptions& options) {
  if (!options.case_directory.empty()) return options.case_directory + "/index";
  const std::filesystem::path folder =
      std::filesystem::absolute(options.output_folder).lexically_normal();
  const std::filesystem::path parent =
      folder.has_filename() ? folder.parent_path() : folder.parent_path().parent_path();
  return (parent / ".ekshume-partial").string();
}

Result<void> Run(Program& program, SnapshotOptions& options) {
  snapshot::SnapshotRequest& request = options.request;
  const bool known = request.target.starts_with("vol-") || request.target.starts_with("i-") ||
                     snapshot::IsSnapshotId(request.target);
  if (!known) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no volume (vol-...), instance (i-...) or snapshot (snap-...)",
                            request.target));
  }
  if (!request.changed_since.empty() && !snapshot::IsSnapshotId(request.changed_since)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no snapshot", request.changed_since));
  }
  request.download = !options.no_download;
  request.work_directory = WorkDirectory(options.common);
  options.common.kind = "snapshot";
  options.common.target = request.target;
  const Result<void> done = RunAcquisition(
      program, options.common, "EBS direct APIs",
      [&](live::aws::Connection& connection, live::Acquisition& acquisition) {
        return snapshot::AcquireSnapshot(request, connection, acquisition, program.progress);
      });
  std::error_code ignored;
  std::filesystem::remove(request.work_directory, ignored);  // only when it is empty
  return done;
}

}  // namespace

void AddAcquireSnapshotVerb(Program& program) {
  CLI::App* verb = AcquireGroup(program)->add_subcommand(
      "snapshot", "make a snapshot of an EBS volume or instance, and read it into an image");
  verb->footer(
      "TARGET is a volume (vol-...), an instance (i-...: all its volumes at one moment) or a\n"
      "snapshot that exists. It is read through the EBS direct APIs, many blocks at a time, each\n"
      "verified; a run that was cut goes on where it ended. `ekshume investigate snap-...` needs\n"
      "none of this: it fetches only the blocks it reads.\n"
      "Examples:\n"
      "  ekshume acquire snapshot i-0123456789abcdef0 --case incident-42\n"
      "  ekshume acquire snapshot snap-0123456789abcdef0 --output-folder disk\n"
      "  ekshume acquire snapshot vol-0123456789abcdef0 --case incident-42 --no-download \\\n"
      "    --copy-to-region eu-central-1 --kms-key alias/evidence --share-with 123456789012\n"
      "  ekshume acquire snapshot snap-0fedcba9876543210 --changed-since snap-0123456789abcdef0 "
      "--case x");
  const auto options = std::make_shared<SnapshotOptions>();
  snapshot::SnapshotRequest& request = options->request;
  verb->add_option("target", request.target, "a volume, an instance or a snapshot")
      ->required()
      ->type_name("TARGET");
  verb->add_option("--changed-since", request.changed_since,
                   "only list the blocks that changed since this snapshot of the same volume")
      ->type_name("SNAPSHOT");
  verb->add_option("--copy-to-region", request.copy_to_region, "copy it there first")
      ->type_name("REGION");
  verb->add_option("--kms-key", request.kms_key_id,
                   "encrypt the copy with this key (needed when the snapshot is encrypted)")
      ->type_name("KEY");
  verb->add_option("--share-with", request.share_with, "let this account use it (or its copy)")
      ->type_name("ACCOUNT");
  verb->add_flag("--no-download", options->no_download, "leave it in AWS");
  verb->add_option("--threads", request.threads, "blocks fetched at a time (default 16)")
      ->check(CLI::Range(1, 64));
  verb->add_option("--wait-minutes", request.wait_minutes,
                   "how long to wait until it is complete (default 240)")
      ->check(CLI::Range(1, 10080));
  AddAcquireAwsOptions(*verb, program, options->common);
  verb->callback([&program, options] {
    program.action = [&program, options] { return Run(program, *options); };
  });
}

}  // namespace ekshume::cli
