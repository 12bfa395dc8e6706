// SPDX-License-Identifier: Apache-2.0
#include "log/k8s_audit/request_uri.h"

#include "base/limits.h"
#include "log/fields.h"

namespace ekshume::log::k8s_audit {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// application/x-www-form-urlencoded: '+' is a space; a '%' that begins no escape stays.
std::string Decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
        HexDigit(text[i + 2]) >= 0) {
      out += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace

ExecRequest ReadExecRequest(std::string_view request_uri) {
  ExecRequest request;
  const size_t query = request_uri.find('?');
  if (query == std::string_view::npos) return request;
  std::string_view rest = request_uri.substr(query + 1);
  size_t arguments = 0;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(pair.size() < rest.size() ? pair.size() + 1 : rest.size());
    const size_t equals = pair.find('=');
    const std::string_view key = pair.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    if (key == "command") {
      if (++arguments <= limits::kMaxArguments) {
        AppendArgument(request.command_line, Decode(value));
      } else {
        request.arguments_left_out = true;
      }
    } else if (key == "container") {
      request.container = Decode(value);
    } else if (key == "stdin") {
      request.standard_input = value == "true" || value == "1";
    } else if (key == "tty") {
      request.terminal = value == "true" || value == "1";
    }
  }
  return request;
}

}  // namespace ekshume::log::k8s_audit
