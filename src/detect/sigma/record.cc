// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/record.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "base/limits.h"
#include "base/time.h"
#include "log/auditd/fields.h"
#include "log/json.h"

namespace ekshume::detect::sigma {
namespace {

using event::Text;
using simdjson::dom::element;
using simdjson::dom::element_type;

// The input that is at hand.
struct Current {
  const event::Event* event = nullptr;
  std::string_view raw;
};

// A record's JSON, read when it is first asked for.
class LazyJson {
 public:
  void Begin(std::string_view raw) {
    raw_ = raw;
    is_read_ = false;
  }

  // None when the record is no JSON object.
  std::optional<element> Root() {
    if (!is_read_) Read();
    return root_;
  }
  // The members of the object, empty when it is none: they are looked through for each field.
  const std::vector<simdjson::dom::key_value_pair>& Members() {
    if (!is_read_) Read();
    return members_;
  }

 private:
  void Read() {
    is_read_ = true;
    root_.reset();
    members_.clear();
    if (raw_.find_first_not_of(" \t\r\n") == std::string_view::npos) return;
    element root;
    if (parser_.parse(raw_.data(), raw_.size(), true).get(root) != simdjson::SUCCESS) {
      const std::optional<std::string> mended = log::MendJson(raw_);
      if (!mended || parser_.parse(*mended).get(root) != simdjson::SUCCESS) return;
    }
    simdjson::dom::object object;
    if (root.get_object().get(object) != simdjson::SUCCESS) return;
    root_ = root;
    for (const simdjson::dom::key_value_pair member : object) members_.push_back(member);
  }

  simdjson::dom::parser parser_;
  std::string_view raw_;
  bool is_read_ = false;
  std::optional<element> root_;
  std::vector<simdjson::dom::key_value_pair> members_;
};

// A number with a fraction part keeps it, so that it never looks like a whole one.
std::string NumberText(double number) {
  std::string text = fmt::format("{}", number);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

// To be called for what is an array, an object.
simdjson::dom::array ArrayOf(element value) {
  simdjson::dom::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) return {};
  return array;
}
simdjson::dom::object ObjectOf(element value) {
  simdjson::dom::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return {};
  return object;
}

// NOLINTNEXTLINE(misc-no-recursion): no deeper than the JSON, which simdjson bounds
void AddElement(element value, Values& values) {
  values.SetPresent();
  switch (value.type()) {
    case element_type::STRING:
      return values.Add(ValueKind::kText, value.get_string().value_unsafe());
    case element_type::INT64:
      return values.AddCopy(ValueKind::kNumber,
                            fmt::format("{}", value.get_int64().value_unsafe()));
    case element_type::UINT64:
      return values.AddCopy(ValueKind::kNumber,
                            fmt::format("{}", value.get_uint64().value_unsafe()));
    case element_type::DOUBLE:
      return values.AddCopy(ValueKind::kNumber, NumberText(value.get_double().value_unsafe()));
    case element_type::BOOL:
      return values.Add(ValueKind::kBoolean, value.get_bool().value_unsafe() ? "true" : "false");
    case element_type::NULL_VALUE: return values.Add(ValueKind::kNull, "");
    case element_type::ARRAY:
      for (const element item : ArrayOf(value)) AddElement(item, values);
      return;
    case element_type::OBJECT: {
      // Rules look for pieces of the object's JSON, also in documents that stand in it as strings.
      std::string json = simdjson::minify(value);
      std::string loose;
      for (size_t i = 0; i < json.size(); ++i) {
        if (json[i] == '\\' && i + 1 < json.size() && json[i + 1] == '"') continue;
        loose += json[i];
      }
      if (loose != json) values.AddCopy(ValueKind::kText, std::move(loose));
      return values.AddCopy(ValueKind::kText, std::move(json));
    }
  }
}

bool Follow(element at, std::string_view path, Values& values);

// Follows a path into the members of an object, the longest key first, as keys may hold dots.
template <typename Members>
// NOLINTNEXTLINE(misc-no-recursion): no deeper than the JSON and the path
bool FollowMembers(const Members& members, std::string_view path, Values& values) {
  // Of a key that is there twice the first counts.
  constexpr size_t kMostKeys = 16;
  std::array<std::pair<size_t, element>, kMostKeys> found;
  size_t count = 0;
  for (const auto& [key, inner] : members) {
    const size_t size = key.size();
    if (size > path.size() || (size < path.size() && path[size] != '.')) continue;
    if (path.substr(0, size) != key) continue;
    size_t place = count;
    while (place > 0 && found[place - 1].first < size) --place;
    const bool is_repeated = place > 0 && found[place - 1].first == size;
    if (is_repeated || count == kMostKeys) continue;
    std::copy_backward(found.begin() + place, found.begin() + count, found.begin() + count + 1);
    found[place] = {size, inner};
    ++count;
  }
  for (size_t i = 0; i < count; ++i) {
    const auto& [size, inner] = found[i];
    if (size == path.size()) {
      AddElement(inner, values);
      return true;
    }
    if (Follow(inner, path.substr(size + 1), values)) return true;
  }
  return false;
}

// An array is each of its elements.
// NOLINTNEXTLINE(misc-no-recursion): no deeper than the JSON and the path
bool Follow(element at, std::string_view path, Values& values) {
  if (at.is_array()) {
    bool any = false;
    for (const element item : ArrayOf(at)) any |= Follow(item, path, values);
    return any;
  }
  return at.is_object() && FollowMembers(ObjectOf(at), path, values);
}

// NOLINTNEXTLINE(misc-no-recursion): no deeper than the JSON
bool VisitStrings(element at, const Record::Visit& visit) {
  if (at.is_string()) return visit(at.get_string().value_unsafe());
  if (at.is_array()) {
    for (const element item : ArrayOf(at)) {
      if (VisitStrings(item, visit)) return true;
    }
  } else if (at.is_object()) {
    for (const auto& [key, inner] : ObjectOf(at)) {
      if (VisitStrings(inner, visit)) return true;
    }
  }
  return false;
}

void GetPaths(const FieldPlan& field, LazyJson& json, Values& values) {
  if (field.paths.empty()) return;
  for (const std::string& path : field.paths) {
    if (FollowMembers(json.Members(), path, values) && !field.unite) return;
  }
}

void GetColumns(const FieldPlan& field, const event::Event& event, Values& values) {
  if (field.text && !event[*field.text].empty()) {
    values.Add(ValueKind::kText, event[*field.text]);
  }
  if (field.number && event[*field.number]) {
    values.AddCopy(ValueKind::kNumber, fmt::format("{}", *event[*field.number]));
  }
  if (field.special == Virtual::kTime && event.time) {
    values.AddCopy(ValueKind::kText, FormatTimestamp(*event.time));
  }
}

// Where a container of any kind of workload says that it is privileged.
const std::vector<std::string>& PrivilegedPaths() {
  static const std::vector<std::string> paths = [] {
    std::vector<std::string> made;
    for (const std::string_view spec : {"requestObject.spec", "requestObject.spec.template.spec",
                                        "requestObject.spec.jobTemplate.spec.template.spec"}) {
      for (const std::string_view list : {"containers", "initContainers", "ephemeralContainers"}) {
        made.push_back(fmt::format("{}.{}.securityContext.privileged", spec, list));
      }
    }
    return made;
  }();
  return paths;
}

class JsonRecord : public Record {
 public:
  JsonRecord(const Current& input, LazyJson& json) : input_(input), json_(json) {}

  void Get(const FieldPlan& field, Values& values) override {
    GetPaths(field, json_, values);
    if (!values.present()) GetColumns(field, *input_.event, values);
    if (field.special == Virtual::kVerb) AddVerbs(values);
    if (field.special == Virtual::kCapabilities) AddPrivileged(values);
  }

  bool ForEachText(const Visit& visit) override {
    if (visit(input_.raw)) return true;
    const std::optional<element> root = json_.Root();
    return root && VisitStrings(*root, visit);
  }

  bool ForEachScanned(const Visit& visit) override { return visit(input_.raw); }

 private:
  // What rules call "replace" is an update, and a command is run by "get" since kubectl 1.31.
  void AddVerbs(Values& values) {
    const std::string_view verb = values.list().empty() ? "" : values.list().front().text;
    if (verb == "update") values.Add(ValueKind::kText, "replace");
    if (verb != "get" && verb != "connect") return;
    Values subresource;
    FollowMembers(json_.Members(), "objectRef.subresource", subresource);
    for (const Value& value : subresource.list()) {
      if (value.text == "exec" || value.text == "attach" || value.text == "portforward") {
        values.Add(ValueKind::kText, "create");
      }
    }
  }

  void AddPrivileged(Values& values) {
    Values privileged;
    for (const std::string& path : PrivilegedPaths()) {
      FollowMembers(json_.Members(), path, privileged);
    }
    const bool any = std::ranges::any_of(privileged.list(),
                                         [](const Value& value) { return value.text == "true"; });
    if (any) values.Add(ValueKind::kText, "ALL");
  }

  const Current& input_;
  LazyJson& json_;
};

class ColumnRecord : public Record {
 public:
  ColumnRecord(const Current& input, LazyJson& json) : input_(input), json_(json) {}

  void Get(const FieldPlan& field, Values& values) override {
    const event::Event& event = *input_.event;
    if (input_.raw.starts_with('{')) GetPaths(field, json_, values);
    if (!values.present()) GetColumns(field, event, values);
    switch (field.special) {
      case Virtual::kImage:
        for (std::string& program : Programs())
          values.AddCopy(ValueKind::kText, std::move(program));
        break;
      case Virtual::kCommandLine:
        if (!event[Text::kCommandLine].empty()) {
          values.Add(ValueKind::kText, event[Text::kCommandLine]);
        }
        break;
      case Virtual::kParentImage:
        if (!values.present()) AddParent(values);
        break;
      case Virtual::kUser:
        // A Kubernetes user is no user of the system on which the program runs.
        if (event[Text::kSource] != "k8s_audit" && !event[Text::kUserName].empty()) {
          values.Add(ValueKind::kText, event[Text::kUserName]);
        }
        break;
      case Virtual::kInitiated: values.Add(ValueKind::kBoolean, "true"); break;
      default: break;
    }
  }

  bool ForEachText(const Visit& visit) override { return ForEachScanned(visit); }

  bool ForEachScanned(const Visit& visit) override {
    for (const std::string& program : Programs()) {
      if (visit(program)) return true;
    }
    for (const Text column : {Text::kCommandLine, Text::kPath, Text::kDestinationIp}) {
      if (!(*input_.event)[column].empty() && visit((*input_.event)[column])) return true;
    }
    return false;
  }

 private:
  // The process, unless it is the shell that a history belongs to; else what the command line runs.
  std::vector<std::string> Programs() const {
    const event::Event& event = *input_.event;
    const std::string& process = event[Text::kProcess];
    std::vector<std::string> programs = ProgramsOf(event[Text::kCommandLine]);
    const std::string_view source = event[Text::kSource];
    if (!process.empty() && source != "shell_history" && source != "k8s_audit") {
      programs.push_back(process.contains('/') ? process : "/" + process);
    }
    return programs;
  }

  // Readers keep the name of the parent as a tag.
  void AddParent(Values& values) {
    const std::string_view tags = (*input_.event)[Text::kTags];
    constexpr std::string_view kTag = "parent=";
    const size_t at = tags.find(kTag);
    if (at == std::string_view::npos || (at > 0 && tags[at - 1] != ' ')) return;
    const std::string_view rest = tags.substr(at + kTag.size());
    const std::string name(rest.substr(0, rest.find(' ')));
    values.AddCopy(ValueKind::kText, name.contains('/') ? name : "/" + name);
  }

  const Current& input_;
  LazyJson& json_;
};

class TextRecord : public Record {
 public:
  explicit TextRecord(const Current& input) : input_(input) {}

  void Get(const FieldPlan& field, Values& values) override {
    GetColumns(field, *input_.event, values);
  }

  // Lines of text as they are; of records that are JSON what a program wrote or ran.
  bool ForEachText(const Visit& visit) override {
    const event::Event& event = *input_.event;
    const std::string& source = event[Text::kSource];
    const bool is_wrapped = source == "journal" || source == "docker_json";
    if (is_wrapped && visit(event[Text::kMessage])) return true;
    if (!is_wrapped && !input_.raw.starts_with('{') && visit(input_.raw)) return true;
    return !event[Text::kCommandLine].empty() && visit(event[Text::kCommandLine]);
  }

  bool ForEachScanned(const Visit& visit) override { return ForEachText(visit); }

 private:
  const Current& input_;
};

// One line of an audit log (log/auditd). Lines of one event are not joined, as rules are written
// for single lines.
class AuditLineRecord : public Record {
 public:
  explicit AuditLineRecord(std::string_view line, const log::auditd::Head& head)
      : line_(line), type_(head.type) {
    for (const log::auditd::Field& field : log::auditd::ParseFields(head.rest)) {
      fields_.push_back({field.name, TextOf(field)});
      if (field.name == "arch") arch_ = field.value;
      if (field.name == "syscall") syscall_ = log::auditd::SyscallName(arch_, field.value);
    }
  }

  void Get(const FieldPlan& field, Values& values) override {
    if (field.name == "type") values.Add(ValueKind::kText, type_);
    for (const auto& [name, text] : fields_) {
      if (name == field.name) values.Add(ValueKind::kText, text);
    }
    // auditd itself names the call only where it is told to.
    if (syscall_.empty()) return;
    if (field.name == "syscall" || (field.name == "SYSCALL" && !values.present())) {
      values.Add(ValueKind::kText, syscall_);
    }
  }

  bool ForEachText(const Visit& visit) override { return ForEachScanned(visit); }

  bool ForEachScanned(const Visit& visit) override {
    if (visit(line_) || (!syscall_.empty() && visit(syscall_))) return true;
    return std::ranges::any_of(fields_, [&](const auto& field) { return visit(field.second); });
  }

 private:
  // Arguments of a call are numbers in hexadecimal; of a program, texts that may be encoded so.
  std::string TextOf(const log::auditd::Field& field) const {
    const std::string_view name = field.name;
    const bool is_argument = name.size() > 1 && name[0] == 'a' &&
                             name.substr(1).find_first_not_of("0123456789") == name.npos;
    const bool is_encoded = (is_argument && type_ == "EXECVE") ||
                            std::ranges::find(kEncoded, name) != std::end(kEncoded);
    if (is_encoded && !field.quoted) {
      std::string decoded = log::auditd::Decoded(field);
      if (!decoded.empty()) return decoded;
    }
    return std::string(field.value);
  }

  static constexpr std::string_view kEncoded[] = {"exe",  "comm", "acct", "cwd",      "cmd",
                                                  "name", "key",  "path", "proctitle"};
  const std::string_view line_;
  const std::string_view type_;
  std::string_view arch_;
  std::string_view syscall_;
  std::vector<std::pair<std::string_view, std::string>> fields_;
};

}  // namespace

struct RecordReader::State {
  Current input;
  LazyJson json;
  JsonRecord json_record{input, json};
  ColumnRecord column_record{input, json};
  TextRecord text_record{input};
  std::array<Record*, 1> json_records{&json_record};
  std::array<Record*, 1> column_records{&column_record};
  std::array<Record*, 1> text_records{&text_record};
  std::vector<std::unique_ptr<Record>> lines;  // of an audit log, read when first asked for
  std::vector<Record*> line_records;
  bool lines_are_read = false;
};

RecordReader::RecordReader() : state_(std::make_unique<State>()) {}
RecordReader::~RecordReader() = default;

void RecordReader::Begin(const Input& input) {
  state_->input = {&input.event, input.raw};
  state_->json.Begin(input.raw);
  state_->lines_are_read = false;
}

std::span<Record* const> RecordReader::Read(const View& view) {
  State& state = *state_;
  if (!Applies(view, *state.input.event)) return {};
  switch (view.kind) {
    case ViewKind::kKubernetesAudit:
    case ViewKind::kCloudTrail:
    case ViewKind::kJson: return state.json_records;
    case ViewKind::kProcess:
    case ViewKind::kFile:
    case ViewKind::kNetwork: return state.column_records;
    case ViewKind::kText: return state.text_records;
    case ViewKind::kAuditLine: break;
  }
  if (state.lines_are_read) return state.line_records;
  state.lines_are_read = true;
  state.lines.clear();
  state.line_records.clear();
  const std::string_view raw = state.input.raw;
  for (size_t at = 0; at < raw.size();) {
    const size_t end = std::min(raw.find('\n', at), raw.size());
    const std::string_view line = raw.substr(at, end - at);
    if (const auto head = log::auditd::ParseHead(line)) {
      state.lines.push_back(std::make_unique<AuditLineRecord>(line, *head));
      state.line_records.push_back(state.lines.back().get());
    }
    at = end + 1;
  }
  return state.line_records;
}

}  // namespace ekshume::detect::sigma
