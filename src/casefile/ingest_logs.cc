// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>

#include "casefile/digest_check.h"
#include "casefile/file_input.h"
#include "casefile/ingest.h"
#include "casefile/ingest_feed.h"

namespace ekshume::casefile {
namespace {

// Files that go in with one transaction: enough for the cost of one not to matter.
constexpr size_t kMaxFilesTogether = 5000;
constexpr uint64_t kMaxBytesTogether = uint64_t{1} << 30;

// A file of at least this size that cannot be a known one, as none has its size, is hashed while it
// is read.
constexpr uint64_t kHashedBesides = uint64_t{8} << 20;

// What an export task leaves beside the logs (CloudWatch) and what folders of evidence hold
// besides.
bool IsNoLog(const std::string& name) {
  return name.ends_with("/aws-logs-write-test") || name.ends_with("/.DS_Store");
}

// What the files of an ingest have in common.
struct Common {
  Progress& progress;
  IngestSummary& summary;
  // Whole files that are in, or on their way.
  std::set<std::string> keys;
  std::set<uint64_t> sizes;
  DigestCheck digests;
  std::vector<LogFile> known_trail;  // CloudTrail's, that the case had already
};

Result<void> FeedFiles(const std::vector<LogFile>& files, Common& common, IngestFeed& feed) {
  Progress& progress = common.progress;
  for (const LogFile& file : files) {
    if (feed.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
    if (IsNoLog(file.name)) continue;
    const Result<std::unique_ptr<FileSource>> input = FileSource::Open(file.path, &progress);
    if (!input) {
      feed.diagnostics().Report(DiagnosticCode::kLogUnreadable, file.name, input.error().message);
      continue;
    }
    event::Item item;
    item.name = file.name;
    item.size = (*input)->size_bytes();
    const bool new_size = common.sizes.insert(item.size).second;
    std::shared_ptr<ContentHash> hash;
    if (new_size && item.size >= kHashedBesides) {
      hash = std::make_shared<ContentHash>(file.path, &progress);
    } else {
      const Result<std::string> sha256 = HashFileContent(file.path, &progress);
      if (!sha256 && sha256.error().code == ErrorCode::kCancelled) return sha256.error();
      if (!sha256) {
        feed.diagnostics().Report(DiagnosticCode::kLogUnreadable, file.name,
                                  sha256.error().message);
        continue;
      }
      item.sha256 = *sha256;
      item.key = ContentKey(*sha256);
      if (!common.keys.insert(item.key).second) {
        common.summary.known.push_back(file.name);
        if (DigestCheck::IsTrailFile(file.name)) common.known_trail.push_back(file);
        continue;
      }
    }
    const uint32_t number = feed.Begin(std::move(item), hash);
    log::Stream stream;
    stream.path = file.path;
    stream.written = (*input)->modified();
    log::Leaf leaf;
    leaf.evidence = leaf.path = file.name;
    Result<void> added = {};
    std::optional<HashedSource> hashed;
    if (hash) hashed.emplace(**input, *hash);
    log::Input& content = hashed ? static_cast<log::Input&>(*hashed) : **input;
    const Result<void> unpacked = log::Unpack(
        content, (*input)->size_bytes(), leaf, feed.diagnostics(), [&](const log::Leaf& found) {
          if (!added) return;
          log::Stream own = stream;
          if (found.evidence != file.name) own.path = found.path;
          added = common.digests.Read(found, [&](const log::Leaf& leaf_read) {
            return feed.AddLeaf(number, leaf_read, std::move(own));
          });
        });
    EKSHUME_TRY(std::move(added));
    if (!unpacked) {
      feed.diagnostics().Report(DiagnosticCode::kLogUnreadable, file.name,
                                unpacked.error().message);
    }
    if (hash) {
      static_cast<void>(hashed->ReadRest());  // an error comes again from Get()
      if (const Result<std::string> sha256 = hash->Get()) {
        common.keys.insert(ContentKey(*sha256));
      }
    }
  }
  return {};
}

// Holds CloudTrail's log files against its digests. Those that the case had already are read once
// more when a new one of either kind came in.
Result<void> CheckDigests(Common& common, event::Store& store, DiagnosticSink& diagnostics) {
  if (!common.digests.has_digests() && !common.digests.has_files()) return {};
  common.digests.Expect();
  std::set<std::string> read;
  for (const LogFile& file : common.known_trail) {
    if (common.progress.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
    read.insert(file.name);
    const auto input = FileSource::Open(file.path, &common.progress);
    if (!input) continue;  // said already
    log::Leaf leaf;
    leaf.evidence = leaf.path = file.name;
    DiagnosticSink ignored;  // as they were read before
    static_cast<void>(
        log::Unpack(**input, (*input)->size_bytes(), leaf, ignored, [&](const log::Leaf& found) {
          static_cast<void>(
              common.digests.Read(found, [](const log::Leaf&) { return Result<void>(); }));
        }));
  }
  for (const event::Item& item : common.summary.items) read.insert(item.name);
  if (common.digests.has_digests()) {
    for (const event::Item& item : EKSHUME_TRY(store.Items())) {
      if (!read.contains(item.name)) common.digests.AddUnread(item.name);
    }
  }
  common.digests.Verify(diagnostics);
  return {};
}

}  // namespace

Result<IngestSummary> IngestLogs(const std::vector<LogFile>& files, event::Store& store,
                                 DiagnosticSink& diagnostics, Progress& progress) {
  IngestSummary summary;
  Common common{progress, summary, {}, {}, DigestCheck(), {}};
  for (const event::Item& item : EKSHUME_TRY(store.Items())) {
    common.keys.insert(item.key);
    common.sizes.insert(item.size);
  }
  if (std::ranges::any_of(files, DigestCheck::IsDigestFile, &LogFile::name)) {
    common.digests.Expect();
  }
  progress.SetStage("reading logs");
  for (size_t next = 0; next < files.size();) {
    std::vector<LogFile> together;
    uint64_t bytes = 0;
    while (next < files.size() && together.size() < kMaxFilesTogether &&
           bytes < kMaxBytesTogether) {
      std::error_code error;
      const uint64_t size = std::filesystem::file_size(files[next].path, error);
      if (!error) bytes += size;
      together.push_back(files[next++]);
    }
    IngestFeed feed([&](IngestFeed& self) { return FeedFiles(together, common, self); },
                    diagnostics, progress);
    feed.Start();
    Result<void> stored = store.Ingest(feed, [&]() -> Result<std::vector<event::Item>> {
      EKSHUME_TRY(feed.Join());
      std::vector<event::Item> items = feed.Items();
      summary.items.insert(summary.items.end(), items.begin(), items.end());
      return items;
    });
    static_cast<void>(feed.Join());
    EKSHUME_TRY(std::move(stored));
  }
  EKSHUME_TRY(CheckDigests(common, store, diagnostics));
  return summary;
}

}  // namespace ekshume::casefile
