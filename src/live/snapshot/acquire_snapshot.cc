// SPDX-License-Identifier: Apache-2.0
#include "live/snapshot/acquire_snapshot.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/wait.h"
#include "casefile/analyst.h"
#include "casefile/scratch.h"
#include "live/wire/json.h"

namespace ekshume::live::snapshot {
namespace {

using wire::Json;

constexpr std::chrono::seconds kPollInterval{5};
// After as many blocks in a row that a permission guards, the others are not tried.
constexpr size_t kDeniedBlocksTried = 32;

aws::Tags TagsOf(const SnapshotRequest& request, const Acquisition& acquisition) {
  return {{"ekshume:case", acquisition.case_id().empty() ? "none" : acquisition.case_id()},
          {"ekshume:operator", casefile::CurrentAnalyst().user},
          {"ekshume:source", request.target}};
}

Json ToJson(const aws::Snapshot& snapshot) {
  return {{"snapshot_id", snapshot.id},
          {"volume_id", snapshot.volume_id},
          {"state", snapshot.state},
          {"start_time", snapshot.start_time},
          {"owner_id", snapshot.owner_id},
          {"description", snapshot.description},
          {"volume_gibibytes", snapshot.volume_gibibytes},
          {"encrypted", snapshot.encrypted},
          {"kms_key_id", snapshot.kms_key_id}};
}

// Asks until the snapshot is complete. kIo when it ends in an error or takes too long.
Result<aws::Snapshot> WaitFor(const aws::Client& client, const std::string& id, int minutes,
                              Progress& progress, aws::ServiceError& failure) {
  const int64_t until = Now().seconds + int64_t{minutes} * 60;
  for (;;) {
    aws::Snapshot now = EKSHUME_TRY(aws::DescribeSnapshot(client, id, &failure));
    if (now.state == "completed") return now;
    if (now.state == "error") {
      return Fail(ErrorCode::kIo, fmt::format("{} ended in an error: {}", id, now.status_message));
    }
    if (Now().seconds >= until) {
      return Fail(ErrorCode::kIo, fmt::format("{} is not complete after {} minutes ({})", id,
                                              minutes, now.progress));
    }
    EKSHUME_TRY(Wait(kPollInterval, &progress));
  }
}

// One acquisition of what may be several snapshots.
class Work {
 public:
  Work(const SnapshotRequest& request, aws::Connection& connection, const aws::Client& client,
       Acquisition& acquisition, Progress& progress)
      : request_(request),
        connection_(connection),
        client_(client),
        acquisition_(acquisition),
        progress_(progress) {}

  Result<void> Run();

 private:
  Result<std::vector<std::string>> Snapshots();
  Result<void> OfOne(const std::string& id);
  Result<void> CopyAndShare(const aws::Snapshot& snapshot);
  Result<void> WriteChanges(const std::string& id);
  Result<void> Download(const std::string& id);
  Result<void> WriteManifest(const SnapshotBlocks& blocks);
  void Failed(const std::string& what, const Error& error);

  const SnapshotRequest& request_;
  aws::Connection& connection_;
  const aws::Client& client_;
  Acquisition& acquisition_;
  Progress& progress_;
  aws::ServiceError failure_;
};

void Work::Failed(const std::string& what, const Error& error) {
  acquisition_.Failed(what, error.message, failure_.missing_permission);
  failure_ = {};
}

// Those that the target means; made now where it is a volume or an instance.
Result<std::vector<std::string>> Work::Snapshots() {
  if (IsSnapshotId(request_.target)) return std::vector{request_.target};
  const std::string description = fmt::format("ekshume evidence of {}", request_.target);
  const aws::Tags tags = TagsOf(request_, acquisition_);
  progress_.SetStage("making snapshots");
  std::vector<std::string> ids;
  if (request_.target.starts_with("vol-")) {
    ids.push_back(
        EKSHUME_TRY(aws::CreateSnapshot(client_, request_.target, description, tags, &failure_))
            .id);
    return ids;
  }
  const auto instance = aws::DescribeInstance(client_, request_.target, &failure_);
  if (instance) {
    acquisition_.Note("instance_state", instance->state);
    acquisition_.Note("private_dns_name", instance->private_dns_name);
    for (const aws::InstanceVolume& volume : instance->volumes) {
      acquisition_.Note(volume.device, volume.volume_id);
    }
    // What dies with the instance is what an attacker or an autoscaler can take away.
    for (const aws::InstanceVolume& volume : instance->volumes) {
      if (volume.delete_on_termination) {
        acquisition_.Note(fmt::format("{} deleted on termination", volume.volume_id), "true");
      }
    }
  } else {
    if (instance.error().code == ErrorCode::kNotFound) return instance.error();
    Failed(fmt::format("description of {}", request_.target), instance.error());
  }
  acquisition_.Note("limits", "a snapshot holds no memory, no instance store and no tmpfs");
  for (const aws::Snapshot& made :
       EKSHUME_TRY(aws::CreateSnapshots(client_, request_.target, description, tags, &failure_))) {
    ids.push_back(made.id);
  }
  return ids;
}

Result<void> Work::CopyAndShare(const aws::Snapshot& snapshot) {
  std::string id = snapshot.id;
  const aws::Client* client = &client_;
  std::unique_ptr<aws::Client> other;
  if (!request_.copy_to_region.empty()) {
    if (snapshot.encrypted && request_.kms_key_id.empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is encrypted ({}); EC2 would encrypt a copy with the account's "
                              "default key, which cannot be shared: name a key with --kms-key",
                              id, snapshot.kms_key_id));
    }
    other = EKSHUME_TRY(connection_.ClientOf(request_.copy_to_region));
    client = other.get();
    progress_.SetStage("copying the snapshot");
    id = EKSHUME_TRY(aws::CopySnapshot(*client,
                                       {.source_region = client_.region(),
                                        .source_id = snapshot.id,
                                        .description = "ekshume evidence",
                                        .kms_key_id = request_.kms_key_id,
                                        .tags = TagsOf(request_, acquisition_)},
                                       &failure_));
    const aws::Snapshot copy =
        EKSHUME_TRY(WaitFor(*client, id, request_.wait_minutes, progress_, failure_));
    acquisition_.Note(fmt::format("copy of {}", snapshot.id),
                      fmt::format("{} in {}{}", id, request_.copy_to_region,
                                  copy.encrypted ? ", encrypted with " + copy.kms_key_id : ""));
    if (copy.encrypted && request_.kms_key_id.empty()) {
      acquisition_.Failed(fmt::format("copy of {} as it was", snapshot.id),
                          fmt::format("the account encrypts all copies: {} is encrypted with {}, "
                                      "which nobody asked for",
                                      id, copy.kms_key_id));
    }
  }
  if (!request_.share_with.empty()) {
    EKSHUME_TRY(aws::ShareSnapshot(*client, id, request_.share_with, &failure_));
    acquisition_.Note(fmt::format("{} shared with", id), request_.share_with);
  }
  return {};
}

Result<void> Work::WriteChanges(const std::string& id) {
  const aws::ChangedBlocks changed =
      EKSHUME_TRY(aws::ListChangedBlocks(client_, request_.changed_since, id, &failure_));
  const auto file = EKSHUME_TRY(acquisition_.Create(
      fmt::format("{}.changed.jsonl", id),
      fmt::format("ebs:ListChangedBlocks {} to {}", request_.changed_since, id)));
  EKSHUME_TRY(file->Write(wire::DumpJson({{"first_snapshot", request_.changed_since},
                                          {"second_snapshot", id},
                                          {"volume_bytes", changed.volume_bytes},
                                          {"block_bytes", changed.block_bytes},
                                          {"changed_blocks", changed.blocks.size()}}) +
                          "\n"));
  for (const aws::ChangedBlock& block : changed.blocks) {
    EKSHUME_TRY(file->Write(wire::DumpJson({{"block", block.index},
                                            {"offset", uint64_t{block.index} * changed.block_bytes},
                                            {"in_first", !block.first_token.empty()},
                                            {"in_second", !block.second_token.empty()}}) +
                            "\n"));
  }
  acquisition_.Note("changed_blocks", fmt::format("{}", changed.blocks.size()));
  return file->Finish();
}

Result<void> Work::WriteManifest(const SnapshotBlocks& blocks) {
  const auto file =
      EKSHUME_TRY(acquisition_.Create(fmt::format("{}.blocks.jsonl", blocks.snapshot()),
                                      "ebs:ListSnapshotBlocks, GetSnapshotBlock"));
  EKSHUME_TRY(file->Write(wire::DumpJson({{"snapshot", blocks.snapshot()},
                                          {"volume_bytes", blocks.volume_bytes()},
                                          {"block_bytes", blocks.block_bytes()},
                                          {"blocks", blocks.block_count()}}) +
                          "\n"));
  for (const uint32_t index : blocks.indexes()) {
    const std::optional<Sha256Digest> digest = EKSHUME_TRY(blocks.DigestOf(index));
    EKSHUME_TRY(file->Write(fmt::format("{{\"block\":{},\"sha256\":{}}}\n", index,
                                        digest ? fmt::format("\"{}\"", ToHex(*digest)) : "null")));
  }
  return file->Finish();
}

Result<void> Work::Download(const std::string& id) {
  casefile::FolderScratch scratch(request_.work_directory);
  const auto blocks = EKSHUME_TRY(SnapshotBlocks::Open(client_, id, &scratch, &failure_));
  progress_.SetStage("reading the snapshot");
  const std::vector<MissingBlock> missing =
      EKSHUME_TRY(FetchAll(*blocks, request_.threads, progress_));
  acquisition_.Note(fmt::format("{} blocks", id), fmt::format("{}", blocks->block_count()));
  acquisition_.Note(fmt::format("{} blocks fetched now", id), fmt::format("{}", blocks->fetched()));
  EKSHUME_TRY(WriteManifest(*blocks));
  if (!missing.empty()) {
    for (const MissingBlock& block : missing) {
      acquisition_.Failed(fmt::format("block {} of {}", block.index, id), block.why, block.denied);
    }
    acquisition_.Note(
        fmt::format("{} incomplete", id),
        fmt::format("{} of {} blocks are missing; what was fetched is kept in {}, and "
                    "the same command goes on from there",
                    missing.size(), blocks->block_count(), request_.work_directory));
    return {};
  }
  // The file that the blocks were kept in is the image.
  const std::string image = fmt::format("{}.img", id);
  const std::string kept = fmt::format("{}/{}.blocks", request_.work_directory, id);
  std::error_code error;
  std::filesystem::rename(kept, fmt::format("{}/{}", acquisition_.directory(), image), error);
  if (error) {
    return Fail(ErrorCode::kIo, fmt::format("cannot move {} to {}: {}", kept,
                                            acquisition_.directory(), error.message()));
  }
  for (const char* ending : {"list", "digests"}) {
    std::filesystem::remove(fmt::format("{}/{}.{}", request_.work_directory, id, ending), error);
  }
  progress_.SetStage("hashing the image");
  return acquisition_.AddWritten(image, fmt::format("EBS direct APIs, {}", id));
}

Result<void> Work::OfOne(const std::string& id) {
  progress_.SetStage("waiting for the snapshot");
  const auto snapshot = WaitFor(client_, id, request_.wait_minutes, progress_, failure_);
  if (snapshot) {
    EKSHUME_TRY(acquisition_.Add(fmt::format("{}.json", id), "ec2:DescribeSnapshots",
                                 ToJson(*snapshot).dump(2) + "\n"));
    if (Result<void> copied = CopyAndShare(*snapshot); !copied) {
      Failed(fmt::format("copy or sharing of {}", id), copied.error());
    }
  } else {
    if (snapshot.error().code == ErrorCode::kCancelled) return snapshot.error();
    // Without it the blocks may still be there to read.
    Failed(fmt::format("description of {}", id), snapshot.error());
  }
  if (!request_.changed_since.empty()) return WriteChanges(id);
  return request_.download ? Download(id) : Result<void>();
}

Result<void> Work::Run() {
  const std::vector<std::string> ids = EKSHUME_TRY(Snapshots());
  for (const std::string& id : ids) {
    acquisition_.Note("snapshot", id);
    if (Result<void> done = OfOne(id); !done) {
      if (done.error().code == ErrorCode::kCancelled) return done.error();
      Failed(id, done.error());
    }
  }
  return {};
}

}  // namespace

Result<std::vector<MissingBlock>> FetchAll(SnapshotBlocks& blocks, unsigned threads,
                                           Progress& progress) {
  progress.SetTotalBytes(uint64_t{blocks.block_count()} * blocks.block_bytes());
  std::mutex mutex;
  std::vector<MissingBlock> missing;
  size_t denied = 0;
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (;;) {
      const size_t position = next.fetch_add(1);
      if (position >= blocks.block_count() || progress.cancelled()) return;
      const uint32_t index = blocks.indexes()[position];
      {
        const std::lock_guard lock(mutex);
        if (denied >= kDeniedBlocksTried) {
          missing.push_back({index, "not tried: the permission is missing for all before", ""});
          continue;
        }
      }
      aws::ServiceError failure;
      const Result<void> kept = blocks.Ensure(index, &failure);
      progress.AddBytes(blocks.block_bytes());
      if (kept) continue;
      const std::lock_guard lock(mutex);
      denied += failure.missing_permission.empty() ? 0 : 1;
      missing.push_back({index, kept.error().message, failure.missing_permission});
    }
  };
  {
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < std::max(threads, 1U); ++i) workers.emplace_back(work);
  }
  if (progress.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
  std::ranges::sort(missing, {}, &MissingBlock::index);
  return missing;
}

Result<void> AcquireSnapshot(const SnapshotRequest& request, aws::Connection& connection,
                             Acquisition& acquisition, Progress& progress) {
  const aws::Client* client = EKSHUME_TRY(connection.client());
  Work work(request, connection, *client, acquisition, progress);
  return work.Run();
}

}  // namespace ekshume::live::snapshot
