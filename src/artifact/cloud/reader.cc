// SPDX-License-Identifier: Apache-2.0
#include "artifact/cloud/reader.h"

#include <fmt/format.h>

#include "artifact/cloud/cloud_init_log.h"
#include "artifact/reading.h"
#include "base/limits.h"
#include "base/text.h"

namespace ekshume::artifact::cloud {
namespace {

using event::Text;

constexpr std::string_view kSsm = "/var/lib/amazon/ssm/";

// Part `index` of a path, counted from its root; "" when there is none.
std::string_view Part(std::string_view path, size_t index) {
  const auto parts = SplitNonEmpty(path, '/');
  return index < parts.size() ? parts[index] : std::string_view();
}

class Reader {
 public:
  Reader(const View& view, Output& output, DiagnosticSink& diagnostics)
      : reading_(view, output, diagnostics) {}

  void Read() {
    ReadInstance();
    ReadInit();
    ReadSystemsManager();
  }

 private:
  event::Event& Begin(const FoundFile& file, std::string_view action, std::string_view kind,
                      std::string_view name) {
    event::Event& event = reading_.Begin();
    FillFromFile(file, event);
    event[Text::kAction] = action;
    event[Text::kObjectKind] = kind;
    event[Text::kObjectName] = name;
    return event;
  }

  // Completes the event of the last Begin() with the file's beginning.
  void AddWithContent(const FoundFile& file, std::string message) {
    const std::string content = reading_.ReadFile(file).value_or("");
    reading_.event()[Text::kMessage] = std::move(message);
    reading_.event().raw = Shorten(content, limits::kMaxSmallFileBytes);
    reading_.Add(file.path, 0);
  }

  void ReadInstance() {
    for (const FoundFile& file : reading_.Find(
             {"/var/lib/cloud/data/instance-id", "/var/lib/cloud/data/previous-instance-id"})) {
      const std::string id(Trim(reading_.ReadFile(file).value_or("")));
      Begin(file, "configured", "instance", id);
      AddWithContent(file,
                     fmt::format("The machine {} {}",
                                 NameOf(file.path) == "instance-id" ? "is" : "was before", id));
    }
    for (const FoundFile& file : reading_.Find({"/var/lib/cloud/instances/*/boot-finished"})) {
      Begin(file, "boot", "instance", Part(file.path, 4));
      AddWithContent(file, fmt::format("First boot of {} finished", Part(file.path, 4)));
    }
    for (const FoundFile& file : reading_.Find({"/var/lib/cloud/instances/*/user-data.txt",
                                                "/var/lib/cloud/instances/*/vendor-data.txt",
                                                "/var/lib/cloud/instances/*/cloud-config.txt"})) {
      if (file.stat.size_bytes == 0) continue;
      Begin(file, "configured", "user data", Part(file.path, 4));
      AddWithContent(file, fmt::format("{} of {}", NameOf(file.path), Part(file.path, 4)));
    }
    for (const FoundFile& file :
         reading_.Find({"/var/lib/cloud/instances/*/scripts/*", "/var/lib/cloud/scripts/*/*"})) {
      event::Event& event = Begin(file, "configured", "cloud-init script", NameOf(file.path));
      event[Text::kUserName] = "root";
      event[Text::kCommandLine] = file.path;
      AddWithContent(file, fmt::format("Script that cloud-init runs: {}", file.path));
    }
  }

  void ReadInit() {
    for (const FoundFile& file : reading_.Find({"/var/log/cloud-init.log"})) {
      const auto content = reading_.ReadFile(file);
      if (!content) continue;
      const std::vector<Line> lines = Lines(*content);
      for (size_t i = 0; i < lines.size(); ++i) {
        const Line& line = lines[i];
        const auto parsed = ParseCloudInitLine(line.text);
        if (!parsed) continue;
        // Lines without a time, as of a traceback, belong to the line before.
        size_t next = i + 1;
        while (next < lines.size() && !ParseCloudInitLine(lines[next].text)) ++next;
        const uint64_t end = next < lines.size() ? lines[next].offset : content->size();
        i = next - 1;
        event::Event& event =
            Begin(file, parsed->command.empty() ? "logged" : "command", "cloud-init", "");
        event.time = parsed->time;
        event[Text::kTimeKind] = "Event Time";
        event[Text::kUserName] = "root";
        event[Text::kProcess] = "cloud-init";
        event[Text::kSeverity] = parsed->level;
        event[Text::kCommandLine] = parsed->command;
        event[Text::kMessage] = "cloud-init: " + parsed->message;
        event.raw = Trim(std::string_view(*content).substr(line.offset, end - line.offset));
        if (!reading_.Add(file.path, line.offset)) return;
      }
    }
    for (const FoundFile& file : reading_.Find({"/var/log/cloud-init-output.log"})) {
      const auto content = reading_.ReadFile(file);
      if (!content) continue;
      for (const Line& line : Lines(*content)) {
        const auto time = ParseStageLine(line.text);
        if (!time) continue;
        event::Event& event = Begin(file, "started", "cloud-init", "");
        event.time = time;
        event[Text::kTimeKind] = "Start Time";
        event[Text::kMessage] = line.text;
        // What the stage printed stands behind the line.
        event.raw =
            Shorten(std::string_view(*content).substr(line.offset), limits::kMaxSmallFileBytes);
        if (!reading_.Add(file.path, line.offset)) return;
      }
    }
  }

  // Below /var/lib/amazon/ssm/<instance>/: document/orchestration/<command>/<plugin>/..., and
  // session/orchestration/<session>/.... A session's name begins with that of its principal.
  void ReadSystemsManager() {
    for (const std::string& instance : reading_.Directories(std::string(kSsm) + "*")) {
      for (const FoundFile& file : reading_.FindBelow(instance + "/document/orchestration")) {
        const std::string_view command = Part(file.path, 7);
        const std::string_view name = NameOf(file.path);
        if (name == "_script.sh") {
          event::Event& event = Begin(file, "command", "ssm command", command);
          event[Text::kRecordId] = command;
          event[Text::kUserName] = "root";
          event[Text::kCommandLine] =
              Shorten(Trim(reading_.ReadFile(file).value_or("")), limits::kMaxSmallFileBytes);
          AddWithContent(file, fmt::format("Run Command {} ran a script", command));
        } else if (name == "stdout" || name == "stderr" || name == "stdoutConsole" ||
                   name == "stderrConsole") {
          Begin(file, "printed", "ssm command", command)[Text::kRecordId] = command;
          AddWithContent(file, fmt::format("Run Command {} printed to {}", command, name));
        }
      }
      for (const FoundFile& file : reading_.FindBelow(instance + "/session/orchestration")) {
        const std::string_view session = Part(file.path, 7);
        event::Event& event = Begin(file, "printed", "ssm session", session);
        event[Text::kRecordId] = session;
        event[Text::kUserName] = session.substr(0, session.rfind('-'));
        AddWithContent(file, fmt::format("Shell session {} ({})", session, NameOf(file.path)));
      }
    }
  }

  Reading reading_;
};

class Cloud : public Format {
 public:
  std::string_view name() const override { return "cloud"; }
  std::string_view description() const override {
    return "cloud-init's user data, scripts and commands; Systems Manager commands and sessions";
  }
  void Read(const View& view, Output& output, DiagnosticSink& diagnostics) const override {
    Reader(view, output, diagnostics).Read();
  }
};

}  // namespace

const Format& CloudFormat() {
  static const Cloud format;
  return format;
}

}  // namespace ekshume::artifact::cloud
