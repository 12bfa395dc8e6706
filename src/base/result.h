// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace ekshume {

// Why an operation could not go on. Decides nothing by itself: the CLI maps it to an exit code.
enum class ErrorCode {
  kNotFound,         // the thing that was asked for is not in the evidence
  kUnsupported,      // known but not implemented, or an unknown feature, refused by name
  kCorrupt,          // the evidence contradicts itself or its specification
  kOutOfRange,       // a read beyond the end of the evidence or of a structure
  kIo,               // the operating system failed a read or write
  kInvalidArgument,  // the caller's request makes no sense (usage)
  kLimit,            // a named limit of base/limits.h was reached
  kNoSpace,          // the disk we export to is full
  kCancelled,        // the user asked to stop
};

// The stable lower-case name of a code ("not_found"), as it appears in JSON.
std::string_view ErrorCodeName(ErrorCode code);

// One failed operation. `message` is a sentence for the user, without a final full stop; it carries
// the offset and both values where bytes were wrong.
struct Error {
  ErrorCode code;
  std::string message;
};

// The outcome of an operation that can fail: a value, or an Error. Never ignored.
template <typename T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using Base = std::expected<T, Error>;
  using Base::Base;
  Result(Error error)  // NOLINT(google-explicit-constructor): `return Fail(...)` makes a Result
      : Base(std::unexpected(std::move(error))) {}

  Error& error() & { return Base::error(); }
  const Error& error() const& { return Base::error(); }
  Error&& error() && { return std::move(Base::error()); }
};

// Makes an Error; `return Fail(ErrorCode::kCorrupt, fmt::format(...))` reads as a sentence.
inline Error Fail(ErrorCode code, std::string message) { return Error{code, std::move(message)}; }

// Puts `context` and ": " before the message of `error`.
Error WithContext(Error error, std::string_view context);

}  // namespace ekshume

// The value of a Result, or a return of its Error from the enclosing function:
//   uint64_t size = EKSHUME_TRY(file->Size());
#define EKSHUME_TRY(expression)                                    \
  __extension__({                                                  \
    auto&& ekshume_result_ = (expression);                         \
    if (!ekshume_result_.has_value()) [[unlikely]] {               \
      return ::ekshume::Error(std::move(ekshume_result_).error()); \
    }                                                              \
    ::ekshume::internal::Take(std::move(ekshume_result_));         \
  })

namespace ekshume::internal {
template <typename T>
T Take(Result<T>&& result) {
  return std::move(*result);
}
inline void Take(Result<void>&&) {}
}  // namespace ekshume::internal
