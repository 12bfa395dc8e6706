// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>
#include <set>

#include "casefile/file_input.h"
#include "casefile/ingest.h"
#include "casefile/ingest_feed.h"

namespace ekshume::casefile {
namespace {

// Files that go in with one transaction: enough for the cost of one not to matter.
constexpr size_t kMaxFilesTogether = 5000;
constexpr uint64_t kMaxBytesTogether = uint64_t{1} << 30;

// What an export task leaves beside the logs (CloudWatch) and what folders of evidence hold
// besides.
bool IsNoLog(const std::string& name) {
  return name.ends_with("/aws-logs-write-test") || name.ends_with("/.DS_Store");
}

Result<void> FeedFiles(const std::vector<LogFile>& files, const event::Store& store,
                       std::set<std::string>& seen, IngestSummary& summary, IngestFeed& feed,
                       Progress& progress) {
  for (const LogFile& file : files) {
    if (feed.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
    if (IsNoLog(file.name)) continue;
    const Result<std::string> sha256 = HashFileContent(file.path, &progress);
    if (!sha256 && sha256.error().code == ErrorCode::kCancelled) return sha256.error();
    const Result<std::unique_ptr<FileSource>> input =
        sha256 ? FileSource::Open(file.path, &progress)
               : Result<std::unique_ptr<FileSource>>(sha256.error());
    if (!input) {
      feed.diagnostics().Report(DiagnosticCode::kLogUnreadable, file.name, input.error().message);
      continue;
    }
    event::Item item;
    item.key = "sha256:" + *sha256;
    if (store.FindItem(item.key) || !seen.insert(item.key).second) {
      summary.known.push_back(file.name);
      continue;
    }
    item.name = file.name;
    item.size = (*input)->size_bytes();
    item.sha256 = *sha256;
    const uint32_t number = feed.Begin(std::move(item));
    log::Stream stream;
    stream.path = file.path;
    stream.written = (*input)->modified();
    log::Leaf leaf;
    leaf.evidence = leaf.path = file.name;
    Result<void> added = {};
    const Result<void> unpacked = log::Unpack(**input, (*input)->size_bytes(), leaf,
                                              feed.diagnostics(), [&](const log::Leaf& found) {
                                                if (!added) return;
                                                log::Stream own = stream;
                                                if (found.evidence != file.name)
                                                  own.path = found.path;
                                                added = feed.AddLeaf(number, found, std::move(own));
                                              });
    EKSHUME_TRY(std::move(added));
    if (!unpacked) {
      feed.diagnostics().Report(DiagnosticCode::kLogUnreadable, file.name,
                                unpacked.error().message);
    }
  }
  return {};
}

}  // namespace

Result<IngestSummary> IngestLogs(const std::vector<LogFile>& files, event::Store& store,
                                 DiagnosticSink& diagnostics, Progress& progress) {
  IngestSummary summary;
  std::set<std::string> seen;
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
    IngestFeed feed(
        [&](IngestFeed& self) { return FeedFiles(together, store, seen, summary, self, progress); },
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
  return summary;
}

}  // namespace ekshume::casefile
