// SPDX-License-Identifier: Apache-2.0
#include "artifact/ssh/reader.h"

#include <fmt/format.h>

#include "artifact/reading.h"
#include "artifact/ssh/key.h"
#include "artifact/users.h"

namespace ekshume::artifact::ssh {
namespace {

using event::Number;
using event::Text;

class Reader {
 public:
  Reader(const View& view, Output& output, DiagnosticSink& diagnostics)
      : reading_(view, output, diagnostics), users_(reading_) {}

  void Read() {
    for (const Home& home : users_.homes()) {
      const auto in_home = [&](std::string_view name) {
        return reading_.Find(Users::InHome(home, {name}));
      };
      for (const FoundFile& file : in_home(".ssh/authorized_keys*")) {
        ReadAuthorizedKeys(file, home.user);
      }
      for (const FoundFile& file : in_home(".ssh/known_hosts*")) {
        ReadKnownHosts(file, home.user);
      }
      for (const FoundFile& file : in_home(".ssh/config")) ReadSettings(file, home.user);
      for (const FoundFile& file : in_home(".ssh/*")) ReadPrivateKey(file, home.user);
    }
    for (const FoundFile& file : reading_.Find({"/etc/ssh/authorized_keys/*"})) {
      ReadAuthorizedKeys(file, NameOf(file.path));
    }
    for (const FoundFile& file : reading_.Find({"/etc/ssh/ssh_known_hosts*"})) {
      ReadKnownHosts(file, "");
    }
    for (const FoundFile& file :
         reading_.Find({"/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/*", "/etc/ssh/ssh_config",
                        "/etc/ssh/ssh_config.d/*"})) {
      ReadSettings(file, "");
    }
    for (const FoundFile& file : reading_.Find({"/etc/ssh/ssh_host_*_key"})) {
      ReadPrivateKey(file, "root");
    }
  }

 private:
  event::Event& Begin(const FoundFile& file, std::string_view action, std::string_view kind,
                      std::string_view user) {
    event::Event& event = reading_.Begin();
    FillFromFile(file, event);
    event[Text::kAction] = action;
    event[Text::kObjectKind] = kind;
    event[Text::kUserName] = user;
    return event;
  }

  void ReadAuthorizedKeys(const FoundFile& file, std::string_view user) {
    const auto content = reading_.ReadFile(file);
    if (!content) return;
    for (const Line& line : Lines(*content)) {
      const auto key = ParseAuthorizedKey(line.text);
      if (!key) continue;
      event::Event& event = Begin(file, "authorized", "ssh key", user);
      event[Text::kObjectName] = key->comment;
      event[Text::kCredentialId] = key->fingerprint;
      event[Text::kCommandLine] = key->command;
      std::string& message = event[Text::kMessage];
      message = fmt::format("Key {} {} may log in as {}", key->type,
                            key->fingerprint.empty() ? "(broken)" : key->fingerprint, user);
      if (!key->comment.empty()) message += fmt::format(" ({})", key->comment);
      if (!key->options.empty()) message += fmt::format(" with {}", key->options);
      event.raw = line.text;
      if (!reading_.Add(file.path, line.offset)) return;
    }
  }

  void ReadKnownHosts(const FoundFile& file, std::string_view user) {
    const auto content = reading_.ReadFile(file);
    if (!content) return;
    for (const Line& line : Lines(*content)) {
      const auto host = ParseKnownHost(line.text);
      if (!host) continue;
      const bool hashed = host->hosts.starts_with('|');
      event::Event& event = Begin(file, "connected", "ssh host", user);
      event[Text::kObjectName] = host->hosts;
      event[Text::kDestinationIp] = host->address;
      event[Text::kCredentialId] = host->fingerprint;
      event[Text::kMessage] = fmt::format(
          "{} connected by SSH to {} (key {} {}{}{})", user.empty() ? "The system" : user,
          hashed ? "a host whose name is hashed" : host->hosts, host->type, host->fingerprint,
          host->marker.empty() ? "" : ", ", host->marker);
      event.raw = line.text;
      if (!reading_.Add(file.path, line.offset)) return;
    }
  }

  // sshd_config(5) and ssh_config(5): a keyword and its arguments.
  void ReadSettings(const FoundFile& file, std::string_view user) {
    const auto content = reading_.ReadFile(file);
    if (!content) return;
    const bool is_server = file.path.find("sshd_config") != std::string::npos;
    for (const Line& line : Lines(*content)) {
      const std::string_view setting = Trim(line.text);
      if (setting.empty() || setting.starts_with('#')) continue;
      std::string_view rest = setting;
      const std::string_view keyword = TakeWord(rest);
      event::Event& event =
          Begin(file, "configured", is_server ? "sshd setting" : "ssh setting", user);
      event[Text::kObjectName] = keyword;
      event[Text::kMessage] =
          fmt::format("{}: {}", is_server ? "SSH server" : "SSH client", setting);
      event.raw = line.text;
      if (!reading_.Add(file.path, line.offset)) return;
    }
  }

  void ReadPrivateKey(const FoundFile& file, std::string_view user) {
    // Keys are small; what is larger is something else.
    if (file.stat.size_bytes > limits::kMaxSmallFileBytes) return;
    const auto content = reading_.ReadFile(file);
    if (!content) return;
    const auto key = ParsePrivateKey(*content);
    if (!key) return;
    event::Event& event = Begin(file, "present", "ssh private key", user);
    event[Text::kObjectName] = NameOf(file.path);
    event[Number::kSize] = static_cast<int64_t>(file.stat.size_bytes);
    const std::string kind = key->kind.empty() ? "" : key->kind + " ";
    std::string protection;
    if (key->is_encrypted) {
      protection = *key->is_encrypted ? ", with a passphrase" : ", without passphrase";
      if (!*key->is_encrypted) event.AddTag("unencrypted");
    }
    event[Text::kMessage] = fmt::format("{}private key of {}{}", kind, user, protection);
    event.raw = content->substr(0, content->find('\n'));  // its label, not the key
    reading_.Add(file.path, 0);
  }

  Reading reading_;
  const Users users_;
};

class Ssh : public Format {
 public:
  std::string_view name() const override { return "ssh"; }
  std::string_view description() const override {
    return "keys that may log in, hosts that were connected to, settings, private keys";
  }
  void Read(const View& view, Output& output, DiagnosticSink& diagnostics) const override {
    Reader(view, output, diagnostics).Read();
  }
};

}  // namespace

const Format& SshFormat() {
  static const Ssh format;
  return format;
}

}  // namespace ekshume::artifact::ssh
