// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <utility>

#include "base/limits.h"
#include "base/result.h"

namespace ekshume::live::wire {

// Counts the pages of one list, so that a service that always says "next page" is left at some
// time.
class PageCount {
 public:
  explicit PageCount(std::string what) : what_(std::move(what)) {}
  // To be called before each page; kLimit beyond limits::kMaxAnswerPages.
  Result<void> Another() {
    if (pages_ < limits::kMaxAnswerPages) {
      ++pages_;
      return {};
    }
    return Fail(ErrorCode::kLimit, fmt::format("{} has more than {} pages (kMaxAnswerPages)", what_,
                                               limits::kMaxAnswerPages));
  }

 private:
  const std::string what_;
  size_t pages_ = 0;
};

}  // namespace ekshume::live::wire
