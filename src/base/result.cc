// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

namespace ekshume {

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound: return "not_found";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kCorrupt: return "corrupt";
    case ErrorCode::kOutOfRange: return "out_of_range";
    case ErrorCode::kIo: return "io";
    case ErrorCode::kInvalidArgument: return "invalid_argument";
    case ErrorCode::kLimit: return "limit";
    case ErrorCode::kNoSpace: return "no_space";
    case ErrorCode::kCancelled: return "cancelled";
  }
  return "unknown";
}

Error WithContext(Error error, std::string_view context) {
  error.message.insert(0, ": ").insert(0, context);
  return error;
}

}  // namespace ekshume
