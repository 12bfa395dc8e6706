// SPDX-License-Identifier: Apache-2.0
#include "base/protobuf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace ekshume {
namespace {

using namespace std::string_view_literals;
using ::testing::ElementsAre;

// The examples of protobuf.dev, "Encoding": 150, "testing", a message inside.
TEST(WireReader, ReadsTheSpecificationsExamples) {
  WireReader reader("\x08\x96\x01\x12\x07testing\x1a\x03\x08\x96\x01"sv);
  WireField field;
  ASSERT_TRUE(reader.Next(field));
  EXPECT_EQ(field.number, 1U);
  EXPECT_EQ(field.kind, WireField::Kind::kNumber);
  EXPECT_EQ(field.value, 150U);
  ASSERT_TRUE(reader.Next(field));
  EXPECT_EQ(field.number, 2U);
  EXPECT_EQ(field.bytes, "testing");
  ASSERT_TRUE(reader.Next(field));
  EXPECT_EQ(field.number, 3U);
  EXPECT_EQ(field.bytes, "\x08\x96\x01"sv);
  EXPECT_FALSE(reader.Next(field));
  EXPECT_FALSE(reader.damaged());
}

TEST(WireReader, ReadsNumbersOfFixedSize) {
  WireReader reader("\x0d\x01\x02\x03\x04\x11\x01\x00\x00\x00\x00\x00\x00\x80"sv);
  WireField field;
  ASSERT_TRUE(reader.Next(field));
  EXPECT_EQ(field.value, 0x04030201U);
  ASSERT_TRUE(reader.Next(field));
  EXPECT_EQ(field.value, 0x8000000000000001U);
  EXPECT_FALSE(reader.Next(field));
}

TEST(WireReader, SaysWhatIsDamaged) {
  for (const std::string_view bytes : {
           "\x08"sv,                                                 // no value
           "\x12\x07test"sv,                                         // cut off
           "\x0b"sv,                                                 // a group
           "\x00\x01"sv,                                             // field number 0
           "\x0d\x01\x02"sv,                                         // half a fixed32
           "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"sv,         // 65 bits
           "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01testing"sv,  // a length without end
       }) {
    WireReader reader(bytes);
    WireField field;
    EXPECT_FALSE(reader.Next(field)) << bytes;
    EXPECT_TRUE(reader.damaged()) << bytes;
  }
}

TEST(WireReader, AddsPackedAndSingleNumbers) {
  std::vector<uint64_t> numbers;
  WireField field;
  WireReader reader("\x2a\x03\x01\x96\x01\x28\x07\x2a\x02\x01\x96"sv);
  ASSERT_TRUE(reader.Next(field));
  EXPECT_TRUE(AddNumbers(field, numbers));
  ASSERT_TRUE(reader.Next(field));
  EXPECT_TRUE(AddNumbers(field, numbers));
  ASSERT_TRUE(reader.Next(field));
  EXPECT_FALSE(AddNumbers(field, numbers));
  EXPECT_THAT(numbers, ElementsAre(1, 150, 7, 1));
}

TEST(WireReader, DecodesZigZag) {
  EXPECT_EQ(DecodeZigZag(0), 0);
  EXPECT_EQ(DecodeZigZag(1), -1);
  EXPECT_EQ(DecodeZigZag(2), 1);
  EXPECT_EQ(DecodeZigZag(UINT64_MAX), INT64_MIN);
}

}  // namespace
}  // namespace ekshume
