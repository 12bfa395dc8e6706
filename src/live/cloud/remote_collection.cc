// SPDX-License-Identifier: Apache-2.0
#include "live/cloud/remote_collection.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "base/hash.h"
#include "base/md5.h"
#include "collection/find_collector.h"
#include "live/acquire/names.h"

namespace ekshume::live::cloud {
namespace {

constexpr int kListMinutes = 15;
constexpr int kMaxParts = 10000;

// Nothing is written but in a folder of memory, which goes away at the end. `fetch` is curl or
// wget, whichever is there.
std::string MakeScript(const std::string& collector_url, const std::string& sha256,
                       const std::string& list_url, const std::vector<std::string>& arguments) {
  std::string words;
  for (const std::string& argument : arguments) {
    words += ' ';
    words += ShellQuote(argument);
  }
  return fmt::format(
      "set -eu\n"
      "fetch() {{ if command -v curl >/dev/null; then curl -sSf \"$1\"; else wget -qO- \"$1\"; fi; "
      "}}\n"
      "d=$(mktemp -d -p /dev/shm ekshume.XXXXXX)\n"
      "trap 'rm -rf \"$d\"' EXIT\n"
      "fetch {} > \"$d/collect\"\n"
      "echo \"{}  $d/collect\" | sha256sum -c - >/dev/null\n"
      "chmod 700 \"$d/collect\"\n"
      "fetch {} | \"$d/collect\" --put-urls -{}\n",
      ShellQuote(collector_url), sha256, ShellQuote(list_url), words);
}

}  // namespace

Result<PreparedCollection> PrepareCollection(const RemoteCollectionRequest& request,
                                             const std::string& name, const aws::Client& client,
                                             aws::ServiceError& failure) {
  const auto place = aws::ParseS3Url(request.upload_to);
  if (!place) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--upload-to wants s3://BUCKET/PREFIX, not \"{}\"", request.upload_to));
  }
  if (request.parts < 1 || request.parts > kMaxParts) {
    return Fail(ErrorCode::kInvalidArgument, "S3 takes 1 to 10000 parts");
  }
  std::string collector = EKSHUME_TRY(collection::ReadCollectorProgram(request.collector));
  const std::string base =
      fmt::format("{}{}{}-{}", place->key,
                  place->key.empty() || place->key.ends_with('/') ? "" : "/", NameOf(Now()), name);
  PreparedCollection out;
  out.archive = {place->bucket, base + ".ekc"};
  const aws::S3Place program{place->bucket, base + ".collector"};
  const aws::S3Place list{place->bucket, base + ".urls"};
  const std::string sha256 = ToHex(Sha256::Of(ByteView::Of(collector)));
  EKSHUME_TRY(aws::PutObject(client, program, std::move(collector), &failure));
  out.upload_id = EKSHUME_TRY(aws::CreateMultipartUpload(client, out.archive, &failure));
  std::string urls;
  for (int part = 1; part <= request.parts; ++part) {
    urls += EKSHUME_TRY(
        aws::PresignObject(client, "PUT", out.archive,
                           {{"partNumber", fmt::format("{}", part)}, {"uploadId", out.upload_id}},
                           request.url_minutes * 60));
    urls += '\n';
  }
  EKSHUME_TRY(aws::PutObject(client, list, std::move(urls), &failure));
  const std::string program_url =
      EKSHUME_TRY(aws::PresignObject(client, "GET", program, {}, kListMinutes * 60));
  const std::string list_url =
      EKSHUME_TRY(aws::PresignObject(client, "GET", list, {}, kListMinutes * 60));
  out.script = MakeScript(program_url, sha256, list_url, request.arguments);
  return out;
}

Result<void> FetchCollection(const PreparedCollection& prepared, const std::string& name,
                             const aws::Client& client, Acquisition& acquisition,
                             Progress& progress, aws::ServiceError& failure) {
  const std::vector<aws::UploadedPart> parts =
      EKSHUME_TRY(aws::ListParts(client, prepared.archive, prepared.upload_id, &failure));
  if (parts.empty()) {
    return Fail(ErrorCode::kNotFound, "no part of the archive came into the bucket");
  }
  EKSHUME_TRY(
      aws::CompleteMultipartUpload(client, prepared.archive, prepared.upload_id, parts, &failure));
  aws::S3Object object{prepared.archive.key, "", 0, ""};
  for (const aws::UploadedPart& part : parts) object.size_bytes += part.size_bytes;
  progress.SetStage("fetching the archive");
  progress.SetTotalBytes(object.size_bytes);
  const std::string origin =
      fmt::format("s3://{}/{}", prepared.archive.bucket, prepared.archive.key);
  const auto file = EKSHUME_TRY(acquisition.Create(name + ".ekc", origin));
  size_t at = 0;
  uint64_t in_part = 0;
  uint64_t received = 0;
  Md5 md5;
  const auto sink = [&](ByteView bytes) -> Result<void> {
    EKSHUME_TRY(file->Write(bytes));
    received += bytes.size();
    progress.AddBytes(bytes.size());
    while (!bytes.empty()) {
      if (at == parts.size())
        return Fail(ErrorCode::kCorrupt, "the archive is longer than its parts");
      const ByteView piece = bytes.First(parts[at].size_bytes - in_part);
      md5.Update(piece);
      in_part += piece.size();
      bytes = bytes.From(piece.size());
      if (in_part < parts[at].size_bytes) break;
      const std::string ours = ToHex(ByteView(md5.Finish()));
      // With keys of KMS the tag is not the MD5.
      if (parts[at].etag.size() == 32 && ours != parts[at].etag) {
        acquisition.Failed(
            fmt::format("part {} of {}.ekc as it was uploaded", parts[at].number, name),
            fmt::format("wrong checksum: MD5 {}, entity tag {}", ours, parts[at].etag));
      }
      ++at;
      in_part = 0;
    }
    return {};
  };
  while (received < object.size_bytes) {
    const uint64_t before = received;
    failure = {};
    const auto got =
        aws::GetObject(client, prepared.archive.bucket, object, received, sink, &failure);
    if (got) break;
    if (got.error().code != ErrorCode::kIo || received == before) return got.error();
  }
  if (received != object.size_bytes) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("{} of {} bytes of the archive came", received, object.size_bytes));
  }
  acquisition.Note("parts", fmt::format("{}", parts.size()));
  acquisition.Note("left in the bucket",
                   fmt::format("{0}, and beside it .collector and .urls (URLs that are spent or "
                               "expired); delete them when you need not keep them",
                               origin));
  return file->Finish();
}

}  // namespace ekshume::live::cloud
