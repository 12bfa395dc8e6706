// SPDX-License-Identifier: Apache-2.0
#include "artifact/accounts/reader.h"

#include <fmt/format.h>

#include <array>

#include "artifact/reading.h"
#include "artifact/users.h"
#include "base/text.h"

namespace ekshume::artifact::accounts {
namespace {

using event::Text;

constexpr int64_t kSecondsPerDay = 86400;
constexpr int64_t kMaxDays = 3000000;  // shadow's days: beyond the year 9999 it is damage

// The fields of a line between colons, empty ones included.
std::vector<std::string_view> Fields(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const size_t colon = line.find(':');
    fields.push_back(line.substr(0, colon));
    if (colon == std::string_view::npos) return fields;
    line.remove_prefix(colon + 1);
  }
}

// crypt(5): what kind of password a field holds, never the password.
std::string DescribePassword(std::string_view field) {
  if (field.empty()) return "empty";
  if (field.starts_with('!')) {
    return field.find('$') == std::string_view::npos ? "locked" : "set and locked";
  }
  if (field.starts_with('*')) return "none";
  if (field == "x") return "in shadow";
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kMethods = {
      {{"$1$", "md5crypt"},
       {"$2", "bcrypt"},
       {"$5$", "sha256crypt"},
       {"$6$", "sha512crypt"},
       {"$7$", "scrypt"},
       {"$gy$", "gost-yescrypt"},
       {"$y$", "yescrypt"}}};
  for (const auto& [prefix, method] : kMethods) {
    if (field.starts_with(prefix)) return std::string(method);
  }
  return "set, of unknown method";
}

// `line` with its second field replaced: the hash of a password does not belong into a case.
std::string WithoutHash(const std::vector<std::string_view>& fields) {
  std::string line;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) line += ':';
    const bool is_hash = i == 1 && fields[1].size() > 2;
    line += is_hash ? "(removed)" : fields[i];
  }
  return line;
}

class Reader {
 public:
  Reader(const View& view, Output& output, DiagnosticSink& diagnostics)
      : reading_(view, output, diagnostics) {}

  void Read() {
    ForEachLine({"/etc/passwd"}, &Reader::WriteAccount);
    ForEachLine({"/etc/shadow"}, &Reader::WritePassword);
    ForEachLine({"/etc/group"}, &Reader::WriteGroup);
    ForEachLine({"/etc/sudoers", "/etc/sudoers.d/*"}, &Reader::WriteRule);
  }

 private:
  void ForEachLine(std::initializer_list<std::string_view> patterns,
                   bool (Reader::*write)(const FoundFile&, const Line&)) {
    for (const FoundFile& file : reading_.Find(patterns)) {
      const auto content = reading_.ReadFile(file);
      if (!content) continue;
      for (const Line& line : Lines(*content)) {
        if (!(this->*write)(file, line)) return;
      }
    }
  }

  event::Event& Begin(const FoundFile& file, std::string_view action, std::string_view kind,
                      std::string_view name) {
    event::Event& event = reading_.Begin();
    FillFromFile(file, event);
    event[Text::kAction] = action;
    event[Text::kObjectKind] = kind;
    event[Text::kObjectName] = name;
    return event;
  }

  bool WriteAccount(const FoundFile& file, const Line& line) {
    if (line.text.empty() || line.text.starts_with('#')) return true;
    const auto entry = ParsePasswdLine(line.text);
    if (!entry || !entry->uid) {
      reading_.Report(DiagnosticCode::kArtifactDamaged, file.path, "a line that is no account",
                      line.offset);
      return true;
    }
    event::Event& event = Begin(file, "present", "account", entry->name);
    event[Text::kUserName] = entry->name;
    if (*entry->uid == 0 && entry->name != "root") event.AddTag("uid0");
    if (entry->password.empty()) event.AddTag("empty_password");
    event[Text::kMessage] = fmt::format("Account {}: uid {}, home {}, shell {}", entry->name,
                                        *entry->uid, entry->home.empty() ? "none" : entry->home,
                                        entry->shell.empty() ? "none" : entry->shell);
    event.raw = WithoutHash(Fields(line.text));
    return reading_.Add(file.path, line.offset);
  }

  bool WritePassword(const FoundFile& file, const Line& line) {
    const std::vector<std::string_view> fields = Fields(line.text);
    if (fields.size() < 3 || fields[0].empty()) {
      if (!line.text.empty()) {
        reading_.Report(DiagnosticCode::kArtifactDamaged, file.path, "a line that is no password",
                        line.offset);
      }
      return true;
    }
    const std::string password = DescribePassword(fields[1]);
    const auto days = ParseNumber(fields[2]);
    const bool has_day = days && *days > 0 && *days < kMaxDays;
    if (!has_day && (password == "none" || password == "locked")) return true;
    event::Event& event = Begin(file, "password", "account", fields[0]);
    event[Text::kUserName] = fields[0];
    if (has_day) {
      event.time = Timestamp{*days * kSecondsPerDay, 0};
      event[Text::kTimeKind] = "Last Password Reset";
    }
    if (fields[1].empty()) event.AddTag("empty_password");
    event[Text::kMessage] = fmt::format("Password of {}: {}{}", fields[0], password,
                                        has_day ? ", changed that day" : "");
    event.raw = WithoutHash(fields);
    return reading_.Add(file.path, line.offset);
  }

  bool WriteGroup(const FoundFile& file, const Line& line) {
    const std::vector<std::string_view> fields = Fields(line.text);
    if (fields.size() < 4 || fields[3].empty()) return true;
    event::Event& event = Begin(file, "present", "group", fields[0]);
    event[Text::kMessage] =
        fmt::format("Group {} ({}) has the members {}", fields[0], fields[2], fields[3]);
    event.raw = WithoutHash(fields);
    return reading_.Add(file.path, line.offset);
  }

  bool WriteRule(const FoundFile& file, const Line& line) {
    const std::string_view text = Trim(line.text);
    // "#include" and "#includedir" are no comments; "#1000" is a user id.
    const bool is_comment = text.starts_with('#') && !text.starts_with("#include") &&
                            (text.size() < 2 || text[1] < '0' || text[1] > '9');
    if (text.empty() || is_comment) return true;
    std::string_view rest = text;
    const std::string_view first = TakeWord(rest);
    const bool is_setting = first.starts_with("Defaults") || first.starts_with("#include") ||
                            first.starts_with('@') || first.ends_with("_Alias");
    event::Event& event = Begin(file, is_setting ? "configured" : "authorized", "sudo rule", first);
    if (!is_setting) event[Text::kUserName] = first;
    if (text.find("NOPASSWD") != std::string_view::npos) event.AddTag("nopasswd");
    event[Text::kMessage] = fmt::format("sudo: {}", text);
    event.raw = line.text;
    return reading_.Add(file.path, line.offset);
  }

  Reading reading_;
};

class Accounts : public Format {
 public:
  std::string_view name() const override { return "accounts"; }
  std::string_view description() const override {
    return "accounts, password changes, groups and sudo rules";
  }
  void Read(const View& view, Output& output, DiagnosticSink& diagnostics) const override {
    Reader(view, output, diagnostics).Read();
  }
};

}  // namespace

const Format& AccountsFormat() {
  static const Accounts format;
  return format;
}

}  // namespace ekshume::artifact::accounts
