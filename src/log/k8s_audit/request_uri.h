// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

// What the URI of an exec or attach request says (k8s.io/api/core/v1 PodExecOptions).
namespace ekshume::log::k8s_audit {

struct ExecRequest {
  std::string command_line;  // the repeated `command` parameters as one command line
  std::string container;     // "" when the pod has one container and the client did not name it
  bool standard_input = false;
  bool terminal = false;
  bool arguments_left_out = false;  // there are more than limits::kMaxArguments
};
ExecRequest ReadExecRequest(std::string_view request_uri);

}  // namespace ekshume::log::k8s_audit
