// SPDX-License-Identifier: Apache-2.0
#include "artifact/shell_history/reader.h"

#include <fmt/format.h>

#include "artifact/reading.h"
#include "artifact/shell_history/parse.h"
#include "artifact/users.h"
#include "base/text.h"

namespace ekshume::artifact::shell_history {
namespace {

using event::Number;
using event::Text;

enum class Meaning : uint8_t {
  kCommand,  // typed into a shell: a command line
  kInput,    // typed into another program
  kHost,     // a host that was talked to
};

struct HistoryFile {
  std::string_view name;  // below a home directory
  std::string_view program;
  Commands (*parse)(std::string_view content);
  Meaning meaning;
};

constexpr HistoryFile kFiles[] = {
    {".bash_history*", "bash", ParseBash, Meaning::kCommand},
    {".zsh_history*", "zsh", ParseZsh, Meaning::kCommand},
    {".zhistory", "zsh", ParseZsh, Meaning::kCommand},
    {".histfile", "zsh", ParseZsh, Meaning::kCommand},
    {".zsh_sessions/*.history", "zsh", ParseZsh, Meaning::kCommand},
    {".local/share/fish/*_history", "fish", ParseFish, Meaning::kCommand},
    {".config/fish/*_history", "fish", ParseFish, Meaning::kCommand},
    {".ash_history", "ash", ParsePlain, Meaning::kCommand},
    {".sh_history", "sh", ParsePlain, Meaning::kCommand},
    {".ksh_history", "ksh", ParsePlain, Meaning::kCommand},
    {".mksh_history", "mksh", ParsePlain, Meaning::kCommand},
    {".history", "sh", ParsePlain, Meaning::kCommand},
    {".mysql_history", "mysql", ParseEditline, Meaning::kInput},
    {".mariadb_history", "mariadb", ParseEditline, Meaning::kInput},
    {".psql_history*", "psql", ParseEditline, Meaning::kInput},
    {".rediscli_history", "redis-cli", ParsePlain, Meaning::kInput},
    {".valkeycli_history", "valkey-cli", ParsePlain, Meaning::kInput},
    {".sqlite_history", "sqlite3", ParseEditline, Meaning::kInput},
    {".dbshell", "mongo", ParsePlain, Meaning::kInput},
    {".mongodb/mongosh/mongosh_repl_history", "mongosh", ParsePlain, Meaning::kInput},
    {".cassandra/cqlsh_history", "cqlsh", ParseEditline, Meaning::kInput},
    {".python_history", "python", ParseEditline, Meaning::kInput},
    {".node_repl_history", "node", ParsePlain, Meaning::kInput},
    {".irb_history", "irb", ParsePlain, Meaning::kInput},
    {".php_history", "php", ParseEditline, Meaning::kInput},
    {".lesshst", "less", ParseLess, Meaning::kInput},
    {".viminfo", "vim", ParseViminfo, Meaning::kInput},
    {".wget-hsts", "wget", ParseWgetHsts, Meaning::kHost},
};

void WriteCommand(Reading& reading, const HistoryFile& kind, const Home& home,
                  const FoundFile& file, const Command& command) {
  event::Event& event = reading.Begin();
  event.time = command.time;
  const std::string who = home.user.empty() ? "somebody" : home.user;
  std::string& message = event[Text::kMessage];
  switch (kind.meaning) {
    case Meaning::kCommand:
    case Meaning::kInput:
      event[Text::kAction] = "command";
      event[Text::kCommandLine] = command.text;
      message = fmt::format("{} typed in {}: {}", who, kind.program, command.text);
      break;
    case Meaning::kHost:
      event[Text::kAction] = "visited";
      event[Text::kObjectKind] = "host";
      event[Text::kObjectName] = command.text;
      message = fmt::format("{} reached {} with {}", who, command.text, kind.program);
      break;
  }
  if (command.time) {
    event[Text::kTimeKind] = kind.meaning == Meaning::kCommand ? "Start Time" : "Event Time";
  } else {
    event.AddTag("untimed");
    message += fmt::format(" (no time; {} was last written {})", NameOf(file.path),
                           FormatTimestamp(file.stat.modified));
  }
  event[Text::kUserName] = home.user;
  event[Text::kProcess] = kind.program;
  event[Text::kPath] = file.path;
  event.raw = command.text;
  if (command.duration_seconds) {
    event[Number::kDurationNs] = CheckedMultiply(*command.duration_seconds, int64_t{1000000000});
  }
  reading.Add(file.path, command.offset);
}

class ShellHistory : public Format {
 public:
  std::string_view name() const override { return "shell_history"; }
  std::string_view description() const override {
    return "commands typed into shells, database clients and interpreters";
  }
  void Read(const View& view, Output& output, DiagnosticSink& diagnostics) const override {
    Reading reading(view, output, diagnostics);
    const Users users(reading);
    for (const Home& home : users.homes()) {
      for (const HistoryFile& kind : kFiles) {
        for (const FoundFile& file : reading.Find(Users::InHome(home, {kind.name}))) {
          const auto content = reading.ReadFile(file);
          if (!content) continue;
          for (const Command& command : kind.parse(*content)) {
            WriteCommand(reading, kind, home, file, command);
          }
        }
      }
    }
  }
};

}  // namespace

const Format& ShellHistoryFormat() {
  static const ShellHistory format;
  return format;
}

}  // namespace ekshume::artifact::shell_history
