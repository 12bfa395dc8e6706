// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

namespace ekshume::log::web_access {

// One request. Views are those of the line; empty for "-" and what the format does not have.
struct Request {
  Timestamp time;
  std::string_view client, client_port, user, target, target_port, balancer;
  std::string_view request;  // "GET /path HTTP/1.1"; empty where there was a connection only
  std::string_view status, bytes_sent, bytes_received, referer, user_agent;
};

// What a line is; kDamaged when it begins as one and is not whole.
enum class Kind : uint8_t { kOther, kRequest, kDamaged };

Kind ParseCommonLog(std::string_view line, Request& request);
Kind ParseLoadBalancer(std::string_view line, Request& request);

}  // namespace ekshume::log::web_access
