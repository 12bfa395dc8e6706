// SPDX-License-Identifier: Apache-2.0
#include "runtime/containerd/decode.h"

#include "base/byte_view.h"
#include "base/checked.h"
#include "runtime/containerd/format.h"

namespace ekshume::runtime::containerd {
namespace {

// Reads a varint at the front of `bytes` and removes it.
std::optional<uint64_t> TakeUvarint(std::string_view& bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size() && i < 10; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (i == 9 && byte > 1) return std::nullopt;  // more than 64 bits
    value |= static_cast<uint64_t>(byte & 0x7fU) << (7 * i);
    if ((byte & 0x80U) == 0) {
      bytes.remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

// Reads a length-delimited protobuf field's bytes and removes them.
std::optional<std::string_view> TakeBytes(std::string_view& bytes) {
  const auto length = TakeUvarint(bytes);
  if (!length || *length > bytes.size()) return std::nullopt;
  const std::string_view value = bytes.substr(0, *length);
  bytes.remove_prefix(*length);
  return value;
}

}  // namespace

std::optional<Timestamp> DecodeGoTime(std::string_view bytes) {
  const auto raw = ByteView::Of(bytes).Read<GoTime>(0);
  if (!raw || (raw->version != 1 && raw->version != 2)) return std::nullopt;
  const auto seconds = CheckedAdd(static_cast<int64_t>(raw->seconds.value()), kGoToUnixSeconds);
  const uint32_t nanoseconds = raw->nanoseconds.value();
  if (!seconds || nanoseconds > 999999999U) return std::nullopt;
  if (*seconds == kGoToUnixSeconds) return std::nullopt;
  return Timestamp{*seconds, nanoseconds};
}

std::optional<uint64_t> DecodeUvarint(std::string_view bytes) { return TakeUvarint(bytes); }

std::optional<int64_t> DecodeVarint(std::string_view bytes) {
  const auto raw = TakeUvarint(bytes);
  if (!raw) return std::nullopt;
  const auto magnitude = static_cast<int64_t>(*raw >> 1U);
  return (*raw & 1U) != 0 ? ~magnitude : magnitude;
}

std::optional<Any> DecodeAny(std::string_view bytes) {
  Any any;
  while (!bytes.empty()) {
    const auto tag = TakeUvarint(bytes);
    // Both known fields are length-delimited (wire type 2), and so may an unknown one be.
    if (!tag || (*tag & 7U) != 2) return std::nullopt;
    const auto value = TakeBytes(bytes);
    if (!value) return std::nullopt;
    if (*tag == kAnyTypeUrlTag) any.type_url = *value;
    if (*tag == kAnyValueTag) any.value = *value;
  }
  return any;
}

std::string TextAt(const bolt::Bucket& bucket, std::string_view key) {
  return std::string(bucket.Get(key).value_or(""));
}

std::optional<Timestamp> TimeAt(const bolt::Bucket& bucket, std::string_view key) {
  const auto value = bucket.Get(key);
  if (!value) return std::nullopt;
  return DecodeGoTime(*value);
}

Labels LabelsAt(const bolt::Bucket& bucket, std::string_view name) {
  Labels labels;
  if (const auto child = bucket.Child(name)) {
    child->ForEach([&](const bolt::Item& item) {
      if (!item.is_bucket) labels[std::string(item.key)] = std::string(item.value);
      return true;
    });
  }
  return labels;
}

}  // namespace ekshume::runtime::containerd
