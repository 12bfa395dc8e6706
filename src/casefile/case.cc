// SPDX-License-Identifier: Apache-2.0
#include "casefile/case.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/clock.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/text.h"
#include "casefile/analyst.h"
#include "casefile/atomic_file.h"
#include "casefile/custody.h"
#include "casefile/json.h"
#include "casefile/version.h"

namespace ekshume::casefile {
namespace {

constexpr int kCaseSchema = 1;

// Sixteen random bytes, as a name for the case.
Result<std::string> NewId() {
  std::array<std::byte, 16> bytes;
  EKSHUME_TRY(FillWithRandom(bytes));
  return ToHex(ByteView(bytes));
}

// The last line of the ledger, "" when there is none.
std::string_view LastLine(std::string_view ledger) {
  while (ledger.ends_with('\n')) ledger.remove_suffix(1);
  const size_t newline = ledger.rfind('\n');
  return newline == std::string_view::npos ? ledger : ledger.substr(newline + 1);
}

std::string ChainHash(std::string_view line) {
  return line.empty() ? std::string(64, '0') : ToHex(Sha256::Of(ByteView::Of(line)));
}

// Whether a folder is free to become a case: empty, or left by a run that was killed before its
// case.json was whole.
bool HoldsNothing(const std::string& directory) {
  std::error_code error;
  std::filesystem::directory_iterator entries(directory, error);
  if (error) return false;
  for (const std::filesystem::directory_iterator end; entries != end; entries.increment(error)) {
    if (!entries->path().filename().string().starts_with("case.json.partial-")) return false;
  }
  return !error;
}

}  // namespace

Case::Case(std::string directory)
    : directory_(std::move(directory)), scratch_(directory_ + "/index") {}

bool Case::IsCase(const std::string& directory) {
  std::error_code error;
  return std::filesystem::is_regular_file(directory + "/case.json", error);
}

Result<std::unique_ptr<Case>> Case::Open(const std::string& directory) {
  const std::string path = directory + "/case.json";
  const std::string text = EKSHUME_TRY(ReadOwnFile(path));
  const Json json = Json::parse(text, nullptr, false);
  const auto text_of = [&](const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  if (!json.is_object() || text_of("id").empty() || !json.contains("schema") ||
      json["schema"] != kCaseSchema) {
    return Fail(ErrorCode::kCorrupt, fmt::format("{} is not a case of this version", path));
  }
  std::unique_ptr<Case> opened(new Case(directory));
  opened->id_ = text_of("id");
  opened->created_ = ParseTimestamp(text_of("created")).value_or(Timestamp{});
  if (const auto evidence = json.find("evidence"); evidence != json.end() && evidence->is_array()) {
    for (const Json& item : *evidence) {
      if (item.is_string()) opened->evidence_paths_.push_back(item.get<std::string>());
    }
  }
  return opened;
}

Result<std::unique_ptr<Case>> Case::OpenOrCreate(const std::string& directory) {
  if (IsCase(directory)) return Open(directory);
  std::error_code error;
  if (std::filesystem::exists(directory, error) && !HoldsNothing(directory)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} exists and is not a case; choose another with --case", directory));
  }
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return Fail(errno == ENOSPC ? ErrorCode::kNoSpace : ErrorCode::kIo,
                fmt::format("cannot create {}: {}", directory, std::strerror(errno)));
  }
  std::unique_ptr<Case> made(new Case(directory));
  made->id_ = EKSHUME_TRY(NewId());
  made->created_ = Now();
  EKSHUME_TRY(made->Save());
  return made;
}

Result<void> Case::Save() const {
  const Json json = {{"schema", kCaseSchema},
                     {"id", id_},
                     {"created", FormatTimestamp(created_)},
                     {"evidence", evidence_paths_}};
  const auto file = EKSHUME_TRY(AtomicFile::Create(directory_ + "/case.json"));
  EKSHUME_TRY(file->Write(Dump(json, 2) + "\n"));
  return file->Commit();
}

Result<void> Case::AddEvidencePaths(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    std::error_code error;
    // What is no file here has a name of its own (a snapshot's id).
    const std::string absolute =
        std::filesystem::exists(path, error)
            ? std::filesystem::absolute(path, error).lexically_normal().string()
            : path;
    if (std::ranges::find(evidence_paths_, absolute) == evidence_paths_.end()) {
      evidence_paths_.push_back(absolute);
    }
  }
  return Save();
}

Result<void> Case::Record(const CustodyEntry& entry) { return RecordCustody(*this, entry, {}); }

Result<void> RecordCustody(const Case& opened, const CustodyEntry& entry, const CustodyNote& note) {
  const std::string path = opened.directory() + "/custody.jsonl";
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return Fail(ErrorCode::kIo, fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  }
  // Held until the descriptor closes, so that two processes cannot build on the same last line.
  flock(descriptor, LOCK_EX);
  const auto append = [&]() -> Result<void> {
    const std::string ledger = EKSHUME_TRY(ReadOwnFile(path));
    Json evidence = Json::array();
    for (const EvidenceFile& file : entry.evidence) {
      evidence.push_back({{"path", file.path}, {"size", file.size_bytes}, {"sha256", file.sha256}});
    }
    const Analyst analyst = CurrentAnalyst();
    Json record = {
        {"sequence", std::ranges::count(ledger, '\n') + 1},
        {"time", FormatTimestamp(Now())},
        {"user", analyst.user},
        {"uid", analyst.uid},
        {"host", analyst.host},
        {"tool", "ekshume"},
        {"version", kVersion},
        {"case", opened.id()},
        {"action", entry.action},
        {"arguments", entry.arguments},
        {"evidence", evidence},
        {"previous", ChainHash(LastLine(ledger))},
    };
    if (!entry.acquisition.empty()) {
      record["acquisition"] = Json::parse(entry.acquisition, nullptr, false);
    }
    if (!note.analyst.empty()) record["analyst"] = note.analyst;
    if (!note.change.is_null()) record["change"] = note.change;
    EKSHUME_TRY(WriteAll(descriptor, ByteView::Of(Dump(record, -1) + "\n"), path));
    if (fsync(descriptor) != 0) {
      return Fail(ErrorCode::kIo, fmt::format("cannot write {}: {}", path, std::strerror(errno)));
    }
    return {};
  };
  Result<void> result = append();
  close(descriptor);
  return result;
}

Result<std::vector<std::string>> Case::CustodyRecords() const {
  const std::string ledger = EKSHUME_TRY(ReadOwnFile(directory_ + "/custody.jsonl"));
  std::vector<std::string> records;
  for (const std::string_view line : SplitNonEmpty(ledger, '\n')) records.emplace_back(line);
  return records;
}

Result<size_t> Case::VerifyCustody() const {
  const std::vector<std::string> records = EKSHUME_TRY(CustodyRecords());
  std::string_view previous;
  for (size_t i = 0; i < records.size(); ++i) {
    const Json record = Json::parse(records[i], nullptr, false);
    const bool chained = record.is_object() && record.contains("previous") &&
                         record["previous"] == ChainHash(previous) && record.contains("sequence") &&
                         record["sequence"] == i + 1;
    if (!chained) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("custody record {} does not continue record {}", i + 1, i));
    }
    previous = records[i];
  }
  return records.size();
}

Result<std::string> Case::Report() const { return ReadOwnFile(directory_ + "/report.json"); }

Result<void> Case::WriteReport(std::string_view json) {
  const auto file = EKSHUME_TRY(AtomicFile::Create(directory_ + "/report.json"));
  EKSHUME_TRY(file->Write(json));
  return file->Commit();
}

}  // namespace ekshume::casefile
