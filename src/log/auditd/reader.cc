// SPDX-License-Identifier: Apache-2.0
#include "log/auditd/reader.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "log/auditd/fields.h"
#include "log/fields.h"

namespace ekshume::log::auditd {
namespace {

using event::Event;
using event::Number;
using event::Text;

constexpr std::string_view kUnset = "4294967295";  // an auid of nobody who logged in
constexpr size_t kMaxCommandLineBytes = size_t{1} << 20;

struct Path {
  std::string name;
  std::string_view type;
};

// What the lines of one serial say. Views are those of the record.
struct Summary {
  std::string_view type;  // of the line that says most
  std::string_view node, arch, syscall, success, exit, pid, ppid, tty, session, key;
  std::string_view uid, euid, auid, uid_name, auid_name;
  std::string_view operation, result, address, host_name, unit, id;
  std::string executable, program, account, working_directory, command, proctitle;
  std::vector<std::string> arguments;
  std::vector<Path> paths;
  std::optional<SocketAddress> socket;
};

// "a0", "a12", "a1[0]" (a part of a long argument): the number, or none ("argc", "a0_len").
std::optional<size_t> ArgumentOf(std::string_view name) {
  if (!name.starts_with('a')) return std::nullopt;
  const std::optional<int64_t> number = ParseInteger(name.substr(1, name.find('[') - 1));
  if (!number || *number < 0 || *number >= static_cast<int64_t>(limits::kMaxArguments)) {
    return std::nullopt;
  }
  return static_cast<size_t>(*number);
}

void ReadExecve(const std::vector<Field>& fields, Summary& summary) {
  for (const Field& field : fields) {
    const std::optional<size_t> number = ArgumentOf(field.name);
    if (!number) continue;
    if (summary.arguments.size() <= *number) summary.arguments.resize(*number + 1);
    summary.arguments[*number] += Decoded(field);
  }
}

void ReadPath(const std::vector<Field>& fields, Summary& summary) {
  Path path;
  for (const Field& field : fields) {
    if (field.name == "name") path.name = Decoded(field);
    if (field.name == "nametype") path.type = field.value;
  }
  if (!path.name.empty() && summary.paths.size() < limits::kMaxArguments) {
    summary.paths.push_back(std::move(path));
  }
}

void SetIfEmpty(std::string_view& to, std::string_view value) {
  if (to.empty()) to = value;
}

// The fields that many types have.
void ReadField(const Field& field, Summary& summary) {
  constexpr std::pair<std::string_view, std::string_view Summary::*> kPlain[] = {
      {"arch", &Summary::arch},      {"success", &Summary::success},    {"exit", &Summary::exit},
      {"pid", &Summary::pid},        {"ppid", &Summary::ppid},          {"tty", &Summary::tty},
      {"terminal", &Summary::tty},   {"ses", &Summary::session},        {"uid", &Summary::uid},
      {"euid", &Summary::euid},      {"auid", &Summary::auid},          {"UID", &Summary::uid_name},
      {"AUID", &Summary::auid_name}, {"op", &Summary::operation},       {"res", &Summary::result},
      {"addr", &Summary::address},   {"hostname", &Summary::host_name}, {"unit", &Summary::unit},
      {"id", &Summary::id}};
  for (const auto& [name, member] : kPlain) {
    if (field.name == name && field.value != "?" && field.value != "(none)") {
      SetIfEmpty(summary.*member, field.value);
    }
  }
  // auditd's own name of the call is behind its number.
  if (field.name == "syscall") SetIfEmpty(summary.syscall, field.value);
  if (field.name == "SYSCALL") summary.syscall = field.value;
  if (field.name == "key" && field.value != "(null)") SetIfEmpty(summary.key, field.value);
  constexpr std::pair<std::string_view, std::string Summary::*> kEncoded[] = {
      {"exe", &Summary::executable}, {"comm", &Summary::program},
      {"acct", &Summary::account},   {"cwd", &Summary::working_directory},
      {"cmd", &Summary::command},    {"proctitle", &Summary::proctitle}};
  for (const auto& [name, member] : kEncoded) {
    if (field.name == name && (summary.*member).empty()) summary.*member = Decoded(field);
  }
}

void ReadLine(const Head& head, Summary& summary) {
  SetIfEmpty(summary.node, head.node);
  if (summary.type.empty() || head.type == "SYSCALL") summary.type = head.type;
  const std::vector<Field> fields = ParseFields(head.rest);
  if (head.type == "EXECVE") return ReadExecve(fields, summary);
  if (head.type == "PATH") return ReadPath(fields, summary);
  if (head.type == "SOCKADDR") {
    for (const Field& field : fields) {
      if (field.name == "saddr") summary.socket = ParseSocketAddress(field.value);
    }
    return;
  }
  for (const Field& field : fields) ReadField(field, summary);
}

std::string ActionOf(const Summary& summary) {
  if (summary.type == "SYSCALL") {
    return std::string(SyscallName(summary.arch, summary.syscall));
  }
  // The words that log/syslog/programs.h uses for the same.
  constexpr std::pair<std::string_view, std::string_view> kActions[] = {
      {"USER_LOGIN", "login"},         {"USER_LOGOUT", "logout"},
      {"USER_AUTH", "authentication"}, {"USER_START", "session_opened"},
      {"USER_END", "session_closed"},  {"USER_CMD", "sudo"},
      {"ADD_USER", "user_added"},      {"DEL_USER", "user_deleted"},
      {"ADD_GROUP", "group_added"},    {"DEL_GROUP", "group_deleted"},
      {"USER_MGMT", "user_changed"},   {"USER_CHAUTHTOK", "password_changed"}};
  for (const auto& [type, action] : kActions) {
    if (summary.type == type) return std::string(action);
  }
  std::string action(summary.type);
  std::ranges::transform(action, action.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return action;
}

bool ChangesAccounts(std::string_view type) {
  return type.starts_with("ADD_") || type.starts_with("DEL_") || type == "USER_MGMT" ||
         type == "USER_CHAUTHTOK";
}

// Who did it: who once logged in (auid) keeps that number through su and sudo. What pluggable
// authentication says is about the account that it names.
void FillUser(const Summary& summary, Event& event) {
  std::string& user = event[Text::kUserName];
  const bool is_about_account =
      summary.type.starts_with("USER_") || summary.type.starts_with("CRED_");
  if (ChangesAccounts(summary.type)) {
    event[Text::kObjectKind] = summary.type.ends_with("GROUP") ? "group" : "user";
    event[Text::kObjectName] = summary.account;
    log::SetIfEmpty(event[Text::kObjectName], summary.id);
  } else if (is_about_account && summary.type != "USER_CMD") {
    user = summary.account;
    log::SetIfEmpty(user, summary.id);
  }
  if (summary.auid_name != "unset") log::SetIfEmpty(user, summary.auid_name);
  if (summary.auid != kUnset && summary.auid != "-1") {
    if (summary.auid_name.empty()) log::SetIfEmpty(user, summary.auid);
  }
  log::SetIfEmpty(user, summary.uid_name);
  log::SetIfEmpty(user, summary.uid);
}

void FillOutcome(const Summary& summary, Event& event) {
  const std::string_view said = summary.success.empty() ? summary.result : summary.success;
  if (said == "yes" || said == "success" || said == "1") {
    event[Text::kOutcome] = "success";
  } else if (said == "no" || said == "failed" || said == "0") {
    event[Text::kOutcome] = "failure";
    event[Text::kError] = summary.exit;
  } else {
    event[Text::kOutcome] = "unknown";
  }
}

void FillCommandLine(Summary& summary, Event& event) {
  std::string& line = event[Text::kCommandLine];
  if (summary.arguments.empty() && !summary.command.empty()) {
    line = summary.command;
    return;
  }
  if (summary.arguments.empty()) {
    // The arguments of the process at that time, each ended by a zero byte.
    std::string_view rest = summary.proctitle;
    while (!rest.empty() && line.size() < kMaxCommandLineBytes) {
      const size_t end = std::min(rest.find('\0'), rest.size());
      AppendArgument(line, rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return;
  }
  for (const std::string& argument : summary.arguments) {
    if (line.size() >= kMaxCommandLineBytes) break;
    AppendArgument(line, argument);
  }
}

// The file that a call was made on: not the directory that holds it, the new name of two.
void FillPath(const Summary& summary, Event& event) {
  const Path* chosen = nullptr;
  const bool runs = event[Text::kAction].starts_with("exec");
  for (const Path& path : summary.paths) {
    if (path.type == "PARENT") continue;
    if (chosen == nullptr || (!runs && path.type == "CREATE")) chosen = &path;
  }
  if (chosen == nullptr && !summary.paths.empty()) chosen = &summary.paths.front();
  if (chosen == nullptr) return;
  std::string& path = event[Text::kPath];
  if (!chosen->name.starts_with('/') && !summary.working_directory.empty()) {
    path = summary.working_directory;
    if (!path.ends_with('/')) path += '/';
  }
  path += chosen->name.starts_with("./") ? chosen->name.substr(2) : chosen->name;
}

void FillAddress(const Summary& summary, Event& event) {
  event[Text::kSourceIp] = summary.address.empty() ? summary.host_name : summary.address;
  if (!summary.socket) return;
  const bool listens = event[Text::kAction].starts_with("accept");
  if (!summary.socket->port) {
    if (event[Text::kPath].empty()) event[Text::kPath] = summary.socket->address;
    return;
  }
  event[listens ? Text::kSourceIp : Text::kDestinationIp] = summary.socket->address;
  event[listens ? Number::kSourcePort : Number::kDestinationPort] = summary.socket->port;
}

// "alice called execve: cat /etc/shadow (failed: -13)"
void FillMessage(const Summary& summary, Event& event) {
  std::string& message = event[Text::kMessage];
  message = event[Text::kUserName].empty() ? "Somebody" : event[Text::kUserName];
  message += summary.type == "SYSCALL" ? " called " : ": ";
  message += event[Text::kAction];
  for (const Text column : {Text::kCommandLine, Text::kObjectName, Text::kPath}) {
    const std::string& what = event[column];
    if (what.empty() || (column == Text::kPath && !event[Text::kCommandLine].empty() &&
                         event[Text::kAction].starts_with("exec"))) {
      continue;
    }
    message += column == Text::kPath ? " on " : ": ";
    message += std::string_view(what).substr(0, 1000);
  }
  for (const auto& [column, word] :
       {std::pair{Text::kDestinationIp, " to "}, {Text::kSourceIp, " from "}}) {
    if (event[column].empty()) continue;
    message += word;
    message += event[column];
  }
  if (event[Text::kOutcome] != "failure") return;
  message += " (failed";
  if (!event[Text::kError].empty()) {
    message += ": ";
    message += event[Text::kError];
  }
  message += ')';
}

void Fill(Summary& summary, Event& event) {
  event[Text::kNode] = summary.node;
  event[Text::kAction] = ActionOf(summary);
  FillUser(summary, event);
  FillOutcome(summary, event);
  event[Text::kProcess] = summary.executable;
  log::SetIfEmpty(event[Text::kProcess], summary.program);
  event[Number::kPid] = ParseInteger(summary.pid);
  event[Number::kStatusCode] = ParseInteger(summary.exit);
  FillCommandLine(summary, event);
  FillPath(summary, event);
  FillAddress(summary, event);
  if (!summary.unit.empty()) {
    event[Text::kObjectKind] = "service";
    event[Text::kObjectName] = summary.unit;
  }
  const std::pair<std::string_view, std::string_view> tags[] = {
      {"key", summary.key},   {"auid", summary.auid},   {"uid", summary.uid},
      {"euid", summary.euid}, {"ppid", summary.ppid},   {"ses", summary.session},
      {"tty", summary.tty},   {"op", summary.operation}};
  for (const auto& [name, value] : tags) {
    if (value != kUnset) AddTag(event, name, value);
  }
  FillMessage(summary, event);
}

class Auditd final : public Format {
 public:
  std::string_view name() const override { return "auditd"; }
  std::string_view description() const override {
    return "The Linux audit log, the lines of one event together";
  }

  Match Sniff(std::string_view record) const override {
    return ParseHead(record) ? Match::kYes : Match::kNo;
  }

  bool spans_lines() const override { return true; }
  bool Continues(std::string_view record, std::string_view line) const override {
    const std::optional<Head> first = ParseHead(record);
    const std::optional<Head> next = ParseHead(line);
    return first && next && first->id == next->id && first->node == next->node;
  }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& /*diagnostics*/) const override {
    std::string_view rest = record.bytes;
    const std::optional<Head> first = ParseHead(rest);
    if (!first) {
      return rest.starts_with("type=") && rest.find(" msg=audit(") != std::string_view::npos
                 ? Outcome::kDamaged
                 : Outcome::kNotMine;
    }
    Summary summary;
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      if (const std::optional<Head> head = ParseHead(line)) ReadLine(*head, summary);
    }
    if (summary.type == "EOE") return Outcome::kSkipped;  // the end mark, apart from its event
    event.time = first->time;
    event[Text::kTimeKind] = "Event Time";
    event[Text::kRecordId] = first->id;
    Fill(summary, event);
    sink.Add(event);
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& AuditdFormat() {
  static const Auditd format;
  return format;
}

}  // namespace ekshume::log::auditd
