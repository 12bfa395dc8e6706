// SPDX-License-Identifier: Apache-2.0
#include "artifact/journal/reader.h"

#include <fmt/format.h>

#include <array>

#include "artifact/journal/file.h"
#include "artifact/journal/sentence.h"
#include "artifact/reading.h"
#include "artifact/users.h"
#include "base/limits.h"
#include "log/inner_line.h"

namespace ekshume::artifact::journal {
namespace {

using event::Number;
using event::Text;

// Entries of one file that may fail before the rest of the file is given up: libsystemd then goes
// nowhere any more.
constexpr int kMaxFailures = 16;

// syslog(3)
constexpr std::array<std::string_view, 8> kPriorities = {
    "emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"};

// The fields as `journalctl -o export` prints them; values with control characters are shown as
// they are.
std::string Export(const Entry& entry) {
  std::string text;
  for (const auto& [name, value] : entry.fields) text += fmt::format("{}={}\n", name, value);
  if (!text.empty()) text.pop_back();
  return Shorten(text, limits::kMaxSmallFileBytes);
}

class Reader {
 public:
  Reader(const View& view, Output& output, DiagnosticSink& diagnostics)
      : reading_(view, output, diagnostics), users_(reading_) {}

  void Read() {
    for (const FoundFile& file : reading_.Find({"/var/log/journal/*", "/var/log/journal/*/*",
                                                "/run/log/journal/*", "/run/log/journal/*/*"})) {
      // "x.journal", and "x.journal~", which was not closed in order.
      if (file.path.ends_with(".journal") || file.path.ends_with(".journal~")) ReadFile(file);
    }
  }

 private:
  void ReadFile(const FoundFile& found) {
    const auto file = reading_.filesystem().OpenFile(found.node);
    if (!file) {
      reading_.Report(DiagnosticCode::kArtifactUnreadable, found.path, file.error().message);
      return;
    }
    const auto journal = JournalFile::Open(**file, limits::kMaxJournalFileBytes);
    if (!journal) {
      const auto code = journal.error().code == ErrorCode::kLimit
                            ? DiagnosticCode::kArtifactLimit
                            : DiagnosticCode::kArtifactUnreadable;
      reading_.Report(code, found.path, journal.error().message);
      return;
    }
    Entry entry;
    int failures = 0;
    for (uint64_t number = 0;; ++number) {
      const auto next = (*journal)->Next(entry);
      if (!next) {
        reading_.Report(DiagnosticCode::kArtifactDamaged, found.path, next.error().message);
        if (++failures >= kMaxFailures) return;
        continue;
      }
      if (!*next || !Write(found, entry, number)) return;
    }
  }

  bool Write(const FoundFile& found, const Entry& entry, uint64_t number) {
    const std::string_view sentence = entry.Get("MESSAGE");
    InnerSink inner(reading_, found.path, number);
    const log::Stream stream{.evidence = reading_.view().evidence + ":" + found.path};
    event::Event& event = reading_.Begin();
    if (log::ReadInnerLine(sentence, entry.time, stream, event, inner, reading_.diagnostics(),
                           [&](event::Event& filled) { Fill(entry, filled); })) {
      return !reading_.full();
    }
    Fill(entry, event);
    const std::string_view program = ProgramOf(entry);
    event.time = entry.time;
    event[Text::kCommandLine] = entry.Get("_CMDLINE");
    event[Text::kObjectKind] = entry.Get("_SYSTEMD_UNIT").empty() ? "" : "systemd unit";
    event[Text::kObjectName] = entry.Get("_SYSTEMD_UNIT");
    const auto uid = ParseNumber(entry.Get("_UID"));
    if (uid && *uid >= 0 && *uid <= UINT32_MAX) {
      event[Text::kUserName] = users_.Name(static_cast<uint32_t>(*uid));
    }
    event[Text::kMessage] =
        program.empty() ? std::string(sentence) : fmt::format("{}: {}", program, sentence);
    event[Text::kAction] = "logged";
    DescribeSentence(program, sentence, event);
    return reading_.Add(found.path, number);
  }

  // Takes the events of an entry that a log format read, each with what the entry says of it.
  class InnerSink final : public event::Sink {
   public:
    InnerSink(Reading& reading, const std::string& path, uint64_t number)
        : reading_(reading), path_(path), number_(number) {}
    void Add(event::Event& event) override {
      // `event` is the one of Reading::Begin().
      static_cast<void>(reading_.Add(path_, number_));
      event.Clear();
    }

   private:
    Reading& reading_;
    const std::string& path_;
    const uint64_t number_;
  };

  static std::string_view ProgramOf(const Entry& entry) {
    return entry.Get("SYSLOG_IDENTIFIER").empty() ? entry.Get("_COMM")
                                                  : entry.Get("SYSLOG_IDENTIFIER");
  }

  // What an entry says besides its message, where the event does not say it yet.
  static void Fill(const Entry& entry, event::Event& event) {
    const auto set = [&](Text column, std::string_view value) {
      if (event[column].empty()) event[column] = value;
    };
    event.identity = entry.cursor;
    event.raw = Export(entry);
    set(Text::kTimeKind, "Event Time");
    set(Text::kRecordId, entry.cursor);
    set(Text::kNode, entry.Get("_HOSTNAME"));
    set(Text::kProcess, entry.Get("_EXE").empty() ? ProgramOf(entry) : entry.Get("_EXE"));
    set(Text::kContainerId, entry.Get("CONTAINER_ID_FULL"));
    set(Text::kContainer, entry.Get("CONTAINER_NAME"));
    if (!event[Number::kPid]) {
      event[Number::kPid] =
          ParseNumber(entry.Get("_PID").empty() ? entry.Get("SYSLOG_PID") : entry.Get("_PID"));
    }
    const auto priority = ParseNumber(entry.Get("PRIORITY"));
    if (priority && *priority >= 0 && *priority < static_cast<int64_t>(kPriorities.size())) {
      set(Text::kSeverity, kPriorities[static_cast<size_t>(*priority)]);
    }
  }

  Reading reading_;
  const Users users_;
};

class Journal : public Format {
 public:
  std::string_view name() const override { return "journal"; }
  std::string_view description() const override { return "systemd's journal"; }
  void Read(const View& view, Output& output, DiagnosticSink& diagnostics) const override {
    Reader(view, output, diagnostics).Read();
  }
};

}  // namespace

const Format& JournalFormat() {
  static const Journal format;
  return format;
}

}  // namespace ekshume::artifact::journal
