// SPDX-License-Identifier: Apache-2.0
#include "log/k8s_audit/request_uri.h"

#include "base/hex.h"
#include "base/limits.h"
#include "log/fields.h"

namespace ekshume::log::k8s_audit {

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
        AppendArgument(request.command_line, DecodeForm(value));
      } else {
        request.arguments_left_out = true;
      }
    } else if (key == "container") {
      request.container = DecodeForm(value);
    } else if (key == "stdin") {
      request.standard_input = value == "true" || value == "1";
    } else if (key == "tty") {
      request.terminal = value == "true" || value == "1";
    }
  }
  return request;
}

}  // namespace ekshume::log::k8s_audit
