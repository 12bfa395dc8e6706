// SPDX-License-Identifier: Apache-2.0
#include "artifact/packages/reader.h"

#include <fmt/format.h>

#include <map>

#include "artifact/packages/debian.h"
#include "artifact/packages/gunzip.h"
#include "artifact/packages/rpm_header.h"
#include "artifact/packages/sqlite.h"
#include "artifact/reading.h"
#include "artifact/users.h"
#include "base/limits.h"
#include "fs/path.h"

namespace ekshume::artifact::packages {
namespace {

using event::Number;
using event::Text;

// libdnf, transaction/Types.hpp
constexpr int64_t kStateDone = 1;
std::string_view DnfAction(int64_t action) {
  switch (action) {
    case 1: return "install";
    case 2: return "downgrade";
    case 6: return "upgrade";
    case 8: return "remove";
    case 9: return "reinstall";
    default: return "";  // the other side of one of those
  }
}

// Adds the duration between two moments when it is one.
void SetDuration(event::Event& event, int64_t start_seconds, int64_t end_seconds) {
  const int64_t seconds = end_seconds - start_seconds;
  if (start_seconds > 0 && seconds >= 0 && seconds < INT64_MAX / 1000000000) {
    event[Number::kDurationNs] = seconds * 1000000000;
  }
}

class Reader {
 public:
  Reader(const View& view, Output& output, DiagnosticSink& diagnostics)
      : reading_(view, output, diagnostics), users_(reading_) {}

  void Read() {
    ReadDpkgStatus();
    ForEachText({"/var/log/dpkg.log*"}, &Reader::ReadDpkgLog);
    ForEachText({"/var/log/apt/history.log*"}, &Reader::ReadAptHistory);
    ForEachText({"/lib/apk/db/installed", "/usr/lib/apk/db/installed"}, &Reader::ReadApk);
    ForEachText({"/var/log/dnf.rpm.log*"}, &Reader::ReadRpmLog);
    for (const FoundFile& file :
         FindDatabases({"/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite"})) {
      ReadRpmDatabase(file);
    }
    for (const FoundFile& file : FindDatabases({"/var/lib/dnf/history.sqlite"})) {
      ReadDnfHistory(file);
    }
    for (const FoundFile& file : reading_.Find({"/var/lib/rpm/Packages", "/var/lib/rpm/Packages.db",
                                                "/usr/lib/sysimage/rpm/Packages.db"})) {
      reading_.Report(DiagnosticCode::kArtifactUnreadable, file.path,
                      "an rpm database of Berkeley DB or NDB, which ekshume does not read");
    }
  }

 private:
  event::Event& Begin(const FoundFile& file, std::string_view action, std::string_view package) {
    event::Event& event = reading_.Begin();
    event[Text::kPath] = file.path;
    event[Text::kAction] = action;
    event[Text::kObjectKind] = "package";
    event[Text::kObjectName] = package;
    return event;
  }
  void SetTime(event::Event& event, Timestamp time, std::string_view kind) {
    event.time = time;
    event[Text::kTimeKind] = kind;
  }

  // Text files, rotated and packed ones among them.
  void ForEachText(std::initializer_list<std::string_view> patterns,
                   void (Reader::*read)(const FoundFile&, std::string_view)) {
    for (const FoundFile& file : reading_.Find(patterns)) {
      auto content = reading_.ReadFile(file);
      if (!content) continue;
      if (file.path.ends_with(".gz")) {
        Unpacked unpacked = Gunzip(*content, reading_.limits().file_bytes);
        if (!unpacked.complete) {
          const bool is_full = unpacked.content.size() == reading_.limits().file_bytes;
          reading_.Report(
              is_full ? DiagnosticCode::kArtifactLimit : DiagnosticCode::kArtifactDamaged,
              file.path, is_full ? "kMaxArtifactBytes" : "damaged gzip data");
        }
        content = std::move(unpacked.content);
      }
      (this->*read)(file, *content);
    }
  }

  // dpkg keeps no times; the list of a package's files is written when it is installed.
  void ReadDpkgStatus() {
    for (const FoundFile& file : reading_.Find({"/var/lib/dpkg/status"})) {
      const auto content = reading_.ReadFile(file);
      if (!content) continue;
      std::map<std::string, Timestamp, std::less<>> lists;  // by "name" and "name:architecture"
      constexpr std::string_view kSuffix = ".list";
      for (const FoundFile& list : reading_.Find({"/var/lib/dpkg/info/*.list"})) {
        std::string_view name = NameOf(list.path);
        name.remove_suffix(kSuffix.size());
        lists.try_emplace(std::string(name), list.stat.modified);
      }
      for (const InstalledPackage& package : ParseDpkgStatus(*content)) {
        if (!package.state.ends_with(" installed")) continue;
        auto list = lists.find(package.name + ":" + package.architecture);
        if (list == lists.end()) list = lists.find(package.name);
        // Of a container only what was installed in it.
        if (reading_.view().changed && list == lists.end()) continue;
        event::Event& event = Begin(file, "installed", package.name);
        if (list != lists.end()) {
          SetTime(event, list->second, "Installation Time");
        } else {
          event.AddTag("untimed");
        }
        event[Text::kMessage] = fmt::format("Package {} {} ({}) is installed", package.name,
                                            package.version, package.architecture);
        event.raw = Shorten(package.text, limits::kMaxSmallFileBytes);
        if (!reading_.Add(file.path, package.offset)) return;
      }
    }
  }

  void ReadDpkgLog(const FoundFile& file, std::string_view content) {
    for (const Line& line : Lines(content)) {
      const auto parsed = ParseDpkgLogLine(line.text);
      if (!parsed) continue;
      event::Event& event = Begin(file, parsed->action, parsed->package);
      SetTime(event, parsed->time, "Event Time");
      event[Text::kMessage] =
          fmt::format("dpkg: {} {} {}", parsed->action, parsed->package, parsed->version);
      event.raw = line.text;
      if (!reading_.Add(file.path, line.offset)) return;
    }
  }

  void ReadAptHistory(const FoundFile& file, std::string_view content) {
    for (const AptRun& run : ParseAptHistory(content)) {
      event::Event& event = Begin(file, "run", "");
      SetTime(event, *run.start, "Start Time");
      if (run.end) SetDuration(event, run.start->seconds, run.end->seconds);
      event[Text::kUserName] = run.requested_by.empty() ? "root" : run.requested_by;
      event[Text::kCommandLine] = run.command_line;
      event[Text::kError] = run.error;
      event[Text::kOutcome] = run.error.empty() ? "success" : "failure";
      event[Text::kMessage] =
          fmt::format("{}: {}", run.command_line.empty() ? "apt" : run.command_line,
                      Shorten(run.changes, 1000));
      event.raw = Shorten(run.text, limits::kMaxSmallFileBytes);
      if (!reading_.Add(file.path, run.offset)) return;
    }
  }

  void ReadApk(const FoundFile& file, std::string_view content) {
    for (const InstalledPackage& package : ParseApkInstalled(content)) {
      event::Event& event = Begin(file, "installed", package.name);
      event.AddTag("untimed");
      event[Text::kMessage] = fmt::format(
          "Package {} {} ({}) is installed (no time; the database was last written {})",
          package.name, package.version, package.architecture, FormatTimestamp(file.stat.modified));
      event.raw = Shorten(package.text, limits::kMaxSmallFileBytes);
      if (!reading_.Add(file.path, package.offset)) return;
    }
  }

  void ReadRpmLog(const FoundFile& file, std::string_view content) {
    for (const Line& line : Lines(content)) {
      const auto parsed = ParseRpmLogLine(line.text);
      if (!parsed) continue;
      event::Event& event = Begin(file, parsed->action, parsed->package);
      SetTime(event, parsed->time, "Event Time");
      event[Text::kMessage] = fmt::format("rpm: {} {}", parsed->action, parsed->package);
      event.raw = line.text;
      if (!reading_.Add(file.path, line.offset)) return;
    }
  }

  // Databases, with a word on a write-ahead log beside them, whose changes are not read.
  std::vector<FoundFile> FindDatabases(std::initializer_list<std::string_view> paths) {
    std::vector<FoundFile> files = reading_.Find(paths);
    for (const FoundFile& file : files) {
      for (const FoundFile& log : reading_.Find(std::vector<std::string>{file.path + "-wal"})) {
        if (log.stat.size_bytes == 0) continue;
        reading_.Report(DiagnosticCode::kArtifactUnreadable, log.path,
                        "the newest changes of a database are in its write-ahead log");
      }
    }
    return files;
  }

  std::unique_ptr<SqliteDatabase> OpenDatabase(const FoundFile& file) {
    auto content = reading_.ReadFile(file);
    if (!content) return nullptr;
    auto database = SqliteDatabase::Open(*std::move(content));
    if (database) return *std::move(database);
    reading_.Report(DiagnosticCode::kArtifactUnreadable, file.path, database.error().message);
    return nullptr;
  }

  void Query(const FoundFile& file, SqliteDatabase& database, std::string_view statement,
             const std::function<bool(const SqliteDatabase::Row&)>& visit) {
    const auto done = database.Query(statement, visit);
    if (done) return;
    reading_.Report(DiagnosticCode::kArtifactDamaged, file.path, done.error().message);
  }

  void ReadRpmDatabase(const FoundFile& file) {
    const auto database = OpenDatabase(file);
    if (!database) return;
    Query(file, *database, "SELECT hnum, blob FROM Packages ORDER BY hnum",
          [&](const SqliteDatabase::Row& row) {
            const auto package = ParseRpmHeader(row.Bytes(1));
            if (!package) {
              reading_.Report(
                  DiagnosticCode::kArtifactDamaged, file.path,
                  fmt::format("package {}: {}", row.Integer(0), package.error().message));
              return true;
            }
            event::Event& event = Begin(file, "installed", package->name);
            if (package->installed) {
              SetTime(event, *package->installed, "Installation Time");
            } else {
              event.AddTag("untimed");
            }
            event[Text::kMessage] = fmt::format(
                "Package {} is installed{}", FullName(*package),
                package->vendor.empty() ? "" : fmt::format(" (vendor {})", package->vendor));
            event.raw = FullName(*package);
            return reading_.Add(file.path, static_cast<uint64_t>(row.Integer(0)));
          });
  }

  void ReadDnfHistory(const FoundFile& file) {
    const auto database = OpenDatabase(file);
    if (!database) return;
    std::map<int64_t, std::string> changes;  // by transaction
    Query(file, *database,
          "SELECT i.trans_id, i.action, r.name, r.version, r.release, r.arch FROM trans_item i "
          "JOIN rpm r ON r.item_id = i.item_id ORDER BY i.trans_id, r.name",
          [&](const SqliteDatabase::Row& row) {
            const std::string_view action = DnfAction(row.Integer(1));
            if (action.empty()) return true;
            std::string& text = changes[row.Integer(0)];
            if (text.size() > limits::kMaxSmallFileBytes) return true;
            if (!text.empty()) text += "; ";
            text += fmt::format("{} {}-{}-{}.{}", action, row.Bytes(2), row.Bytes(3), row.Bytes(4),
                                row.Bytes(5));
            return changes.size() < limits::kMaxArtifactFiles;
          });
    Query(file, *database,
          "SELECT id, dt_begin, dt_end, user_id, cmdline, state FROM trans ORDER BY id",
          [&](const SqliteDatabase::Row& row) {
            event::Event& event = Begin(file, "run", "");
            SetTime(event, {row.Integer(1), 0}, "Start Time");
            if (!row.IsNull(2)) SetDuration(event, row.Integer(1), row.Integer(2));
            if (!row.IsNull(3) && row.Integer(3) >= 0 && row.Integer(3) < UINT32_MAX) {
              event[Text::kUserName] = users_.Name(static_cast<uint32_t>(row.Integer(3)));
            }
            const std::string& text = changes[row.Integer(0)];
            event[Text::kCommandLine] = fmt::format("dnf {}", row.Bytes(4));
            event[Text::kOutcome] = row.Integer(5) == kStateDone ? "success" : "failure";
            event[Text::kMessage] = fmt::format("dnf {}: {}", row.Bytes(4), Shorten(text, 1000));
            event.raw = Shorten(text, limits::kMaxSmallFileBytes);
            return reading_.Add(file.path, static_cast<uint64_t>(row.Integer(0)));
          });
  }

  Reading reading_;
  const Users users_;
};

class Packages : public Format {
 public:
  std::string_view name() const override { return "packages"; }
  std::string_view description() const override {
    return "packages that dpkg, apt, apk, rpm and dnf installed, upgraded or removed";
  }
  void Read(const View& view, Output& output, DiagnosticSink& diagnostics) const override {
    Reader(view, output, diagnostics).Read();
  }
};

}  // namespace

const Format& PackagesFormat() {
  static const Packages format;
  return format;
}

}  // namespace ekshume::artifact::packages
