// SPDX-License-Identifier: Apache-2.0
#include "live/respond/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/byte_view.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/time.h"
#include "casefile/analyst.h"
#include "casefile/atomic_file.h"

namespace ekshume::live::respond {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"open",   "begun",      "done",
                                                    "failed", "undo begun", "undone"};

std::string ChainHash(std::string_view line) {
  Sha256 hash;
  hash.Update(ByteView::Of(line));
  return ToHex(hash.Finish());
}

struct Lines {
  std::vector<Json> records;
  std::string last;
  size_t whole_bytes = 0;  // up to the end of the last whole line
};

Result<Lines> ReadLines(const std::string& path) {
  const std::string text = EKSHUME_TRY(casefile::ReadOwnFile(path));
  Lines lines;
  size_t number = 0;
  for (size_t end = text.find('\n'); end != std::string::npos;
       end = text.find('\n', lines.whole_bytes)) {
    const std::string line = text.substr(lines.whole_bytes, end - lines.whole_bytes);
    ++number;
    Json record = Json::parse(line, nullptr, false);
    if (!record.is_object() || wire::TextOf(record, "previous") != ChainHash(lines.last)) {
      return Fail(ErrorCode::kCorrupt, fmt::format("line {} of {} was changed", number, path));
    }
    lines.records.push_back(std::move(record));
    lines.last = line;
    lines.whole_bytes = end + 1;
  }
  return lines;
}

}  // namespace

std::string_view NameOf(StepState::At at) { return kNames[static_cast<size_t>(at)]; }

Result<std::unique_ptr<Journal>> Journal::Open(const std::string& case_directory,
                                               const std::string& plan_id) {
  const std::string folder = case_directory + "/respond";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const std::string path = fmt::format("{}/{}.jsonl", folder, plan_id);
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return Fail(ErrorCode::kIo, fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  }
  std::unique_ptr<Journal> journal(new Journal(path, descriptor));
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    return Fail(ErrorCode::kUnsupported, fmt::format("{} is in use by another process", path));
  }
  Lines lines = EKSHUME_TRY(ReadLines(path));
  if (ftruncate(descriptor, static_cast<off_t>(lines.whole_bytes)) != 0) {
    return Fail(ErrorCode::kIo, fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  }
  journal->records_ = std::move(lines.records);
  journal->last_line_ = std::move(lines.last);
  return journal;
}

Result<std::vector<Json>> Journal::Read(const std::string& path) {
  Lines lines = EKSHUME_TRY(ReadLines(path));
  return std::move(lines.records);
}

Journal::~Journal() { close(descriptor_); }

Result<void> Journal::Append(Json record) {
  const casefile::Analyst analyst = casefile::CurrentAnalyst();
  record["sequence"] = records_.size() + 1;
  record["time"] = FormatTimestamp(Now());
  record["user"] = analyst.user;
  record["host"] = analyst.host;
  record["previous"] = ChainHash(last_line_);
  const std::string line = wire::DumpJson(record);
  EKSHUME_TRY(casefile::WriteAll(descriptor_, ByteView::Of(line + "\n"), path_));
  if (fsync(descriptor_) != 0) {
    return Fail(ErrorCode::kIo, fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
  }
  last_line_ = line;
  records_.push_back(std::move(record));
  return {};
}

std::map<std::string, StepState> StatesOf(const std::vector<Json>& records) {
  using At = StepState::At;
  std::map<std::string, StepState> states;
  for (const Json& record : records) {
    const std::string step = wire::TextOf(record, "step");
    const std::string event = wire::TextOf(record, "event");
    if (step.empty()) continue;
    StepState& state = states[step];
    state.since = wire::TextOf(record, "time");
    state.by = wire::TextOf(record, "operator");
    if (event == "begun") {
      state.at = At::kBegun;
      state.begun = record;
      state.done = Json();
      state.undo_may_stand = false;
    } else if (event == "done") {
      state.at = At::kDone;
      state.done = record;
    } else if (event == "failed") {
      state.at = At::kFailed;
      state.error = wire::TextOf(record, "error");
    } else if (event == "undo_begun") {
      state.at = At::kUndoBegun;
      state.undo_may_stand = true;
    } else if (event == "undo_failed") {
      state.at = At::kDone;
      state.error = wire::TextOf(record, "error");
    } else if (event == "undone") {
      state.at = At::kUndone;
      state.error.clear();
      state.undo_may_stand = false;
    }
  }
  return states;
}

}  // namespace ekshume::live::respond
