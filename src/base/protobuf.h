// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

// The wire format of Protocol Buffers, for messages whose few fields of interest are known by
// number. Specification: protobuf.dev, "Encoding".
namespace ekshume {

// Reads a varint at the front of `bytes` and removes it; nothing when it is cut off or longer than
// 64 bits.
std::optional<uint64_t> TakeVarint(std::string_view& bytes);
// The same for a length and the bytes of that length.
std::optional<std::string_view> TakeLengthDelimited(std::string_view& bytes);

// "sint32", "sint64": zig-zag.
constexpr int64_t DecodeZigZag(uint64_t raw) {
  const auto magnitude = static_cast<int64_t>(raw >> 1U);
  return (raw & 1U) != 0 ? ~magnitude : magnitude;
}

// One field of a message.
struct WireField {
  enum class Kind : uint8_t { kNumber, kBytes };
  uint32_t number = 0;
  Kind kind = Kind::kNumber;
  uint64_t value = 0;      // of a varint, fixed32 or fixed64
  std::string_view bytes;  // of a length-delimited field; a view of the message
};

// The fields of one message in the order in which they lie there. `message` must outlive it. One
// thread.
class WireReader {
 public:
  explicit WireReader(std::string_view message) : rest_(message) {}

  // The next field; false at the end, and when the rest makes no sense (then damaged() is true).
  bool Next(WireField& field);
  bool damaged() const { return damaged_; }

 private:
  bool Damage();

  std::string_view rest_;
  bool damaged_ = false;
};

// The numbers of a repeated field, packed or not, in one call for each field met. False when packed
// ones are cut off; those before are added.
bool AddNumbers(const WireField& field, std::vector<uint64_t>& numbers);

}  // namespace ekshume
