// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "base/hash.h"
#include "base/limits.h"
#include "casefile/detection/content_search.h"
#include "casefile/detection/file_scan.h"

namespace ekshume::casefile {
namespace {

namespace fs = std::filesystem;

// A dump is searched in windows of this size, each of which begins with the end of the one before,
// so that what stands across is found.
constexpr size_t kWindowBytes = size_t{64} << 20;
constexpr size_t kOverlapBytes = size_t{64} << 10;
static_assert(kWindowBytes <= limits::kMaxScannedFileBytes);

std::optional<Timestamp> ModifiedTime(const fs::path& path) {
  std::error_code error;
  const auto time = fs::last_write_time(path, error);
  if (error) return std::nullopt;
  const auto system = std::chrono::file_clock::to_sys(time);
  return TimestampFromNanoseconds(
      std::chrono::duration_cast<std::chrono::nanoseconds>(system.time_since_epoch()).count());
}

Result<std::vector<std::string>> FilesBelow(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::exists(path, error)) {
      return Fail(ErrorCode::kNotFound, fmt::format("{} is not there", path));
    }
    if (!fs::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    fs::recursive_directory_iterator at(path, error);
    for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
      std::error_code ignored;
      // Links are not followed.
      if (!fs::is_regular_file(at->symlink_status(ignored))) continue;
      if (files.size() >= limits::kMaxFolderNodes) {
        return Fail(ErrorCode::kLimit,
                    fmt::format("{} holds too many files (kMaxFolderNodes)", path));
      }
      files.push_back(at->path().string());
    }
    if (error) return Fail(ErrorCode::kIo, fmt::format("{}: {}", path, error.message()));
  }
  std::ranges::sort(files);
  const auto repeated = std::ranges::unique(files);
  files.erase(repeated.begin(), repeated.end());
  return files;
}

// Searches one file of any size.
Result<ContentFindings> SearchFile(const std::string& path, const ContentSearch& search,
                                   Progress& progress) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return Fail(ErrorCode::kIo, fmt::format("{} cannot be read", path));
  FileOfCase file;
  file.path = path;
  file.subject = path;
  file.changed = ModifiedTime(path);
  ContentSearch::Found found;
  Sha256 hash;
  std::string window;
  uint64_t offset = 0;  // of the window
  for (bool is_first = true;; is_first = false) {
    if (progress.cancelled()) break;
    const size_t kept = is_first ? 0 : std::min(kOverlapBytes, window.size());
    if (kept > 0) {
      offset += window.size() - kept;
      window.erase(0, window.size() - kept);
    }
    window.resize(kWindowBytes);
    stream.read(window.data() + kept, static_cast<std::streamsize>(window.size() - kept));
    const size_t count = static_cast<size_t>(stream.gcount());
    window.resize(kept + count);
    const ByteView content = ByteView::Of(window);
    hash.Update(content.From(kept));
    progress.AddBytes(count);
    const bool is_last = !stream;
    // The whole file: all its hashes.
    if (is_first && is_last) return search.Search(file, content, false);
    if (count > 0) search.AddPiece(file, {content, offset}, found);
    if (is_last) break;
  }
  if (stream.bad()) return Fail(ErrorCode::kIo, fmt::format("{} cannot be read", path));
  const std::string sha256 = progress.cancelled() ? "" : ToHex(hash.Finish());
  if (!sha256.empty()) search.AddHashes({sha256}, found);
  return search.Finish(file, sha256, std::move(found));
}

}  // namespace

Result<std::vector<detect::Finding>> ScanPlainFiles(const std::vector<std::string>& paths,
                                                    const FileRules& rules,
                                                    DiagnosticSink& diagnostics,
                                                    Progress& progress) {
  const std::vector<std::string> files = EKSHUME_TRY(FilesBelow(paths));
  const ContentSearch search(rules);
  progress.SetStage("searching files");
  std::vector<detect::Finding> findings;
  for (const std::string& path : files) {
    if (progress.cancelled()) break;
    Result<ContentFindings> found = SearchFile(path, search, progress);
    if (!found) {
      diagnostics.Report(DiagnosticCode::kFilesystemNodeUnreadable, path, found.error().message);
      continue;
    }
    for (const std::string& sentence : found->limited) {
      diagnostics.Report(DiagnosticCode::kScanLimit, path, sentence);
    }
    for (detect::Finding& finding : found->findings) {
      if (findings.size() < limits::kMaxFindings) {
        findings.push_back(std::move(finding));
        continue;
      }
      diagnostics.Report(DiagnosticCode::kScanLimit, path, "further findings (kMaxFindings)");
    }
  }
  SortFindings(findings);
  return findings;
}

}  // namespace ekshume::casefile
