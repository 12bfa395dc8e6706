// SPDX-License-Identifier: Apache-2.0
#include "log/falco/fields.h"

#include <algorithm>
#include <string>

#include "log/fields.h"

namespace ekshume::log::falco {
namespace {

using event::Event;
using event::Number;
using event::Text;

struct TextField {
  std::string_view name;
  Text column;
};

// https://falco.org/docs/reference/rules/supported-fields, and those of the plugins k8saudit (ka.)
// and cloudtrail (ct.).
constexpr TextField kFields[] = {
    {"container.id", Text::kContainerId},
    {"container.name", Text::kContainer},
    {"k8s.ns.name", Text::kNamespace},
    {"k8s.pod.name", Text::kPod},
    {"k8s.pod.uid", Text::kPodUid},
    {"proc.cmdline", Text::kCommandLine},
    {"proc.exepath", Text::kProcess},
    {"proc.name", Text::kProcess},
    {"user.name", Text::kUserName},
    {"fd.sip", Text::kDestinationIp},
    {"fd.rip", Text::kDestinationIp},
    {"fd.cip", Text::kSourceIp},
    {"fd.lip", Text::kSourceIp},
    {"ka.user.name", Text::kUserName},
    {"ka.target.namespace", Text::kNamespace},
    {"ka.target.resource", Text::kObjectKind},
    {"ka.target.name", Text::kObjectName},
    {"ka.auditid", Text::kRecordId},
    {"ka.sourceips", Text::kSourceIp},
    {"ka.useragent", Text::kUserAgent},
    {"ct.user", Text::kUserName},
    {"ct.user.arn", Text::kUserArn},
    {"ct.srcip", Text::kSourceIp},
    {"ct.useragent", Text::kUserAgent},
    {"ct.region", Text::kRegion},
    {"ct.recipientaccountid", Text::kAccountId},
};

struct Alias {
  std::string_view name;
  std::string_view field;
};

// What Falco's own rules write before values, in the order of their versions.
constexpr Alias kAliases[] = {
    {"user", "user.name"},
    {"process", "proc.name"},
    {"proc_name", "proc.name"},
    {"proc_exepath", "proc.exepath"},
    {"command", "proc.cmdline"},
    {"cmdline", "proc.cmdline"},
    {"file", "fd.name"},
    {"container_id", "container.id"},
    {"container_name", "container.name"},
    {"container_image", "container.image.repository"},
    {"container_image_repository", "container.image.repository"},
    {"image", "container.image.repository"},
    {"container_image_tag", "container.image.tag"},
    {"k8s_ns", "k8s.ns.name"},
    {"k8s_ns_name", "k8s.ns.name"},
    {"k8s.ns", "k8s.ns.name"},
    {"k8s_pod_name", "k8s.pod.name"},
    {"k8s.pod", "k8s.pod.name"},
    {"connection", "fd.name"},
};

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

// Where the next " name=" begins; the end of the text when there is none. Values may hold spaces.
size_t NextName(std::string_view text) {
  for (size_t at = text.find('='); at != std::string_view::npos; at = text.find('=', at + 1)) {
    size_t begin = at;
    while (begin > 0 && IsNameCharacter(text[begin - 1])) --begin;
    if (begin < at && begin > 0 && text[begin - 1] == ' ') return begin - 1;
  }
  return text.size();
}

// "10.0.0.1:4444", "::1:4444"
void TakeEndpoint(std::string_view value, Text address, Number port, Event& event) {
  const size_t colon = value.rfind(':');
  if (colon == std::string_view::npos) return;
  SetIfEmpty(event[address], value.substr(0, colon));
  if (!event[port]) event[port] = ParseInteger(value.substr(colon + 1));
}

// fd.name: a file, or a connection "10.0.0.1:4444->198.51.100.23:443".
void TakeFile(std::string_view value, Event& event) {
  if (value.starts_with('/')) {
    event[Text::kPath] = value;
  } else if (const size_t arrow = value.find("->"); arrow != std::string_view::npos) {
    TakeEndpoint(value.substr(0, arrow), Text::kSourceIp, Number::kSourcePort, event);
    TakeEndpoint(value.substr(arrow + 2), Text::kDestinationIp, Number::kDestinationPort, event);
  }
}

}  // namespace

void TakeField(std::string_view name, std::string_view value, Event& event) {
  if (value.empty() || value == "<NA>" || value == "null") return;
  if (name == "container.image.repository") {
    std::string& image = event[Text::kImage];
    if (image.empty() || image.front() == ':') image.insert(0, value);
  } else if (name == "container.image.tag") {
    std::string& image = event[Text::kImage];
    if (AfterLast(image, '/').find(':') == std::string_view::npos) {
      image += ':';
      image += value;
    }
  } else if (name == "fd.name") {
    TakeFile(value, event);
  } else if (name == "proc.pid") {
    event[Number::kPid] = ParseInteger(value);
  } else if (name == "fd.sport" || name == "fd.rport") {
    event[Number::kDestinationPort] = ParseInteger(value);
  } else if (name == "fd.cport" || name == "fd.lport") {
    event[Number::kSourcePort] = ParseInteger(value);
  } else if (name == "proc.exepath") {
    event[Text::kProcess] = value;  // better than the name
  } else if (name == "proc.pname") {
    AddTag(event, "parent", value);
  } else if (const auto* field = std::ranges::find(kFields, name, &TextField::name);
             field != std::end(kFields)) {
    SetIfEmpty(event[field->column], value);
  }
}

void TakeTextFields(std::string_view output, Event& event) {
  // The fields are in brackets at the end or, in newer rules, behind a bar; the sentence before
  // them holds no name=value.
  size_t at = NextName(output);
  if (const size_t bracket = output.find('('); bracket < at) at = bracket;
  output.remove_prefix(std::min(at + 1, output.size()));
  if (output.ends_with(')')) output.remove_suffix(1);
  while (!output.empty()) {
    const size_t equals = output.find('=');
    if (equals == std::string_view::npos) return;
    const std::string_view name = output.substr(0, equals);
    output.remove_prefix(equals + 1);
    const std::string_view value = output.substr(0, NextName(output));
    output.remove_prefix(std::min(value.size() + 1, output.size()));
    const auto* alias = std::ranges::find(kAliases, name, &Alias::name);
    TakeField(alias == std::end(kAliases) ? name : alias->field, value, event);
  }
}

std::string_view SeverityOf(std::string_view priority) {
  if (priority == "Emergency" || priority == "Alert" || priority == "Critical") return "critical";
  if (priority == "Error") return "high";
  if (priority == "Warning") return "medium";
  if (priority == "Notice") return "low";
  if (priority == "Informational" || priority == "Info" || priority == "Debug") {
    return "informational";
  }
  return {};
}

}  // namespace ekshume::log::falco
