// SPDX-License-Identifier: Apache-2.0
#include "log/klog/fields.h"

#include <algorithm>
#include <string>

#include "log/container_words.h"
#include "log/fields.h"
#include "log/logfmt.h"

namespace ekshume::log::klog {
namespace {

using event::Event;
using event::Number;
using event::Text;

// What the API server says of a request (httplog.go).
struct Request {
  std::string verb;
  std::string uri;
};

// The end of a value in brackets ({Type:containerd ID:...}, ["a", "b"]): behind the bracket that
// closes the first one, quotes looked through; the end of the text when there is none.
size_t BracketsEnd(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return i + 1;
    }
  }
  return text.size();
}

// Takes the next key=value off `text`; `value` may point into `buffer`.
bool TakeKlogField(std::string_view& text, std::string_view& key, std::string_view& value,
                   std::string& buffer) {
  text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
  const size_t equals = text.find_first_of("= \"\n");
  if (equals == std::string_view::npos || equals == 0 || text[equals] != '=') return false;
  key = text.substr(0, equals);
  text.remove_prefix(equals + 1);
  if (text.starts_with('"')) return TakeGoString(text, value, buffer);
  size_t end = 0;
  if (text.starts_with('{') || text.starts_with('[')) {
    end = BracketsEnd(text);
    value = text.substr(0, end);
  } else if (text.starts_with("<\n")) {
    // klog's form of a text of several lines: each behind a tab, then " >".
    end = std::min(text.find("\n >"), text.size());
    value = text.substr(2, end - 2);
    end = std::min(end + 3, text.size());
  } else {
    end = std::min(text.find_first_of(" \n"), text.size());
    value = text.substr(0, end);
  }
  text.remove_prefix(end);
  return true;
}

// "shop/web-1"; a list with one pod in it as well.
void TakePod(std::string_view value, Event& event) {
  if (value.starts_with("[\"") && value.ends_with("\"]")) value = value.substr(2, value.size() - 4);
  const size_t slash = value.find('/');
  if (slash == std::string_view::npos || value.find_first_of("\", ") != std::string_view::npos)
    return;
  event[Text::kNamespace] = value.substr(0, slash);
  event[Text::kPod] = value.substr(slash + 1);
}

// "10.0.0.1:4444", "[::1]:4444"
void TakeSource(std::string_view value, Event& event) {
  const size_t colon = value.rfind(':');
  if (colon == std::string_view::npos) return;
  event[Number::kSourcePort] = ParseInteger(value.substr(colon + 1));
  value = value.substr(0, colon);
  if (value.starts_with('[') && value.ends_with(']')) value = value.substr(1, value.size() - 2);
  event[Text::kSourceIp] = value;
}

void TakeValue(std::string_view key, std::string_view value, Event& event, Request& request) {
  if (key == "pod" || key == "pods") {
    TakePod(value, event);
  } else if (key == "podUID" || key == "podUid") {
    event[Text::kPodUid] = value;
  } else if (key == "containerID" || key == "containerId" || key == "containerid") {
    event[Text::kContainerId] = FindContainerId(value);
  } else if (key == "containerName" || key == "container") {
    event[Text::kContainer] = value;
  } else if (key == "node" || key == "nodeName") {
    event[Text::kNode] = value;
  } else if (key == "image") {
    event[Text::kImage] = value;
  } else if (key == "err" || key == "error") {
    event[Text::kError] = value;
  } else if (key == "verb") {
    request.verb = value;
  } else if (key == "URI") {
    request.uri = value;
  } else if (key == "resp") {
    event[Number::kStatusCode] = ParseInteger(value);
  } else if (key == "srcIP") {
    TakeSource(value, event);
  } else if (key == "userAgent") {
    event[Text::kUserAgent] = value;
  } else if (key == "audit-ID" || key == "auditID") {
    event[Text::kRecordId] = value;
  }
}

// The kubelet's old way to name a pod: name_namespace(uid) (pkg/kubelet/util/format).
void FindOldPodName(std::string_view text, Event& event) {
  for (size_t at = text.find('('); at != std::string_view::npos; at = text.find('(', at + 1)) {
    if (text.size() < at + 38 || text[at + 37] != ')' || !IsUid(text.substr(at + 1, 36))) continue;
    const std::string_view before = text.substr(0, at);
    const size_t begin = before.find_last_of(" \"(,[") + 1;  // 0 when there is none
    const std::string_view name = before.substr(begin);
    const size_t underscore = name.find('_');
    if (underscore == std::string_view::npos) continue;
    event[Text::kPod] = name.substr(0, underscore);
    event[Text::kNamespace] = name.substr(underscore + 1);
    event[Text::kPodUid] = text.substr(at + 1, 36);
    return;
  }
}

// The other ways in which programs that do not write fields name a pod or container:
//   pod "web-1" (UID: "b425..."), a cgroup's path .../podb425.../505e..., Container ID: 505e...
void FindOldWords(std::string_view text, Event& event) {
  FindOldPodName(text, event);
  if (event[Text::kPodUid].empty()) {
    if (const std::string_view uid = Between(text, "(UID: \"", "\")"); IsUid(uid)) {
      event[Text::kPodUid] = uid;
      event[Text::kPod] = Between(text, "pod \"", "\" (UID");
    } else if (const size_t at = text.find("/pod"); at != std::string_view::npos) {
      if (IsUid(text.substr(at + 4, 36))) event[Text::kPodUid] = text.substr(at + 4, 36);
    }
  }
  event[Text::kContainerId] = FindContainerId(text);
}

// FLAG: --anonymous-auth="false": what a program prints at its start.
bool ReadFlag(std::string_view text, Event& event) {
  constexpr std::string_view kFlag = "FLAG: --";
  if (!text.starts_with(kFlag)) return false;
  text.remove_prefix(kFlag.size());
  event[Text::kAction] = "flag";
  event[Text::kObjectKind] = "flag";
  event[Text::kObjectName] = text.substr(0, text.find('='));
  event[Text::kMessage] = "started with --";
  event[Text::kMessage] += text;
  return true;
}

void FinishRequest(const Request& request, Event& event) {
  if (request.uri.empty()) return;
  for (const char c : request.verb) {
    event[Text::kAction] += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  event[Text::kObjectKind] = "url";
  event[Text::kObjectName] = request.uri.substr(0, request.uri.find('?'));
  if (event[Number::kStatusCode]) {
    event[Text::kOutcome] = *event[Number::kStatusCode] < 400 ? "success" : "failure";
  }
}

}  // namespace

void ReadText(std::string_view text, Event& event) {
  if (ReadFlag(text, event)) return;
  event[Text::kMessage] = text;
  std::string buffer;
  std::string_view sentence;
  std::string_view rest = text;
  if (!TakeGoString(rest, sentence, buffer) || !(rest.empty() || rest.starts_with(' '))) {
    FindOldWords(text, event);
    return;
  }
  const std::string first(sentence);
  Request request;
  std::string_view key;
  std::string_view value;
  while (TakeKlogField(rest, key, value, buffer)) TakeValue(key, value, event, request);
  FinishRequest(request, event);
  if (event[Text::kPod].empty() && event[Text::kContainerId].empty()) FindOldWords(first, event);
}

}  // namespace ekshume::log::klog
