// SPDX-License-Identifier: Apache-2.0
#include "cli/aws_options.h"

#include <fmt/format.h>

#include <filesystem>
#include <vector>

#include "casefile/analyst.h"
#include "live/acquire/acquisition.h"
#include "live/snapshot/snapshot_blocks.h"

namespace ekshume::cli {
namespace {

namespace snapshot = live::snapshot;

// An image of a snapshot with all that it needs.
class OwningImage final : public image::Image {
 public:
  OwningImage(std::unique_ptr<snapshot::SnapshotBlocks> blocks, DiagnosticSink& diagnostics)
      : blocks_(std::move(blocks)),
        image_(snapshot::MakeSnapshotImage(*blocks_)),
        diagnostics_(diagnostics) {}
  ~OwningImage() override {
    diagnostics_.Report(DiagnosticCode::kSnapshotFetched, blocks_->snapshot(),
                        fmt::format("{} of its {} blocks of {} KiB were fetched now; volume of {} "
                                    "GiB",
                                    blocks_->fetched(), blocks_->block_count(),
                                    blocks_->block_bytes() >> 10, blocks_->volume_bytes() >> 30));
  }
  uint64_t size_bytes() const override { return image_->size_bytes(); }
  const std::string& name() const override { return image_->name(); }
  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    return image_->ReadAt(offset_bytes, out);
  }
  uint64_t NextData(uint64_t offset_bytes) const override { return image_->NextData(offset_bytes); }

 private:
  const std::unique_ptr<snapshot::SnapshotBlocks> blocks_;
  const std::unique_ptr<image::Image> image_;
  DiagnosticSink& diagnostics_;
};

class SnapshotEvidence final : public casefile::RemoteEvidence {
 public:
  SnapshotEvidence(const live::aws::ConnectionOptions& options, DiagnosticSink& diagnostics,
                   Progress& progress)
      : options_(options), diagnostics_(diagnostics), progress_(progress) {}

  bool Recognises(const std::string& path) const override {
    std::error_code error;
    return snapshot::IsSnapshotId(path) && !std::filesystem::exists(path, error);
  }

  Result<image::OpenedImage> Open(const std::string& path,
                                  const image::OpenOptions& options) override {
    if (connection_ == nullptr) {
      connection_ = EKSHUME_TRY(live::aws::Connection::Open(options_, diagnostics_, &progress_));
    }
    const live::aws::Client* client = EKSHUME_TRY(connection_->client());
    auto blocks = EKSHUME_TRY(snapshot::SnapshotBlocks::Open(*client, path, options.scratch));
    live::ReportClockOffset("ebs", client->clock_offset_seconds(), diagnostics_);
    image::OpenedImage opened;
    opened.format = "ebs-snapshot";
    opened.stored_bytes = uint64_t{blocks->block_count()} * blocks->block_bytes();
    opened.image = std::make_unique<OwningImage>(std::move(blocks), diagnostics_);
    return opened;
  }

 private:
  const live::aws::ConnectionOptions& options_;
  DiagnosticSink& diagnostics_;
  Progress& progress_;
  std::unique_ptr<live::aws::Connection> connection_;
};

}  // namespace

void AddAwsOptions(CLI::App& verb, live::aws::ConnectionOptions& options) {
  verb.add_option("--region", options.region, "AWS region (default: AWS_REGION, the profile's)")
      ->type_name("REGION");
  verb.add_option("--profile", options.profile, "profile of ~/.aws/config")->type_name("NAME");
  verb.add_option("--role-arn", options.role_arn,
                  "assume this role; its session is named after the case and you")
      ->type_name("ARN");
  verb.add_option("--external-id", options.external_id, "what that role's trust policy asks for")
      ->type_name("ID");
  verb.add_option("--endpoint-url", options.endpoint_url,
                  "ask there instead of AWS (also AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_EBS, ...)")
      ->type_name("URL");
}

std::string RoleSessionName(const std::string& case_directory) {
  std::filesystem::path name = std::filesystem::path(case_directory).lexically_normal();
  if (!name.has_filename()) name = name.parent_path();
  return live::aws::SessionName(name.stem().string(), casefile::CurrentAnalyst().user);
}

std::unique_ptr<casefile::RemoteEvidence> MakeSnapshotEvidence(
    const live::aws::ConnectionOptions& options, DiagnosticSink& diagnostics, Progress& progress) {
  return std::make_unique<SnapshotEvidence>(options, diagnostics, progress);
}

}  // namespace ekshume::cli
