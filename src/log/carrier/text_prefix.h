// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

namespace ekshume::log {

// What CloudWatch writes before a message that was exported as text.
struct TextPrefix {
  Timestamp time;
  std::string_view log_stream;  // `aws logs tail` only
  std::string_view message;     // what follows
};

// The two forms: `2021-07-10T20:27:23.000Z MESSAGE` (an export to S3) and
// `2021-07-10T20:27:23.782000+00:00 STREAM MESSAGE` (`aws logs tail`). Nothing when the line begins
// with neither.
std::optional<TextPrefix> ParseTextPrefix(std::string_view line);

// Whether a line names the columns of a Logs Insights result as CSV, in any order.
bool IsInsightsHeader(std::string_view line);

}  // namespace ekshume::log
