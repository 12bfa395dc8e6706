// SPDX-License-Identifier: Apache-2.0
#include "server/evidence_folders.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/text.h"
#include "base/time.h"
#include "casefile/case.h"
#include "server/limits.h"

namespace ekshume::server {

namespace fs = std::filesystem;
using casefile::Json;

namespace {

// Whether `path` is `folder` or lies in it; both are canonical.
bool IsIn(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

Json ModifiedOf(const fs::path& path) {
  std::error_code error;
  const auto time = fs::last_write_time(path, error);
  if (error) return nullptr;
  const auto since = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::file_clock::to_sys(time).time_since_epoch());
  return FormatTimestamp(Timestamp{since.count(), 0});
}

}  // namespace

Result<EvidenceFolders> EvidenceFolders::Open(const std::vector<std::string>& folders,
                                              const std::string& case_directory) {
  EvidenceFolders opened;
  std::error_code error;
  for (const std::string& folder : folders) {
    const fs::path path = fs::canonical(folder, error);
    if (error || !fs::is_directory(path, error)) {
      return Fail(ErrorCode::kNotFound, folder + " is no folder that evidence can be chosen from");
    }
    opened.folders_.push_back(path.string());
  }
  opened.case_ = fs::canonical(case_directory, error).string();
  return opened;
}

Result<std::string> EvidenceFolders::Below(const std::string& path) const {
  std::error_code error;
  const fs::path asked(path);
  if (asked.is_absolute() && path.find('\0') == std::string::npos) {
    const fs::path found = fs::canonical(asked, error);
    const auto holds = [&](const std::string& folder) { return IsIn(found, folder); };
    if (!error && std::ranges::any_of(folders_, holds)) return found.string();
  }
  return Fail(ErrorCode::kInvalidArgument,
              path + " is not there, or not in a folder that evidence may be chosen from");
}

Result<void> EvidenceFolders::CheckPlace(const std::string& found, const std::string& path) const {
  std::error_code error;
  const fs::file_status status = fs::status(found, error);
  if (!fs::is_regular_file(status) && !fs::is_directory(status)) {
    return Fail(ErrorCode::kInvalidArgument, path + " is neither a file nor a folder");
  }
  // What `investigate` takes for a case it would write to.
  if (casefile::Case::IsCase(found)) {
    return Fail(ErrorCode::kInvalidArgument, path + " is a case: choose what it was made of");
  }
  const bool is_own = IsIn(found, case_) && !IsIn(found, fs::path(case_) / "acquired");
  if (is_own || IsIn(case_, found)) {
    return Fail(ErrorCode::kInvalidArgument, path + " holds this case, or is a part of it");
  }
  return {};
}

Result<std::string> EvidenceFolders::Check(const std::string& path) const {
  std::string found = EKSHUME_TRY(Below(path));
  EKSHUME_TRY(CheckPlace(found, path));
  return found;
}

Result<Json> EvidenceFolders::List(const std::string& path) const {
  const std::string folder = EKSHUME_TRY(Below(path));
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) return Fail(ErrorCode::kIo, path + " cannot be read: " + error.message());
  std::vector<fs::path> paths;
  bool is_cut = false;
  for (const fs::directory_iterator end; !error && entries != end; entries.increment(error)) {
    if (paths.size() == limits::kMostFolderEntries) {
      is_cut = true;
      break;
    }
    paths.push_back(entries->path());
  }
  std::ranges::sort(paths);
  if (paths.size() > limits::kMostFolderRows) {
    paths.resize(limits::kMostFolderRows);
    is_cut = true;
  }
  Json rows = Json::array();
  for (const fs::path& entry : paths) {
    const std::string name = entry.filename().string();
    const Result<std::string> found = Below(entry.string());
    const Result<void> allowed =
        found ? CheckPlace(*found, entry.string()) : Result<void>(found.error());
    // What leads elsewhere is not looked at.
    const fs::file_status status = found ? fs::status(*found, error) : fs::file_status();
    const bool is_file = fs::is_regular_file(status);
    const bool is_folder = fs::is_directory(status);
    rows.push_back({{"name", name},
                    {"path", entry.string()},
                    {"kind", is_file     ? "file"
                             : is_folder ? "folder"
                                         : "other"},
                    {"size", is_file ? Json(fs::file_size(entry, error)) : Json(nullptr)},
                    {"modified", found ? ModifiedOf(entry) : Json(nullptr)},
                    // A name that is no text cannot come back as one.
                    {"may", allowed.has_value() && IsUtf8(name)},
                    {"why_not", allowed ? "" : allowed.error().message}});
  }
  const auto root = std::ranges::find(folders_, folder);
  const std::string parent = fs::path(folder).parent_path().string();
  return Json{{"path", folder},
              {"parent", root == folders_.end() && Below(parent) ? Json(parent) : Json(nullptr)},
              {"entries", rows},
              {"is_cut", is_cut}};
}

}  // namespace ekshume::server
