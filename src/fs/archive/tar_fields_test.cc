// SPDX-License-Identifier: Apache-2.0
#include "fs/archive/tar_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace ekshume::fs::archive {
namespace {

TEST(TarFields, ReadsTimes) {
  EXPECT_EQ(ParsePaxTime("12"), (Timestamp{12, 0}));
  EXPECT_EQ(ParsePaxTime("12.5"), (Timestamp{12, 500000000}));
  EXPECT_EQ(ParsePaxTime("12.1234567899"), (Timestamp{12, 123456789}));
  EXPECT_EQ(ParsePaxTime("-1"), (Timestamp{-1, 0}));
  EXPECT_EQ(ParsePaxTime("-1.25"), (Timestamp{-2, 750000000}));
  EXPECT_EQ(ParsePaxTime("-0.5"), (Timestamp{-1, 500000000}));
  EXPECT_EQ(ParsePaxTime("-9223372036854775808"), (Timestamp{INT64_MIN, 0}));
  for (const char* text : {"", "x", "--5", "1.-5", "1.5x", "9223372036854775808",
                           "-9223372036854775808.5", "--9223372036854775808"}) {
    EXPECT_EQ(ParsePaxTime(text), std::nullopt) << text;
  }
}

TEST(TarFields, ReadsRecords) {
  std::vector<std::pair<std::string, std::string>> records;
  const auto take = [&](std::string_view key, std::string_view value) {
    records.emplace_back(key, value);
  };
  EXPECT_EQ(ReadPaxRecords("9 path=a\n11 k=v=\nw \n", take), 20U);
  EXPECT_THAT(records,
              testing::ElementsAre(testing::Pair("path", "a"), testing::Pair("k", "v=\nw ")));
  EXPECT_EQ(ReadPaxRecords(std::string_view("9 path=a\n\0\0", 11), take), 9U);
  EXPECT_EQ(ReadPaxRecords("", take), 0U);
  for (const char* text : {"9 path=a", "99 path=a\n", "2 path=a\n", "9 patha \n", "x path=a\n",
                           "-9 path=a\n", "8 path=a\n", "path=a\n"}) {
    EXPECT_EQ(ReadPaxRecords(text, take), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace ekshume::fs::archive
