// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "log/json.h"

namespace ekshume::log::cloudtrail {

// Chooses what an API call was done to from its parameters: the best of all values that are
// offered. Views are those of the record being read.
class ObjectName {
 public:
  // A member of requestParameters. False when the JSON is broken.
  bool OfferRequest(std::string_view key, JsonValue value);
  // The same for a value that was read already.
  void OfferRequest(std::string_view key, std::string_view text);
  // A member of responseElements, for calls that make something: only what is surely a name.
  bool OfferResponse(std::string_view key, JsonValue value);
  // The ARN of an element of `resources`; the first one counts.
  void OfferResource(std::string_view arn);

  // Empty when there was nothing. "bucket/key" for objects of S3.
  void AppendTo(std::string& out) const;

 private:
  bool Offer(int rank, JsonValue value);
  void Take(int rank, std::string_view text);

  static constexpr int kNothing = 1 << 20;
  int rank_ = kNothing;
  std::string_view best_;
  std::string_view bucket_;
  std::string_view key_;
};

}  // namespace ekshume::log::cloudtrail
