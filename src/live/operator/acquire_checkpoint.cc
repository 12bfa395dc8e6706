// SPDX-License-Identifier: Apache-2.0
#include "live/operator/acquire_checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/hash.h"
#include "live/acquire/acquisition.h"
#include "live/aws/s3.h"
#include "live/kubernetes/acquire_pod.h"

namespace ekshume::live::operators {
namespace {

constexpr const char* kRecord = "acquisition.json";

// The folder of one acquisition, removed with all that is in it.
class Folder {
 public:
  explicit Folder(std::string path) : path_(std::move(path)) { Remove(); }
  ~Folder() { Remove(); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  void Remove() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  const std::string path_;
};

// Names relative to the folder, the record last.
Result<std::vector<std::string>> FilesOf(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> names;
  auto files = std::filesystem::recursive_directory_iterator(folder, error);
  for (; !error && files != std::filesystem::recursive_directory_iterator();
       files.increment(error)) {
    if (!files->is_regular_file(error)) continue;
    std::string name = files->path().lexically_relative(folder).string();
    if (name != kRecord) names.push_back(std::move(name));
  }
  if (error) return Fail(ErrorCode::kIo, fmt::format("cannot read {}", folder));
  std::ranges::sort(names);
  names.emplace_back(kRecord);
  return names;
}

Result<void> Upload(const std::string& folder, const aws::S3Place& place, const aws::Client& s3,
                    const Progress& progress) {
  const std::vector<std::string> names = EKSHUME_TRY(FilesOf(folder));
  for (const std::string& name : names) {
    if (progress.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
    const aws::S3Place to{place.bucket, fmt::format("{}/{}", place.key, name)};
    const auto done = aws::UploadFile(s3, to, fmt::format("{}/{}", folder, name));
    if (!done) return WithContext(done.error(), fmt::format("s3://{}/{}", to.bucket, to.key));
  }
  return {};
}

Result<void> AcquirePod(const Checkpoint& checkpoint, const CheckpointWork& work,
                        const std::string& folder, kubernetes::Client& client,
                        DiagnosticSink& diagnostics, const Progress& progress, Error& failure,
                        std::string& sha256) {
  const auto acquisition = EKSHUME_TRY(
      Acquisition::Begin({.case_directory = "",
                          .output_directory = folder,
                          .kind = "pod",
                          .target = fmt::format("{}/{}", checkpoint.pod_namespace, checkpoint.pod),
                          .arguments = work.arguments},
                         diagnostics));
  acquisition->SetOrigin(client.access().server);
  acquisition->SetIdentity(client.UserName(), client.access().source);
  acquisition->Note("pod_checkpoint", fmt::format("{}/{} {}", checkpoint.in_namespace,
                                                  checkpoint.name, checkpoint.uid));
  if (!checkpoint.cluster_name.empty()) acquisition->Note("cluster", checkpoint.cluster_name);
  kubernetes::PodRequest request;
  request.in_namespace = checkpoint.pod_namespace;
  request.pod = checkpoint.pod;
  request.container = checkpoint.container;
  request.via = checkpoint.via;
  request.image = work.image;
  request.collecting.memory = checkpoint.memory;
  request.collecting.collector = work.collector;
  const Result<void> done =
      kubernetes::AcquirePod(request, client, *acquisition, diagnostics, progress);
  acquisition->SetClockOffset("Kubernetes API", client.clock_offset_seconds());
  if (!done) {
    failure = done.error();
    acquisition->Failed(checkpoint.pod, failure.message, kubernetes::MissingPermission(failure));
  }
  EKSHUME_TRY(acquisition->Finish());
  std::ostringstream record;
  record << std::ifstream(fmt::format("{}/{}", folder, kRecord), std::ios::binary).rdbuf();
  sha256 = ToHex(Sha256::Of(ByteView::Of(record.view())));
  return {};
}

}  // namespace

Result<End> AcquireCheckpoint(const Checkpoint& checkpoint, const aws::S3Place& place,
                              const CheckpointWork& work, kubernetes::Client& client,
                              const aws::Client& s3, const Progress& progress) {
  const Folder folder(
      fmt::format("{}/{}", work.work_folder, place.key.substr(place.key.rfind('/') + 1)));
  DiagnosticSink diagnostics;
  Error failure{ErrorCode::kIo, ""};
  End end;
  EKSHUME_TRY(AcquirePod(checkpoint, work, folder.path(), client, diagnostics, progress, failure,
                         end.sha256));
  if (!failure.message.empty() && failure.code == ErrorCode::kCancelled) return failure;
  const Result<void> uploaded = Upload(folder.path(), place, s3, progress);
  if (!uploaded && uploaded.error().code == ErrorCode::kCancelled) return uploaded.error();
  if (!uploaded) {
    end.reason = "UploadFailed";
    end.message = uploaded.error().message;
    end.sha256.clear();
    return end;
  }
  end.location = fmt::format("s3://{}/{}", place.bucket, place.key);
  end.succeeded = failure.message.empty();
  const size_t losses = diagnostics.Sorted().size();
  if (!end.succeeded) {
    end.reason = failure.code == ErrorCode::kNotFound      ? "NotFound"
                 : failure.code == ErrorCode::kUnsupported ? "Denied"
                                                           : "AcquireFailed";
    end.message = failure.message;
  } else if (diagnostics.HasLoss()) {
    end.reason = "AcquiredWithLoss";
    end.message = fmt::format("acquired; {} things could not be had, see acquisition.json", losses);
  } else {
    end.reason = "Acquired";
    end.message = "acquired";
  }
  return end;
}

}  // namespace ekshume::live::operators
