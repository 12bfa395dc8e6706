// SPDX-License-Identifier: Apache-2.0
#include "runtime/containerd/decode.h"

#include "base/byte_view.h"
#include "base/checked.h"
#include "base/protobuf.h"
#include "runtime/containerd/format.h"

namespace ekshume::runtime::containerd {
std::optional<Timestamp> DecodeGoTime(std::string_view bytes) {
  const auto raw = ByteView::Of(bytes).Read<GoTime>(0);
  if (!raw || (raw->version != 1 && raw->version != 2)) return std::nullopt;
  const auto seconds = CheckedAdd(static_cast<int64_t>(raw->seconds.value()), kGoToUnixSeconds);
  const uint32_t nanoseconds = raw->nanoseconds.value();
  if (!seconds || nanoseconds > 999999999U) return std::nullopt;
  if (*seconds == kGoToUnixSeconds) return std::nullopt;
  return Timestamp{*seconds, nanoseconds};
}

std::optional<uint64_t> DecodeUvarint(std::string_view bytes) { return TakeVarint(bytes); }

std::optional<int64_t> DecodeVarint(std::string_view bytes) {
  const auto raw = TakeVarint(bytes);
  if (!raw) return std::nullopt;
  return DecodeZigZag(*raw);
}

std::optional<Any> DecodeAny(std::string_view bytes) {
  Any any;
  WireReader fields(bytes);
  for (WireField field; fields.Next(field);) {
    if (field.kind != WireField::Kind::kBytes) return std::nullopt;
    if (field.number == kAnyTypeUrl) any.type_url = field.bytes;
    if (field.number == kAnyValue) any.value = field.bytes;
  }
  if (fields.damaged()) return std::nullopt;
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
