// SPDX-License-Identifier: Apache-2.0
#include "artifact/cron/reader.h"

#include <fmt/format.h>

#include "artifact/cron/table.h"
#include "artifact/reading.h"
#include "artifact/users.h"
#include "base/limits.h"

namespace ekshume::artifact::cron {
namespace {

using event::Text;

constexpr std::string_view kScripts[] = {
    "/etc/cron.hourly/*",  "/etc/cron.daily/*",  "/etc/cron.weekly/*",
    "/etc/cron.monthly/*", "/etc/cron.yearly/*", "/etc/periodic/*/*",
};

// "/etc/cron.daily/x" -> "daily", "/etc/periodic/15min/x" -> "15min".
std::string_view Period(std::string_view path) {
  const std::string_view directory = NameOf(DirectoryOf(path));
  const size_t dot = directory.find('.');
  return dot == std::string_view::npos ? directory : directory.substr(dot + 1);
}

class Reader {
 public:
  Reader(const View& view, Output& output, DiagnosticSink& diagnostics)
      : reading_(view, output, diagnostics), users_(reading_) {}

  void Read() {
    ReadTables(Dialect::kSystem, {"/etc/crontab", "/etc/cron.d/*"});
    ReadTables(Dialect::kAnacron, {"/etc/anacrontab"});
    ReadTables(Dialect::kUser,
               {"/var/spool/cron/*", "/var/spool/cron/crontabs/*", "/etc/crontabs/*"});
    for (const std::string_view pattern : kScripts) ReadScripts(pattern);
    ReadAtJobs();
  }

 private:
  void ReadTables(Dialect dialect, std::initializer_list<std::string_view> patterns) {
    for (const FoundFile& file : reading_.Find(patterns)) {
      // Placeholders of packages and BusyBox's list of what to read again.
      if (NameOf(file.path) == ".placeholder" || NameOf(file.path) == "cron.update") continue;
      const auto content = reading_.ReadFile(file);
      if (!content) continue;
      for (Job& job : ParseTable(*content, dialect)) {
        if (dialect == Dialect::kUser) job.user = NameOf(file.path);
        if (!WriteJob(file, job)) return;
      }
    }
  }

  bool WriteJob(const FoundFile& file, const Job& job) {
    event::Event& event = reading_.Begin();
    FillFromFile(file, event);
    event[Text::kAction] = "scheduled";
    event[Text::kObjectKind] = "cron job";
    event[Text::kObjectName] = job.schedule;
    event[Text::kUserName] = job.user;
    event[Text::kCommandLine] = job.command;
    event[Text::kMessage] =
        fmt::format("Cron job of {} at {}: {}", job.user, job.schedule, job.command);
    event.raw = job.line;
    return reading_.Add(file.path, job.offset);
  }

  void ReadScripts(std::string_view pattern) {
    for (const FoundFile& file : reading_.Find({pattern})) {
      if (NameOf(file.path) == ".placeholder") continue;
      event::Event& event = reading_.Begin();
      FillFromFile(file, event);
      event[Text::kObjectName] = Period(file.path);
      event[Text::kUserName] = "root";
      event[Text::kMessage] = fmt::format("Cron script, {}: {}", Period(file.path), file.path);
      WriteScript(file, "cron script", file.path);
    }
  }

  void ReadAtJobs() {
    for (const FoundFile& file :
         reading_.Find({"/var/spool/at/*", "/var/spool/cron/atjobs/*", "/var/spool/atjobs/*"})) {
      const auto due = AtTime(NameOf(file.path));
      if (!due) continue;
      event::Event& event = reading_.Begin();
      FillFromFile(file, event);
      const std::string user = users_.Name(file.stat.uid);
      event[Text::kObjectName] = FormatTimestamp(*due);
      event[Text::kUserName] = user;
      event[Text::kMessage] =
          fmt::format("Job of at(1) of {}, due {}: {}", user, FormatTimestamp(*due), file.path);
      WriteScript(file, "at job", "");
    }
  }

  // Completes the event of the last Begin() with what the script holds.
  void WriteScript(const FoundFile& file, std::string_view kind, std::string_view command_line) {
    event::Event& event = reading_.event();
    event[Text::kAction] = "scheduled";
    event[Text::kObjectKind] = kind;
    event[Text::kCommandLine] = command_line;
    event.raw = Shorten(reading_.ReadFile(file).value_or(""), limits::kMaxSmallFileBytes);
    if ((file.stat.permissions & 0111) == 0) event.AddTag("not_executable");
    reading_.Add(file.path, 0);
  }

  Reading reading_;
  const Users users_;
};

class Cron : public Format {
 public:
  std::string_view name() const override { return "cron"; }
  std::string_view description() const override {
    return "what runs by the clock: crontabs, cron scripts, anacron, at jobs";
  }
  void Read(const View& view, Output& output, DiagnosticSink& diagnostics) const override {
    Reader(view, output, diagnostics).Read();
  }
};

}  // namespace

const Format& CronFormat() {
  static const Cron format;
  return format;
}

}  // namespace ekshume::artifact::cron
