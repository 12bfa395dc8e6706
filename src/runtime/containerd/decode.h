// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"
#include "runtime/bolt/database.h"
#include "runtime/model.h"

// The encodings of values in containerd's databases. Each gives nothing for bytes that are not of
// its form.
namespace ekshume::runtime::containerd {

// Nothing also for Go's zero time.
std::optional<Timestamp> DecodeGoTime(std::string_view bytes);
// encoding/binary's Uvarint and zig-zag Varint.
std::optional<uint64_t> DecodeUvarint(std::string_view bytes);
std::optional<int64_t> DecodeVarint(std::string_view bytes);

// A google.protobuf.Any; the views point into the bytes.
struct Any {
  std::string_view type_url;
  std::string_view value;
};
std::optional<Any> DecodeAny(std::string_view bytes);

// Values of a bucket: "" or nothing when absent or damaged.
std::string TextAt(const bolt::Bucket& bucket, std::string_view key);
std::optional<Timestamp> TimeAt(const bolt::Bucket& bucket, std::string_view key);
// The texts of the bucket `name` inside `bucket`.
Labels LabelsAt(const bolt::Bucket& bucket, std::string_view name);

}  // namespace ekshume::runtime::containerd
