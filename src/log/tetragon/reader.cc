// SPDX-License-Identifier: Apache-2.0
#include "log/tetragon/reader.h"

#include <algorithm>

#include "log/fields.h"
#include "log/json.h"

namespace ekshume::log::tetragon {
namespace {

using event::Event;
using event::Number;
using event::Text;

constexpr std::string_view kKinds[] = {"process_exec",       "process_exit",   "process_kprobe",
                                       "process_tracepoint", "process_uprobe", "process_lsm",
                                       "process_loader"};

std::string_view View(JsonValue value) {
  std::string_view text;
  JsonView(value, text);
  return text;
}

// What an event says besides its process.
struct Happening {
  std::string_view kind;
  std::string_view binary;
  std::string_view arguments;
  std::string_view exec_id;
  std::string_view parent_binary;
  std::string_view function;
  std::string_view policy;
  std::string_view action;  // KPROBE_ACTION_SIGKILL
  std::string_view signal;
  std::optional<int64_t> status;
  std::string_view node;
};

void ReadContainer(JsonValue value, Event& event) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "id") {
      event[Text::kContainerId] = AfterLast(View(inner), '/');  // containerd://<id>
    } else if (key == "name") {
      event[Text::kContainer] = View(inner);
    } else if (key == "image") {
      ForEachMember(inner, [&](std::string_view name, JsonValue text) {
        if (name == "name") event[Text::kImage] = View(text);
      });
    }
  });
}

void ReadPod(JsonValue value, Event& event) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "namespace") event[Text::kNamespace] = View(inner);
    if (key == "name") event[Text::kPod] = View(inner);
    if (key == "uid") event[Text::kPodUid] = View(inner);
    if (key == "container") ReadContainer(inner, event);
  });
}

void ReadProcess(JsonValue value, Event& event, Happening& happening) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "exec_id") {
      happening.exec_id = View(inner);
    } else if (key == "pid") {
      event[Number::kPid] = JsonInteger(inner);
    } else if (key == "uid") {
      // A number; the kernel knows no names.
      JsonText(inner, event[Text::kUserName]);
    } else if (key == "binary") {
      happening.binary = View(inner);
    } else if (key == "arguments") {
      happening.arguments = View(inner);
    } else if (key == "docker") {
      SetIfEmpty(event[Text::kContainerId], View(inner));  // the first 31 digits
    } else if (key == "pod") {
      ReadPod(inner, event);
    }
  });
}

void ReadParent(JsonValue value, Happening& happening) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "binary") happening.parent_binary = View(inner);
  });
}

void ReadSocket(JsonValue value, Event& event) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "saddr") event[Text::kSourceIp] = View(inner);
    if (key == "daddr") event[Text::kDestinationIp] = View(inner);
    if (key == "sport") event[Number::kSourcePort] = JsonInteger(inner);
    if (key == "dport") event[Number::kDestinationPort] = JsonInteger(inner);
  });
}

// [{"file_arg":{"path":"/etc/shadow"}}, {"sock_arg":{...}}, {"string_arg":"..."}, {"int_arg":4}]
void ReadArgument(JsonValue value, Event& event) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "file_arg" || key == "path_arg") {
      ForEachMember(inner, [&](std::string_view name, JsonValue text) {
        if (name == "path") SetIfEmpty(event[Text::kPath], View(text));
      });
    } else if (key == "sock_arg" || key == "sockaddr_arg" || key == "skb_arg") {
      ReadSocket(inner, event);
    } else if (key == "string_arg") {
      const std::string_view text = View(inner);
      if (text.starts_with('/')) SetIfEmpty(event[Text::kPath], text);
    }
  });
}

void ReadHappening(JsonValue value, Event& event, Happening& happening) {
  ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key == "process") {
      ReadProcess(inner, event, happening);
    } else if (key == "parent") {
      ReadParent(inner, happening);
    } else if (key == "function_name" || key == "event" || key == "symbol") {
      happening.function = View(inner);
    } else if (key == "policy_name") {
      happening.policy = View(inner);
    } else if (key == "action") {
      happening.action = View(inner);
    } else if (key == "signal") {
      happening.signal = View(inner);
    } else if (key == "status") {
      happening.status = JsonInteger(inner);
    } else if (key == "args") {
      ForEachElement(inner, [&](JsonValue argument) { ReadArgument(argument, event); });
    }
  });
}

void FillMessage(const Happening& happening, Event& event) {
  std::string& message = event[Text::kMessage];
  const std::string& command = event[Text::kCommandLine];
  if (happening.kind == "process_exec") {
    message = "started ";
    message += command;
  } else if (happening.kind == "process_exit") {
    message = command;
    message += " ended";
    if (!happening.signal.empty()) {
      message += " by ";
      message += happening.signal;
    } else if (happening.status) {
      message += " with status ";
      message += std::to_string(*happening.status);
    }
  } else {
    message = command;
    message += " called ";
    message += happening.function.empty() ? happening.kind : happening.function;
    if (!event[Text::kPath].empty()) {
      message += " on ";
      message += event[Text::kPath];
    } else if (!event[Text::kDestinationIp].empty()) {
      message += " to ";
      message += event[Text::kDestinationIp];
      if (event[Number::kDestinationPort]) {
        message += ':';
        message += std::to_string(*event[Number::kDestinationPort]);
      }
    }
  }
  if (event[Text::kPod].empty()) return;
  message += " in pod ";
  message += event[Text::kNamespace];
  message += '/';
  message += event[Text::kPod];
}

void Fill(const Happening& happening, Event& event) {
  event[Text::kTimeKind] = "Event Time";
  event[Text::kNode] = happening.node;
  event[Text::kProcess] = happening.binary;
  // Tetragon quotes arguments that hold blanks itself.
  AppendArgument(event[Text::kCommandLine], happening.binary);
  if (!happening.arguments.empty()) {
    event[Text::kCommandLine] += ' ';
    event[Text::kCommandLine] += happening.arguments;
  }
  event[Text::kAction] = happening.function.empty() ? happening.kind : happening.function;
  event[Number::kStatusCode] = happening.status;
  event[Text::kRecordId] = happening.exec_id;
  AddTag(event, "parent", happening.parent_binary);
  AddTag(event, "policy", happening.policy);
  AddTag(event, "signal", happening.signal);
  if (happening.action.ends_with("SIGKILL") || happening.action.ends_with("OVERRIDE")) {
    event.AddTag("blocked");
  }
  FillMessage(happening, event);
}

bool IsKind(std::string_view key) { return std::ranges::find(kKinds, key) != std::end(kKinds); }

class Reader final : public Format {
 public:
  std::string_view name() const override { return "tetragon"; }
  std::string_view description() const override {
    return "Tetragon's JSON export: processes, and calls that its policies watch";
  }

  Match Sniff(std::string_view record) const override {
    if (!record.starts_with('{')) return Match::kNo;
    const bool kind =
        std::ranges::any_of(kKinds, [&](std::string_view name) { return HasKey(record, name); });
    return kind && HasKey(record, "process") ? Match::kYes : Match::kNo;
  }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& /*diagnostics*/) const override {
    Happening happening;
    const bool whole = ForEachMember(record, [&](std::string_view key, JsonValue value) {
      if (IsKind(key)) {
        happening.kind = key;
        ReadHappening(value, event, happening);
      } else if (key == "time") {
        event.time = ParseTimestamp(View(value));
      } else if (key == "node_name") {
        happening.node = View(value);
      } else if (key == "cluster_name") {
        event[Text::kCluster] = View(value);
      }
    });
    if (!whole) return Sniff(record.bytes) == Match::kNo ? Outcome::kNotMine : Outcome::kDamaged;
    if (happening.kind.empty() || happening.binary.empty()) return Outcome::kNotMine;
    Fill(happening, event);
    sink.Add(event);
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& TetragonFormat() {
  static const Reader reader;
  return reader;
}

}  // namespace ekshume::log::tetragon
