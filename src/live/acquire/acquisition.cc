// SPDX-License-Identifier: Apache-2.0
#include "live/acquire/acquisition.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "base/clock.h"
#include "base/text.h"
#include "casefile/analyst.h"
#include "casefile/json.h"
#include "casefile/member_path.h"
#include "casefile/version.h"
#include "live/acquire/names.h"

namespace ekshume::live {
namespace {

using casefile::Json;

constexpr int kVersion = 1;
constexpr std::string_view kRecordName = "acquisition.json";
// Clocks that differ by less do not change the order of what people do.
constexpr double kNotableClockOffset = 2.0;

Result<void> MakeFolder(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(directory).parent_path(), error);
  if (mkdir(directory.c_str(), 0700) == 0) return {};
  const int reason = errno;
  if (reason == EEXIST && std::filesystem::is_directory(directory, error) &&
      std::filesystem::is_empty(directory, error) && !error) {
    return {};
  }
  if (reason == EEXIST) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} exists already; choose another folder", directory));
  }
  return Fail(reason == ENOSPC ? ErrorCode::kNoSpace : ErrorCode::kIo,
              fmt::format("cannot create {}: {}", directory, std::strerror(reason)));
}

}  // namespace

void ReportClockOffset(std::string_view service, double seconds, DiagnosticSink& diagnostics) {
  if (std::abs(seconds) < kNotableClockOffset) return;
  diagnostics.Report(DiagnosticCode::kClockDiffers, std::string(service),
                     fmt::format("its clock is {:.1f} seconds {} ours", std::abs(seconds),
                                 seconds > 0 ? "ahead of" : "behind"));
}

Result<void> AcquiredFile::Write(ByteView bytes) {
  EKSHUME_TRY(file_->Write(bytes));
  hash_.Update(bytes);
  size_bytes_ += bytes.size();
  return {};
}

Result<void> AcquiredFile::Finish() {
  EKSHUME_TRY(file_->Commit());
  const std::lock_guard lock(acquisition_->mutex_);
  acquisition_->members_.push_back(
      {name_, origin_, started_, FormatTimestamp(Now()), size_bytes_, ToHex(hash_.Finish())});
  return {};
}

Acquisition::Acquisition(const AcquisitionOptions& options, DiagnosticSink& diagnostics)
    : options_(options), diagnostics_(diagnostics), started_(Now()) {}

Acquisition::~Acquisition() = default;

Result<std::unique_ptr<Acquisition>> Acquisition::Begin(const AcquisitionOptions& options,
                                                        DiagnosticSink& diagnostics) {
  if (options.case_directory.empty() && options.output_directory.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "nowhere to put what is acquired: give --case or --output-folder");
  }
  std::unique_ptr<Acquisition> made(new Acquisition(options, diagnostics));
  if (!options.case_directory.empty()) {
    made->case_ = EKSHUME_TRY(casefile::Case::OpenOrCreate(options.case_directory));
    made->case_id_ = made->case_->id();
  }
  if (!options.output_directory.empty()) {
    made->directory_ = options.output_directory;
    EKSHUME_TRY(MakeFolder(made->directory_));
  } else {
    const std::string base =
        fmt::format("{}/acquired/{}-{}-{}", options.case_directory, NameOf(made->started_),
                    NameOf(options.kind), NameOf(options.target));
    // Two of the same second get numbers.
    made->directory_ = base;
    Result<void> folder = MakeFolder(base);
    for (int number = 2; !folder && number < 1000; ++number) {
      if (folder.error().code != ErrorCode::kInvalidArgument) return folder.error();
      made->directory_ = fmt::format("{}-{}", base, number);
      folder = MakeFolder(made->directory_);
    }
    EKSHUME_TRY(std::move(folder));
  }
  EKSHUME_TRY(made->Save(false));
  return made;
}

void Acquisition::SetIdentity(std::string_view identity, std::string_view credentials) {
  const std::lock_guard lock(mutex_);
  identity_ = identity;
  credentials_ = credentials;
}

void Acquisition::SetOrigin(std::string_view origin) {
  const std::lock_guard lock(mutex_);
  origin_ = origin;
}

void Acquisition::SetMethod(std::string_view method, std::string_view why) {
  const std::lock_guard lock(mutex_);
  method_ = method;
  method_reason_ = why;
}

void Acquisition::SetClockOffset(std::string_view service, double seconds) {
  {
    const std::lock_guard lock(mutex_);
    const auto known =
        std::ranges::find(clock_offsets_, service, &std::pair<std::string, double>::first);
    if (known != clock_offsets_.end()) {
      known->second = seconds;
      return;
    }
    clock_offsets_.emplace_back(service, seconds);
  }
  ReportClockOffset(service, seconds, diagnostics_);
}

void Acquisition::Note(std::string_view key, std::string_view value) {
  const std::lock_guard lock(mutex_);
  notes_.push_back({std::string(key), std::string(value)});
}

Result<std::string> Acquisition::PathOf(std::string_view name) const {
  size_t begin = 0;
  while (begin <= name.size()) {
    const size_t end = std::min(name.find('/', begin), name.size());
    if (!casefile::IsPathComponent(name.substr(begin, end - begin))) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is no name for an acquired file", EscapeForTerminal(name)));
    }
    begin = end + 1;
  }
  if (name == kRecordName) {
    return Fail(ErrorCode::kInvalidArgument, "acquisition.json is the record's own name");
  }
  return fmt::format("{}/{}", directory_, name);
}

Result<std::unique_ptr<AcquiredFile>> Acquisition::Create(std::string_view name,
                                                          std::string_view origin) {
  const std::string path = EKSHUME_TRY(PathOf(name));
  std::error_code error;
  if (std::filesystem::exists(path, error)) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{} was acquired already", path));
  }
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  std::unique_ptr<AcquiredFile> file(new AcquiredFile);
  file->acquisition_ = this;
  file->file_ = EKSHUME_TRY(casefile::AtomicFile::Create(path));
  file->name_ = name;
  file->origin_ = origin;
  file->started_ = FormatTimestamp(Now());
  return file;
}

Result<void> Acquisition::Add(std::string_view name, std::string_view origin,
                              std::string_view bytes) {
  const std::unique_ptr<AcquiredFile> file = EKSHUME_TRY(Create(name, origin));
  EKSHUME_TRY(file->Write(bytes));
  return file->Finish();
}

Result<void> Acquisition::AddWritten(std::string_view name, std::string_view origin) {
  const std::string path = EKSHUME_TRY(PathOf(name));
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return Fail(ErrorCode::kIo, fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  }
  const std::string started = FormatTimestamp(Now());
  Sha256 hash;
  uint64_t size = 0;
  std::vector<std::byte> buffer(size_t{1} << 20);
  ssize_t got = 0;
  while ((got = read(descriptor, buffer.data(), buffer.size())) > 0) {
    hash.Update(ByteView(buffer.data(), static_cast<size_t>(got)));
    size += static_cast<uint64_t>(got);
  }
  const int reason = errno;
  close(descriptor);
  if (got < 0) {
    return Fail(ErrorCode::kIo, fmt::format("cannot read {}: {}", path, std::strerror(reason)));
  }
  const std::lock_guard lock(mutex_);
  members_.push_back({std::string(name), std::string(origin), started, FormatTimestamp(Now()), size,
                      ToHex(hash.Finish())});
  return {};
}

void Acquisition::Failed(std::string_view what, std::string_view why, std::string_view denied) {
  {
    const std::lock_guard lock(mutex_);
    failures_.push_back({std::string(what), std::string(why), std::string(denied)});
  }
  if (denied.empty()) {
    diagnostics_.Report(DiagnosticCode::kAcquireFailed, std::string(what), std::string(why));
  } else {
    diagnostics_.Report(DiagnosticCode::kAcquireDenied, std::string(what),
                        fmt::format("missing permission {}: {}", denied, why));
  }
}

std::string Acquisition::Record() const {
  const std::lock_guard lock(mutex_);
  const casefile::Analyst analyst = casefile::CurrentAnalyst();
  Json clocks = Json::object();
  for (const auto& [service, seconds] : clock_offsets_) clocks[service] = seconds;
  Json notes = Json::object();
  for (const Named& note : notes_) notes[note.name] = note.value;
  std::vector<const Member*> sorted;
  for (const Member& member : members_) sorted.push_back(&member);
  std::ranges::sort(sorted, {}, &Member::name);
  Json members = Json::array();
  for (const Member* member : sorted) {
    members.push_back({{"name", member->name},
                       {"origin", member->origin},
                       {"started", member->started},
                       {"finished", member->finished},
                       {"size", member->size_bytes},
                       {"sha256", member->sha256}});
  }
  Json failures = Json::array();
  for (const Failure& failure : failures_) {
    failures.push_back({{"what", failure.what},
                        {"why", failure.why},
                        {"missing_permission", casefile::TextOrNull(failure.denied)}});
  }
  const Json record = {{"format", "ekshume-acquisition"},
                       {"version", kVersion},
                       {"complete", complete_},
                       {"kind", options_.kind},
                       {"target", options_.target},
                       {"case", casefile::TextOrNull(case_id_)},
                       {"user", analyst.user},
                       {"uid", analyst.uid},
                       {"host", analyst.host},
                       {"tool", "ekshume"},
                       {"tool_version", casefile::kVersion},
                       {"arguments", options_.arguments},
                       {"identity", casefile::TextOrNull(identity_)},
                       {"credentials", casefile::TextOrNull(credentials_)},
                       {"origin", casefile::TextOrNull(origin_)},
                       {"method", casefile::TextOrNull(method_)},
                       {"method_reason", casefile::TextOrNull(method_reason_)},
                       {"started", FormatTimestamp(started_)},
                       {"finished", complete_ ? Json(FormatTimestamp(Now())) : Json()},
                       {"clock_offsets", clocks},
                       {"notes", notes},
                       {"files", members},
                       {"failures", failures}};
  return casefile::Dump(record, 2);
}

Result<void> Acquisition::Save(bool complete) {
  {
    const std::lock_guard lock(mutex_);
    complete_ = complete;
  }
  const std::string record = Record();
  const auto file =
      EKSHUME_TRY(casefile::AtomicFile::Create(fmt::format("{}/{}", directory_, kRecordName)));
  EKSHUME_TRY(file->Write(record + "\n"));
  EKSHUME_TRY(file->Commit());
  if (!complete || case_ == nullptr) return {};
  casefile::CustodyEntry entry;
  entry.action = "acquire";
  entry.arguments = options_.arguments;
  entry.acquisition = record;
  {
    const std::lock_guard lock(mutex_);
    for (const Member& member : members_) {
      entry.evidence.push_back(
          {fmt::format("{}/{}", directory_, member.name), member.size_bytes, member.sha256});
    }
  }
  return case_->Record(entry);
}

Result<void> Acquisition::Finish() { return Save(true); }

}  // namespace ekshume::live
