// SPDX-License-Identifier: Apache-2.0
#include "artifact/systemd_unit/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "artifact/reading.h"
#include "artifact/systemd_unit/unit.h"
#include "artifact/users.h"
#include "base/limits.h"

namespace ekshume::artifact::systemd_unit {
namespace {

using event::Text;

constexpr std::array<std::string_view, 11> kUnitTypes = {
    ".service", ".timer", ".socket", ".path",  ".mount", ".automount",
    ".target",  ".swap",  ".slice",  ".scope", ".conf"};

// "systemd service"; "" when the name is of no unit. Drop-ins ("x.service.d/10-a.conf") are of the
// type of their unit.
std::string UnitKind(std::string_view path) {
  std::string_view name = NameOf(path);
  if (name.ends_with(".conf")) {
    name = NameOf(DirectoryOf(path));
    if (!name.ends_with(".d")) return "";
    name.remove_suffix(2);
  }
  for (const std::string_view type : kUnitTypes) {
    if (name.ends_with(type) && type != ".conf") return fmt::format("systemd {}", type.substr(1));
  }
  return "";
}

std::string UnitName(std::string_view path) {
  std::string_view name = NameOf(path);
  if (!name.ends_with(".conf")) return std::string(name);
  name = NameOf(DirectoryOf(path));
  name.remove_suffix(2);
  return std::string(name);
}

// Settings that say when a unit is started, of timers, sockets and paths.
bool IsTrigger(const Setting& setting) {
  if (setting.section == "Timer") return setting.key.starts_with("On");
  if (setting.section == "Socket") return setting.key.starts_with("Listen");
  if (setting.section == "Path") {
    return setting.key.starts_with("Path") || setting.key == "DirectoryNotEmpty";
  }
  return false;
}

// systemd.service(5): prefixes of a command that say how it is run.
std::string_view WithoutPrefixes(std::string_view command) {
  command.remove_prefix(std::min(command.find_first_not_of("@-:+!|"), command.size()));
  return Trim(command);
}

class Reader {
 public:
  Reader(const View& view, Output& output, DiagnosticSink& diagnostics)
      : reading_(view, output, diagnostics), users_(reading_) {}

  void Read() {
    for (const std::string_view directory :
         {"/etc/systemd/system", "/run/systemd/system", "/run/systemd/transient",
          "/usr/local/lib/systemd/system"}) {
      ReadBelow(directory, "root");
    }
    for (const std::string_view directory :
         {"/etc/systemd/user", "/run/systemd/user", "/usr/local/lib/systemd/user"}) {
      ReadBelow(directory, "");
    }
    // A host's own are its packages'; a container's changed ones are not.
    if (reading_.view().changed) ReadBelow("/usr/lib/systemd/system", "root");
    for (const Home& home : users_.homes()) {
      for (const std::string& path :
           Users::InHome(home, {".config/systemd/user", ".local/share/systemd/user"})) {
        ReadBelow(path, home.user);
      }
    }
  }

 private:
  void ReadBelow(std::string_view directory, std::string_view user) {
    reading_.VisitBelow(directory, [&](const FoundFile& file) {
      const std::string kind = UnitKind(file.path);
      if (kind.empty()) return;
      if (file.stat.type == fs::NodeType::kRegular) ReadUnit(file, kind, user);
      if (file.stat.type == fs::NodeType::kSymlink) ReadLink(file, kind);
    });
  }

  event::Event& Begin(const FoundFile& file, std::string_view kind, std::string_view action) {
    event::Event& event = reading_.Begin();
    FillFromFile(file, event);
    event[Text::kAction] = action;
    event[Text::kObjectKind] = kind;
    event[Text::kObjectName] = UnitName(file.path);
    return event;
  }

  void ReadUnit(const FoundFile& file, std::string_view kind, std::string_view user) {
    const auto content = reading_.ReadFile(file);
    if (!content) return;
    const std::vector<Setting> settings = ParseUnit(*content);
    std::string runs_as(user);
    for (const Setting& setting : settings) {
      if (setting.section == "Service" && setting.key == "User") runs_as = setting.value;
    }
    bool told = false;
    for (const Setting& setting : settings) {
      const bool is_command = setting.key.starts_with("Exec") && setting.section != "Unit" &&
                              setting.section != "Install" && !setting.value.empty();
      if (!is_command && !IsTrigger(setting)) continue;
      told = true;
      event::Event& event = Begin(file, kind, "configured");
      event[Text::kUserName] = runs_as;
      event.raw = setting.line;
      if (is_command) event[Text::kCommandLine] = WithoutPrefixes(setting.value);
      event[Text::kMessage] =
          fmt::format("Unit {}: {}={}", event[Text::kObjectName], setting.key, setting.value);
      if (!reading_.Add(file.path, setting.offset)) return;
    }
    if (told) return;
    event::Event& event = Begin(file, kind, "configured");
    event[Text::kMessage] =
        fmt::format("Unit {} with {} settings", event[Text::kObjectName], settings.size());
    event.raw = Shorten(*content, limits::kMaxSmallFileBytes);
    reading_.Add(file.path, 0);
  }

  void ReadLink(const FoundFile& file, std::string_view kind) {
    const auto target = reading_.filesystem().ReadSymlink(file.node);
    if (!target) {
      reading_.Report(DiagnosticCode::kArtifactUnreadable, file.path, target.error().message);
      return;
    }
    const bool masked = *target == "/dev/null";
    event::Event& event = Begin(file, kind, masked ? "masked" : "enabled");
    const std::string& name = event[Text::kObjectName];
    const std::string_view directory = NameOf(DirectoryOf(file.path));
    const bool wanted = directory.ends_with(".wants") || directory.ends_with(".requires");
    event[Text::kMessage] = masked ? fmt::format("Unit {} was masked", name)
                            : wanted
                                ? fmt::format("Unit {} was enabled for {} ({})", name,
                                              directory.substr(0, directory.rfind('.')), *target)
                                : fmt::format("Unit {} was linked to {}", name, *target);
    event.raw = *target;
    reading_.Add(file.path, 0);
  }

  Reading reading_;
  const Users users_;
};

class SystemdUnit : public Format {
 public:
  std::string_view name() const override { return "systemd_unit"; }
  std::string_view description() const override {
    return "services, timers and other units that were added or enabled";
  }
  void Read(const View& view, Output& output, DiagnosticSink& diagnostics) const override {
    Reader(view, output, diagnostics).Read();
  }
};

}  // namespace

const Format& SystemdUnitFormat() {
  static const SystemdUnit format;
  return format;
}

}  // namespace ekshume::artifact::systemd_unit
