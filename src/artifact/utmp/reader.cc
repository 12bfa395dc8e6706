// SPDX-License-Identifier: Apache-2.0
#include "artifact/utmp/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "artifact/reading.h"
#include "artifact/users.h"
#include "artifact/utmp/format.h"
#include "artifact/utmp/record.h"

namespace ekshume::artifact::utmp {
namespace {

using event::Number;
using event::Text;

constexpr size_t kChunkRecords = 2048;
// Lines (terminals) with a login that has not ended; beyond that, logouts have no user.
constexpr size_t kMaxOpenLines = 65536;

std::string From(const Record& record) {
  const std::string& where = record.host.empty() ? record.address : record.host;
  return where.empty() ? "" : " from " + where;
}

// The address of a login: the binary one, or the host when it is written as one.
std::string SourceAddress(const Record& record) {
  if (!record.address.empty()) return record.address;
  const bool is_address =
      !record.host.empty() &&
      record.host.find_first_not_of("0123456789abcdefABCDEF.:") == std::string::npos &&
      record.host.find_first_of(".:") != std::string::npos;
  return is_address ? record.host : "";
}

// Turns the records of one file into events.
class Writer {
 public:
  Writer(Reading& reading, const FoundFile& file)
      : reading_(reading), file_(file), failed_logins_(NameOf(file.path).starts_with("btmp")) {}

  bool Write(const Record& record, uint64_t offset) {
    event::Event& event = reading_.Begin();
    event.time = record.time;
    event.raw = Dump(record);
    event[Text::kPath] = file_.path;
    event[Text::kUserName] = record.user;
    event[Text::kObjectName] = record.line;
    event[Number::kPid] = record.pid;
    if (!Describe(record, event)) return true;
    return reading_.Add(file_.path, offset);
  }

 private:
  // False when the record says nothing that happened.
  bool Describe(const Record& record, event::Event& event) {
    const auto set = [&](std::string_view action, std::string_view kind, std::string message) {
      event[Text::kAction] = action;
      event[Text::kTimeKind] = kind;
      event[Text::kMessage] = std::move(message);
      return true;
    };
    if (failed_logins_) {
      event[Text::kSourceIp] = SourceAddress(record);
      event[Text::kOutcome] = "failure";
      return set("login", "Event Time",
                 fmt::format("Failed login of {}{} on {}", record.user, From(record), record.line));
    }
    switch (record.type) {
      case kUserProcess:
        if (open_.size() < kMaxOpenLines) open_[record.line] = record;
        event[Text::kSourceIp] = SourceAddress(record);
        event[Text::kOutcome] = "success";
        return set("login", "Start Time",
                   fmt::format("{} logged in{} on {}", record.user, From(record), record.line));
      case kDeadProcess: return DescribeLogout(record, event);
      case kBootTime:
        open_.clear();
        return set("boot", "Start Time", fmt::format("System boot ({})", record.host));
      case kRunLevel: {
        if (record.user == "shutdown") {
          open_.clear();
          return set("shutdown", "End Time", fmt::format("System shutdown ({})", record.host));
        }
        const auto level =
            static_cast<char>(record.pid & 0x7f);  // a character, as init(8) names it
        return set("runlevel", "Event Time",
                   fmt::format("Run level {}", level > ' ' && level < 0x7f ? level : '?'));
      }
      case kOldTime:
      case kNewTime:
        return set("clock", "Event Time",
                   fmt::format("Clock changed: {} time", record.type == kOldTime ? "old" : "new"));
      default: return false;  // getty waits on a line
    }
  }

  bool DescribeLogout(const Record& record, event::Event& event) {
    std::string user = record.user;
    const auto login = open_.find(record.line);
    const bool had_login = login != open_.end();
    if (had_login) {
      if (user.empty()) user = login->second.user;
      const int64_t seconds = record.time.seconds - login->second.time.seconds;
      event[Text::kSourceIp] = SourceAddress(login->second);
      if (seconds >= 0 && seconds < INT64_MAX / 1000000000) {
        event[Number::kDurationNs] = seconds * 1000000000;
      }
      open_.erase(login);
    }
    event[Text::kUserName] = user;
    event[Text::kAction] = "logout";
    event[Text::kTimeKind] = "End Time";
    event[Text::kMessage] =
        fmt::format("{} logged out on {}", user.empty() ? "somebody" : user, record.line);
    // A line that ends before anybody logged in is getty's.
    return !user.empty() || had_login;
  }

  Reading& reading_;
  const FoundFile& file_;
  const bool failed_logins_;
  std::map<std::string, Record> open_;  // by line: logins that have not ended
};

// The file's bytes [offset, offset + size), less at its end.
Result<std::string> ReadBytes(const fs::File& file, uint64_t offset, size_t size) {
  const uint64_t left = file.size_bytes() - std::min(offset, file.size_bytes());
  std::string bytes(static_cast<size_t>(std::min<uint64_t>(size, left)), '\0');
  size_t filled = 0;
  while (filled < bytes.size()) {
    const size_t read =
        EKSHUME_TRY(file.ReadAt(offset + filled, AsWritableBytes(bytes).subspan(filled)));
    if (read == 0) break;
    filled += read;
  }
  bytes.resize(filled);
  return bytes;
}

// A whole file of login records, in pieces: btmp grows to hundreds of megabytes.
void ReadLogins(Reading& reading, const FoundFile& file) {
  const auto opened = reading.filesystem().OpenFile(file.node);
  if (!opened) {
    reading.Report(DiagnosticCode::kArtifactUnreadable, file.path, opened.error().message);
    return;
  }
  Writer writer(reading, file);
  std::optional<Width> width;
  uint64_t damaged = 0;
  uint64_t first_damaged = 0;
  uint64_t at = 0;
  for (;;) {
    const size_t wanted = kChunkRecords * UtmpBytes(width.value_or(Width::k64));
    const auto bytes = ReadBytes(**opened, at, wanted);
    if (!bytes) {
      reading.Report(DiagnosticCode::kArtifactUnreadable, file.path, bytes.error().message, at);
      break;
    }
    const ByteView view = ByteView::Of(*bytes);
    if (!width) width = GuessUtmpWidth(view);
    const size_t record_bytes = UtmpBytes(*width);
    size_t used = 0;
    for (; view.Contains(used, record_bytes); used += record_bytes) {
      const auto record = ParseUtmp(view.From(used), *width);
      if (!record) break;
      if (!record->plausible) {
        if (damaged++ == 0) first_damaged = at + used;
        continue;
      }
      if (record->type == kEmpty && record->time.seconds == 0) continue;
      if (!writer.Write(*record, at + used)) return;
    }
    at += used;
    if (bytes->size() < wanted) {
      if (used < bytes->size()) {
        reading.Report(DiagnosticCode::kArtifactDamaged, file.path,
                       fmt::format("{} bytes after the last whole record", bytes->size() - used),
                       at);
      }
      break;
    }
  }
  if (damaged != 0) {
    reading.Report(DiagnosticCode::kArtifactDamaged, file.path,
                   fmt::format("{} records that no program writes were left out", damaged),
                   first_damaged);
  }
}

// The stretches of a file that hold bytes; lastlog is one hole up to the highest user id.
std::vector<std::pair<uint64_t, uint64_t>> DataRanges(const fs::File& file) {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  const uint64_t size = file.size_bytes();
  for (const fs::Run& run : file.runs()) {
    const bool has_bytes = run.kind == fs::Run::Kind::kData || run.kind == fs::Run::Kind::kInline;
    if (!has_bytes || run.file_offset_bytes >= size) continue;
    const uint64_t end =
        run.file_offset_bytes + std::min(run.length_bytes, size - run.file_offset_bytes);
    if (!ranges.empty() && ranges.back().second == run.file_offset_bytes) {
      ranges.back().second = end;
    } else {
      ranges.emplace_back(run.file_offset_bytes, end);
    }
  }
  if (file.runs().empty() && size != 0) ranges.emplace_back(0, size);
  return ranges;
}

class LastlogReader {
 public:
  LastlogReader(Reading& reading, const Users& users, const FoundFile& file)
      : reading_(reading), users_(users), file_(file) {}

  void Read() {
    const auto opened = reading_.filesystem().OpenFile(file_.node);
    if (!opened) {
      reading_.Report(DiagnosticCode::kArtifactUnreadable, file_.path, opened.error().message);
      return;
    }
    size_t left = reading_.limits().file_bytes;
    uint64_t next = 0;  // where the first entry begins that was not read
    for (auto [start, end] : DataRanges(**opened)) {
      if (!width_) GuessWidth(**opened, start);
      const uint64_t entry_bytes = LastlogBytes(*width_);
      start = std::max(next, start / entry_bytes * entry_bytes);
      while (start < end) {
        if (left < entry_bytes) {
          reading_.Report(DiagnosticCode::kArtifactLimit, file_.path, "kMaxArtifactBytes", start);
          return;
        }
        const uint64_t chunk = std::min(
            {uint64_t{left}, uint64_t{kChunkRecords} * entry_bytes, end - start + entry_bytes});
        const auto bytes = ReadBytes(**opened, start, static_cast<size_t>(chunk));
        if (!bytes) {
          reading_.Report(DiagnosticCode::kArtifactUnreadable, file_.path, bytes.error().message,
                          start);
          return;
        }
        const size_t used = WriteEntries(ByteView::Of(*bytes), start);
        if (used == 0) return;
        left -= used;
        start += used;
        next = start;
      }
    }
  }

 private:
  void GuessWidth(const fs::File& file, uint64_t start) {
    // Entries begin at multiples of their size, which depends on the width.
    const auto score = [&](Width width) -> int64_t {
      const uint64_t first = start / LastlogBytes(width) * LastlogBytes(width);
      const auto bytes = ReadBytes(file, first, kChunkRecords * LastlogBytes(width));
      return bytes ? LastlogScore(ByteView::Of(*bytes), width) : 0;
    };
    width_ = score(Width::k64) > score(Width::k32) ? Width::k64 : Width::k32;
  }

  // How many bytes of whole entries there were; 0 when no more events are taken.
  size_t WriteEntries(ByteView bytes, uint64_t start) {
    const size_t entry_bytes = LastlogBytes(*width_);
    size_t used = 0;
    for (; bytes.Contains(used, entry_bytes); used += entry_bytes) {
      const auto record = ParseLastlog(bytes.From(used), *width_);
      if (!record || !*record) continue;
      if (!(*record)->plausible) {
        reading_.Report(DiagnosticCode::kArtifactDamaged, file_.path,
                        "an entry that no program writes was left out", start + used);
        continue;
      }
      if (!Write(**record, start + used)) return 0;
    }
    return used;
  }

  bool Write(Record record, uint64_t offset) {
    record.user = users_.Name(static_cast<uint32_t>(offset / LastlogBytes(*width_)));
    event::Event& event = reading_.Begin();
    event.time = record.time;
    event.raw = Dump(record);
    event[Text::kTimeKind] = "Last Login Time";
    event[Text::kAction] = "login";
    event[Text::kOutcome] = "success";
    event[Text::kUserName] = record.user;
    event[Text::kSourceIp] = SourceAddress(record);
    event[Text::kObjectName] = record.line;
    event[Text::kPath] = file_.path;
    event[Text::kMessage] =
        fmt::format("Last login of {}{} on {}", record.user, From(record), record.line);
    return reading_.Add(file_.path, offset);
  }

  Reading& reading_;
  const Users& users_;
  const FoundFile& file_;
  std::optional<Width> width_;
};

class Utmp : public Format {
 public:
  std::string_view name() const override { return "utmp"; }
  std::string_view description() const override {
    return "logins, logouts, failed logins and boots: utmp, wtmp, btmp, lastlog";
  }
  void Read(const View& view, Output& output, DiagnosticSink& diagnostics) const override {
    Reading reading(view, output, diagnostics);
    const Users users(reading);
    // Rotated ones are called wtmp.1 or wtmp-20260101; packed ones are none of these records.
    for (const FoundFile& file :
         reading.Find({"/var/log/wtmp*", "/var/log/btmp*", "/run/utmp", "/var/run/utmp"})) {
      const std::string_view name = NameOf(file.path);
      if (name.ends_with(".gz") || name.ends_with(".xz") || name.ends_with(".db")) {
        reading.Report(DiagnosticCode::kArtifactUnreadable, file.path,
                       "a packed or SQLite file of logins, which ekshume does not read");
        continue;
      }
      ReadLogins(reading, file);
    }
    for (const FoundFile& file : reading.Find({"/var/log/lastlog"})) {
      LastlogReader(reading, users, file).Read();
    }
  }
};

}  // namespace

const Format& UtmpFormat() {
  static const Utmp format;
  return format;
}

}  // namespace ekshume::artifact::utmp
