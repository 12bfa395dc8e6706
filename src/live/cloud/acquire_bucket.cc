// SPDX-License-Identifier: Apache-2.0
#include "live/cloud/acquire_bucket.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/base64.h"
#include "base/hash.h"
#include "base/md5.h"
#include "live/wire/json.h"

namespace ekshume::live::cloud {
namespace {

using aws::S3Object;
using aws::ServiceError;
using wire::Json;

constexpr int kCutsOfOneObject = 20;
constexpr size_t kMaxNameBytes = 200;
// With limits::kMaxAnswerPages of a thousand keys more would be possible, but not useful.
constexpr size_t kMaxObjects = 20'000'000;

// How an object's bytes were compared with what S3 says of them.
enum class Verified { kNo, kMd5, kSha256 };
std::string_view NameOf(Verified verified) {
  switch (verified) {
    case Verified::kMd5: return "md5 of the entity tag";
    case Verified::kSha256: return "sha256 checksum";
    case Verified::kNo: break;
  }
  return "size only";
}

bool IsPlainMd5(std::string_view etag) {
  return etag.size() == 32 && std::ranges::all_of(etag, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

class BucketWork {
 public:
  BucketWork(const BucketRequest& request, const aws::Client& client, DiagnosticSink* diagnostics,
             Acquisition& acquisition, Progress& progress)
      : request_(request),
        client_(client),
        diagnostics_(diagnostics),
        acquisition_(acquisition),
        progress_(progress) {}

  Result<void> Run();

 private:
  void LookThroughCase();
  Result<void> List();
  void FetchOne(const S3Object& object);
  void FindFolders();
  std::string NameFor(const S3Object& object) const;
  Result<void> Download(const S3Object& object, const std::string& name, ServiceError& failure);
  Result<Verified> Compare(const S3Object& object, const http::Answer& answer, uint64_t size,
                           const std::string& md5, const Sha256Digest& sha256) const;
  void Record(const S3Object& object, Json more);

  const BucketRequest& request_;
  const aws::Client& client_;
  DiagnosticSink* const diagnostics_;
  Acquisition& acquisition_;
  Progress& progress_;
  std::vector<S3Object> objects_;
  std::set<std::string> folders_;                       // paths below which other objects lie
  std::map<std::string, std::string> acquired_before_;  // "key etag" -> file
  std::mutex mutex_;                                    // guards what follows
  std::map<std::string, Json> records_;                 // by key
  bool denied_ = false;
};

// What earlier acquisitions of the case have of this bucket.
void BucketWork::LookThroughCase() {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::path(request_.case_directory) / "acquired";
  if (request_.case_directory.empty() || !std::filesystem::is_directory(folder, error)) return;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    std::ifstream file(entry.path() / "objects.jsonl");
    std::string line;
    while (std::getline(file, line)) {
      const Json record = Json::parse(line, nullptr, false);
      if (wire::TextOf(record, "bucket") != request_.bucket) continue;
      const std::string name = wire::TextOf(record, "file");
      const std::filesystem::path path = entry.path() / name;
      if (name.empty() || !std::filesystem::is_regular_file(path, error) ||
          std::filesystem::file_size(path, error) !=
              static_cast<uint64_t>(wire::IntegerOf(record, "size", -1))) {
        continue;
      }
      acquired_before_[wire::TextOf(record, "key") + " " + wire::TextOf(record, "etag")] =
          path.string();
    }
  }
}

Result<void> BucketWork::List() {
  std::set<std::string> seen;
  for (const std::string& prefix : request_.prefixes) {
    ServiceError failure;
    const auto take = [&](std::vector<S3Object> page) -> Result<void> {
      if (progress_.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
      for (S3Object& object : page) {
        // Folders that the console makes are objects without bytes whose names end in a slash.
        if (object.key.ends_with('/') && object.size_bytes == 0) continue;
        if (objects_.size() >= kMaxObjects) {
          return Fail(ErrorCode::kLimit, "more than 20 million objects; give longer prefixes");
        }
        if (seen.insert(object.key).second) objects_.push_back(std::move(object));
      }
      return {};
    };
    const Result<void> listed = aws::ListObjects(client_, request_.bucket, prefix, take, &failure);
    if (!listed) {
      if (listed.error().code == ErrorCode::kCancelled) return listed.error();
      acquisition_.Failed(fmt::format("s3://{}/{}", request_.bucket, prefix),
                          listed.error().message, failure.missing_permission);
      if (!failure.missing_permission.empty()) break;
    }
  }
  return {};
}

void BucketWork::Record(const S3Object& object, Json more) {
  Json record = {{"bucket", request_.bucket},
                 {"key", object.key},
                 {"etag", object.etag},
                 {"size", object.size_bytes},
                 {"last_modified", object.last_modified}};
  record.update(more);
  const std::lock_guard lock(mutex_);
  records_[object.key] = std::move(record);
}

Result<Verified> BucketWork::Compare(const S3Object& object, const http::Answer& answer,
                                     uint64_t size, const std::string& md5,
                                     const Sha256Digest& sha256) const {
  if (size != object.size_bytes) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("{} bytes came, the list says {}", size, object.size_bytes));
  }
  const std::string_view checksum = answer.Header("x-amz-checksum-sha256");
  // Of an upload in parts it is a checksum of checksums, which ends in the number of parts.
  if (!checksum.empty() && !checksum.contains('-')) {
    const std::string ours = EncodeBase64(ByteView(sha256));
    if (ours != checksum) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("wrong checksum: SHA-256 {}, expected {}", ours, checksum));
    }
    return Verified::kSha256;
  }
  // With keys of KMS or of a client the tag is not the MD5.
  const bool own_keys = answer.Header("x-amz-server-side-encryption").starts_with("aws:kms") ||
                        !answer.Header("x-amz-server-side-encryption-customer-algorithm").empty();
  if (!IsPlainMd5(object.etag) || own_keys) return Verified::kNo;
  if (md5 != object.etag) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("wrong checksum: MD5 {}, expected {}", md5, object.etag));
  }
  return Verified::kMd5;
}

Result<void> BucketWork::Download(const S3Object& object, const std::string& name,
                                  ServiceError& failure) {
  const auto file = EKSHUME_TRY(
      acquisition_.Create(name, fmt::format("s3://{}/{}", request_.bucket, object.key)));
  Sha256 sha256;
  Md5 md5;
  uint64_t received = 0;
  const auto sink = [&](ByteView bytes) -> Result<void> {
    if (bytes.size() > object.size_bytes - std::min(received, object.size_bytes)) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("more than the {} bytes of the list", object.size_bytes));
    }
    EKSHUME_TRY(file->Write(bytes));
    sha256.Update(bytes);
    md5.Update(bytes);
    received += bytes.size();
    progress_.AddBytes(bytes.size());
    return {};
  };
  http::Answer answer;
  for (int cuts = 0;; ++cuts) {
    const uint64_t before = received;
    failure = {};
    auto got = aws::GetObject(client_, request_.bucket, object, received, sink, &failure);
    if (got) {
      // A server without ranges would begin anew.
      if (before > 0 && got->status != 206) {
        return Fail(ErrorCode::kIo, "the download was cut, and the server cannot go on with it");
      }
      answer = *std::move(got);
      break;
    }
    const bool cut = got.error().code == ErrorCode::kIo && failure.status == 0 &&
                     received > before && cuts < kCutsOfOneObject;
    if (!cut) return got.error();
    if (diagnostics_ != nullptr) {
      diagnostics_->Report(DiagnosticCode::kAcquireCut,
                           fmt::format("s3://{}/{}", request_.bucket, object.key),
                           fmt::format("after {} of {} bytes: {}", received, object.size_bytes,
                                       got.error().message));
    }
  }
  const Sha256Digest digest = sha256.Finish();
  const Verified verified =
      EKSHUME_TRY(Compare(object, answer, received, ToHex(ByteView(md5.Finish())), digest));
  EKSHUME_TRY(file->Finish());
  Record(object, {{"file", name}, {"sha256", ToHex(digest)}, {"verified", NameOf(verified)}});
  return {};
}

void BucketWork::FindFolders() {
  for (const S3Object& object : objects_) {
    const std::string path = PathOfKey(object.key);
    for (size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      folders_.insert(path.substr(0, slash));
    }
  }
}

// An object whose name is also the folder of others lies apart, under the hash of its key.
std::string BucketWork::NameFor(const S3Object& object) const {
  const std::string path = PathOfKey(object.key);
  if (!folders_.contains(path)) return fmt::format("{}/{}", request_.bucket, path);
  return fmt::format("{}/%keys/{}", request_.bucket, ToHex(Sha256::Of(ByteView::Of(object.key))));
}

void BucketWork::FetchOne(const S3Object& object) {
  const std::string what = fmt::format("s3://{}/{}", request_.bucket, object.key);
  if (const auto before = acquired_before_.find(object.key + " " + object.etag);
      before != acquired_before_.end()) {
    Record(object, {{"acquired_before", before->second}});
    return;
  }
  ServiceError failure;
  const Result<void> done = Download(object, NameFor(object), failure);
  progress_.AddItems(1);
  if (done || done.error().code == ErrorCode::kCancelled) return;
  acquisition_.Failed(what, done.error().message, failure.missing_permission);
  const std::lock_guard lock(mutex_);
  denied_ = denied_ || !failure.missing_permission.empty();
}

Result<void> BucketWork::Run() {
  LookThroughCase();
  progress_.SetStage("listing objects");
  EKSHUME_TRY(List());
  FindFolders();
  uint64_t bytes = 0;
  for (const S3Object& object : objects_) bytes += object.size_bytes;
  progress_.SetTotalBytes(bytes);
  progress_.SetStage("fetching objects");
  std::atomic<size_t> next{0};
  {
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < std::max(request_.threads, 1U); ++i) {
      workers.emplace_back([&] {
        for (size_t at = next.fetch_add(1); at < objects_.size() && !progress_.cancelled();
             at = next.fetch_add(1)) {
          FetchOne(objects_[at]);
        }
      });
    }
  }
  const auto list = EKSHUME_TRY(
      acquisition_.Create("objects.jsonl", fmt::format("s3:ListObjectsV2 {}", request_.bucket)));
  for (const auto& [key, record] : records_) {
    EKSHUME_TRY(list->Write(wire::DumpJson(record) + "\n"));
  }
  EKSHUME_TRY(list->Finish());
  acquisition_.Note("objects", fmt::format("{} listed, {} had", objects_.size(), records_.size()));
  if (progress_.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
  return {};
}

}  // namespace

std::string PathOfKey(std::string_view key) {
  std::string path;
  size_t begin = 0;
  while (begin <= key.size()) {
    const size_t end = std::min(key.find('/', begin), key.size());
    const std::string_view part = key.substr(begin, end - begin);
    if (!path.empty()) path += '/';
    if (part.empty()) {
      path += "%";
    } else if (part == "." || part == "..") {
      path += part == "." ? "%2E" : "%2E%2E";
    } else if (part.size() > kMaxNameBytes) {
      path += fmt::format("%{}", ToHex(Sha256::Of(ByteView::Of(part))));
    } else {
      for (const char c : part) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f || c == '%') {
          path += fmt::format("%{:02X}", byte);
        } else {
          path += c;
        }
      }
    }
    begin = end + 1;
  }
  return path;
}

Result<void> AcquireBucket(const BucketRequest& request, aws::Connection& connection,
                           Acquisition& acquisition, Progress& progress) {
  const aws::Client* client = EKSHUME_TRY(connection.client());
  std::unique_ptr<aws::Client> there;
  ServiceError failure;
  // A bucket of another region says so at the first call.
  const auto none = [](std::vector<S3Object>) -> Result<void> {
    return Fail(ErrorCode::kCancelled, "the first page is enough");
  };
  const Result<void> tried =
      aws::ListObjects(*client, request.bucket,
                       request.prefixes.empty() ? "" : request.prefixes.front(), none, &failure);
  if (!tried && !failure.region.empty() && failure.region != client->region()) {
    there = EKSHUME_TRY(connection.ClientOf(failure.region));
    client = there.get();
  }
  return BucketWork(request, *client, client->settings().diagnostics, acquisition, progress).Run();
}

}  // namespace ekshume::live::cloud
