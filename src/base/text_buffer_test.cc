// SPDX-License-Identifier: Apache-2.0
#include "base/text_buffer.h"

#include <gtest/gtest.h>

#include <string>

#include "base/text.h"

namespace ekshume {
namespace {

using std::string_view_literals::operator""sv;

TEST(TextBufferTest, PutsPiecesTogether) {
  TextBuffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.view(), "");
  constexpr ShortText kKey = []() consteval {
    ShortText key;
    key.Append("\"a\":");
    return key;
  }();
  buffer.Append(kKey);
  buffer.AppendDecimal(INT64_MIN);
  buffer.Append(',');
  buffer.AppendDecimal(UINT64_MAX);
  buffer.Append(""sv);
  buffer.Append(" at "sv);
  buffer.AppendTimestamp({1764020348, 785895897});
  EXPECT_EQ(buffer.view(),
            "\"a\":-9223372036854775808,18446744073709551615 at 2025-11-24T21:39:08.785895897Z");
}

TEST(TextBufferTest, WritesNumbersOfEachLength) {
  for (uint64_t number = 1;; number = number * 10 + 7) {
    for (const uint64_t value : {number - 1, number, number + 1}) {
      TextBuffer buffer;
      buffer.AppendDecimal(value);
      EXPECT_EQ(buffer.view(), std::to_string(value));
      TextBuffer negative;
      negative.AppendDecimal(-static_cast<int64_t>(value / 2));
      EXPECT_EQ(negative.view(), std::to_string(-static_cast<int64_t>(value / 2)));
    }
    if (number > UINT64_MAX / 10 - 1) break;
  }
}

TEST(TextBufferTest, GrowsAndKeepsWhatItHolds) {
  TextBuffer buffer;
  std::string expected;
  for (int i = 0; i < 10000; ++i) {
    buffer.Append(std::to_string(i));
    buffer.Append('\n');
    expected += std::to_string(i) + "\n";
  }
  EXPECT_EQ(buffer.view(), expected);
}

TEST(TextBufferTest, IsEmptyAfterItWasMovedFrom) {
  TextBuffer first;
  first.Append("first"sv);
  TextBuffer second = std::move(first);
  EXPECT_EQ(second.view(), "first");
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is the question
  first.Append("again"sv);
  EXPECT_EQ(first.view(), "again");
  second = std::move(first);
  EXPECT_EQ(second.view(), "again");
}

// Each length around the chunks that are looked at in one go, and a special character in each
// place, against the plain way.
TEST(TextBufferTest, EscapesAsTheStringVersion) {
  for (size_t length = 0; length <= 70; ++length) {
    const std::string plain(length, 'x');
    TextBuffer buffer;
    EXPECT_TRUE(buffer.AppendJsonEscaped(plain));
    EXPECT_EQ(buffer.view(), plain);
    for (size_t place = 0; place < length; ++place) {
      for (const std::string_view special :
           {"\""sv, "\\"sv, "\n"sv, "\x1f"sv, "\x7f"sv, "\0"sv, "\x80"sv, "\xff"sv, "é"sv}) {
        std::string text = plain;
        text.replace(place, 1, special);
        std::string expected;
        AppendJsonEscaped(expected, text);
        TextBuffer escaped;
        escaped.Append('<');
        EXPECT_EQ(escaped.AppendJsonEscaped(text), IsUtf8(text)) << EscapeForTerminal(text);
        escaped.Append('>');
        EXPECT_EQ(escaped.view(), "<" + expected + ">");
      }
    }
  }
}

}  // namespace
}  // namespace ekshume
