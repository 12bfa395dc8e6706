// SPDX-License-Identifier: Apache-2.0
#include "base/protobuf.h"

#include "base/byte_view.h"
#include "base/endian.h"

namespace ekshume {
namespace {

// Wire types.
constexpr uint64_t kVarint = 0;
constexpr uint64_t kFixed64 = 1;
constexpr uint64_t kLengthDelimited = 2;
constexpr uint64_t kFixed32 = 5;

// A number of fixed size at the front, which is removed.
template <typename T>
std::optional<uint64_t> TakeFixed(std::string_view& bytes) {
  const auto raw = ByteView::Of(bytes).Read<T>(0);
  if (!raw) return std::nullopt;
  bytes.remove_prefix(sizeof(T));
  return raw->value();
}

}  // namespace

std::optional<uint64_t> TakeVarint(std::string_view& bytes) {
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

std::optional<std::string_view> TakeLengthDelimited(std::string_view& bytes) {
  const auto length = TakeVarint(bytes);
  if (!length || *length > bytes.size()) return std::nullopt;
  const std::string_view value = bytes.substr(0, *length);
  bytes.remove_prefix(*length);
  return value;
}

bool WireReader::Damage() {
  damaged_ = true;
  return false;
}

bool WireReader::Next(WireField& field) {
  if (damaged_ || rest_.empty()) return false;
  const auto tag = TakeVarint(rest_);
  // A field number has 29 bits, and 0 is none.
  if (!tag || (*tag >> 3U) == 0 || (*tag >> 3U) >= (uint64_t{1} << 29U)) return Damage();
  field = WireField{};
  field.number = static_cast<uint32_t>(*tag >> 3U);
  std::optional<uint64_t> value;
  switch (*tag & 7U) {
    case kVarint: value = TakeVarint(rest_); break;
    case kFixed64: value = TakeFixed<le64>(rest_); break;
    case kFixed32: value = TakeFixed<le32>(rest_); break;
    case kLengthDelimited: {
      const auto bytes = TakeLengthDelimited(rest_);
      if (!bytes) return Damage();
      field.kind = WireField::Kind::kBytes;
      field.bytes = *bytes;
      return true;
    }
    default: return Damage();  // groups, which nobody writes any more
  }
  if (!value) return Damage();
  field.value = *value;
  return true;
}

bool AddNumbers(const WireField& field, std::vector<uint64_t>& numbers) {
  if (field.kind == WireField::Kind::kNumber) {
    numbers.push_back(field.value);
    return true;
  }
  std::string_view rest = field.bytes;
  while (!rest.empty()) {
    const auto value = TakeVarint(rest);
    if (!value) return false;
    numbers.push_back(*value);
  }
  return true;
}

}  // namespace ekshume
