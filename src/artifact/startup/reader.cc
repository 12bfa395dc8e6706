// SPDX-License-Identifier: Apache-2.0
#include "artifact/startup/reader.h"

#include <fmt/format.h>

#include "artifact/reading.h"
#include "artifact/users.h"
#include "base/limits.h"

namespace ekshume::artifact::startup {
namespace {

using event::Text;

struct Place {
  std::string_view pattern;
  std::string_view kind;  // the column object_kind
  std::string_view when;  // for the sentence
};

// A file as a whole.
constexpr Place kFiles[] = {
    {"/etc/rc.local", "init script", "at boot"},
    {"/etc/rc.d/rc.local", "init script", "at boot"},
    {"/etc/init.d/*", "init script", "at boot"},
    {"/etc/local.d/*", "init script", "at boot"},
    {"/etc/profile", "profile", "at every login"},
    {"/etc/profile.d/*", "profile", "at every login"},
    {"/etc/bash.bashrc", "shell start file", "in every bash"},
    {"/etc/bashrc", "shell start file", "in every bash"},
    {"/etc/zsh/*", "shell start file", "in every zsh"},
    {"/etc/zshenv", "shell start file", "in every zsh"},
    {"/etc/environment", "environment", "at every login"},
    {"/etc/environment.d/*", "environment", "at every login"},
    {"/etc/update-motd.d/*", "motd script", "at every login"},
    {"/etc/xdg/autostart/*", "autostart", "at every desktop login"},
    {"/etc/ssh/sshrc", "login script", "at every SSH login"},
    {"/etc/ld.so.conf.d/*", "library path", "in every process"},
    {"/etc/NetworkManager/dispatcher.d/*", "network hook", "when the network changes"},
    {"/etc/dhcp/dhclient-exit-hooks.d/*", "network hook", "when the network changes"},
    {"/etc/apt/apt.conf.d/*", "package hook", "with every apt"},
    {"/etc/dnf/plugins/*", "package hook", "with every dnf"},
    {"/etc/modprobe.d/*", "kernel module", "when a module is loaded"},
    {"/etc/sysctl.d/*", "kernel setting", "at boot"},
    {"/usr/lib/python3*/site-packages/sitecustomize.py", "python hook", "in every python"},
    {"/usr/lib/python3*/site-packages/*.pth", "python hook", "in every python"},
    {"/usr/local/lib/python3*/*-packages/*.pth", "python hook", "in every python"},
    {"/usr/local/lib/python3*/*-packages/sitecustomize.py", "python hook", "in every python"},
    {"/docker-entrypoint.d/*", "entrypoint script", "when the container starts"},
};

// Below each home directory.
constexpr Place kHomeFiles[] = {
    {".bashrc", "shell start file", "in every bash"},
    {".bash_profile", "profile", "at login"},
    {".bash_login", "profile", "at login"},
    {".bash_logout", "profile", "at logout"},
    {".profile", "profile", "at login"},
    {".zshrc", "shell start file", "in every zsh"},
    {".zshenv", "shell start file", "in every zsh"},
    {".zprofile", "profile", "at login"},
    {".config/fish/config.fish", "shell start file", "in every fish"},
    {".config/autostart/*", "autostart", "at desktop login"},
    {".pam_environment", "environment", "at login"},
    {".ssh/rc", "login script", "at SSH login"},
    {".ssh/environment", "environment", "at SSH login"},
    {".vimrc", "editor start file", "in every vim"},
    {".inputrc", "shell start file", "in every bash"},
};

// Every line for itself.
constexpr Place kPreloads[] = {
    {"/etc/ld.so.preload", "preloaded library", "into every process"},
    {"/etc/modules", "kernel module", "at boot"},
    {"/etc/modules-load.d/*", "kernel module", "at boot"},
};

class Reader {
 public:
  Reader(const View& view, Output& output, DiagnosticSink& diagnostics)
      : reading_(view, output, diagnostics), users_(reading_) {}

  void Read() {
    for (const Place& place : kPreloads) ReadLines(place, &Reader::WritePreload);
    for (const Place& place : kFiles) {
      for (const FoundFile& file : reading_.Find({place.pattern})) WriteFile(file, place, "root");
    }
    for (const Home& home : users_.homes()) {
      for (const Place& place : kHomeFiles) {
        for (const FoundFile& file : reading_.Find(Users::InHome(home, {place.pattern}))) {
          WriteFile(file, place, home.user);
        }
      }
    }
    ReadLines({"/etc/udev/rules.d/*", "udev rule", "when a device appears"},
              &Reader::WriteUdevRule);
    ReadLines({"/etc/pam.d/*", "pam rule", "at every login"}, &Reader::WritePamRule);
  }

 private:
  // The last argument of `write` is the line without white space around it, never empty and never a
  // comment.
  void ReadLines(const Place& place, bool (Reader::*write)(const FoundFile&, const Place&,
                                                           const Line&, std::string_view)) {
    for (const FoundFile& file : reading_.Find({place.pattern})) {
      const auto content = reading_.ReadFile(file);
      if (!content) continue;
      for (const Line& line : Lines(*content)) {
        const std::string_view text = Trim(line.text);
        if (text.empty() || text.starts_with('#')) continue;
        if (!(this->*write)(file, place, line, text)) return;
      }
    }
  }

  event::Event& Begin(const FoundFile& file, const Place& place) {
    event::Event& event = reading_.Begin();
    FillFromFile(file, event);
    event[Text::kAction] = "configured";
    event[Text::kObjectKind] = place.kind;
    return event;
  }

  bool WritePreload(const FoundFile& file, const Place& place, const Line& line,
                    std::string_view text) {
    event::Event& event = Begin(file, place);
    event[Text::kObjectName] = text;
    event[Text::kMessage] = fmt::format("{} is loaded {} ({})", text, place.when, file.path);
    event.raw = line.text;
    return reading_.Add(file.path, line.offset);
  }

  void WriteFile(const FoundFile& file, const Place& place, std::string_view user) {
    const auto content = reading_.ReadFile(file);
    if (!content) return;
    event::Event& event = Begin(file, place);
    event[Text::kObjectName] = NameOf(file.path);
    event[Text::kUserName] = user;
    event[Text::kMessage] = fmt::format("{} is read or run {} by {}", file.path, place.when,
                                        user.empty() ? "whoever has this home directory" : user);
    event.raw = Shorten(*content, limits::kMaxSmallFileBytes);
    reading_.Add(file.path, 0);
  }

  // udev(7): RUN+="...", PROGRAM="...", IMPORT{program}="..."
  bool WriteUdevRule(const FoundFile& file, const Place& place, const Line& line,
                     std::string_view text) {
    for (const std::string_view key : {"RUN", "PROGRAM", "IMPORT{program}"}) {
      const size_t at = text.find(key);
      if (at == std::string_view::npos) continue;
      const size_t quote = text.find('"', at);
      if (quote == std::string_view::npos) continue;
      const std::string_view rest = text.substr(quote + 1);
      const std::string_view command = rest.substr(0, rest.find('"'));
      event::Event& event = Begin(file, place);
      event[Text::kCommandLine] = command;
      event[Text::kUserName] = "root";
      event[Text::kMessage] = fmt::format("{} is run {} ({})", command, place.when, file.path);
      event.raw = line.text;
      return reading_.Add(file.path, line.offset);
    }
    return true;
  }

  // pam_exec(8) runs a program, and modules that lie in unusual places are somebody's own.
  bool WritePamRule(const FoundFile& file, const Place& place, const Line& line,
                    std::string_view text) {
    const bool runs = text.find("pam_exec") != std::string_view::npos ||
                      text.find("pam_script") != std::string_view::npos;
    const bool is_own = text.find("/pam_") != std::string_view::npos &&
                        text.find("/security/") == std::string_view::npos;
    if (!runs && !is_own) return true;
    event::Event& event = Begin(file, place);
    event[Text::kObjectName] = NameOf(file.path);
    event[Text::kMessage] = fmt::format("PAM, {}: {} ({})", place.when, text, file.path);
    event.raw = line.text;
    return reading_.Add(file.path, line.offset);
  }

  Reading reading_;
  const Users users_;
};

class Startup : public Format {
 public:
  std::string_view name() const override { return "startup"; }
  std::string_view description() const override {
    return "what runs or is loaded by itself: preloaded libraries, profiles, init and motd scripts";
  }
  void Read(const View& view, Output& output, DiagnosticSink& diagnostics) const override {
    Reader(view, output, diagnostics).Read();
  }
};

}  // namespace

const Format& StartupFormat() {
  static const Startup format;
  return format;
}

}  // namespace ekshume::artifact::startup
