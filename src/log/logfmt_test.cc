// SPDX-License-Identifier: Apache-2.0
#include "log/logfmt.h"

#include <gtest/gtest.h>

namespace ekshume::log {
namespace {

std::string All(std::string_view line) {
  std::string all;
  const bool whole = ForEachField(line, [&](std::string_view key, std::string_view value) {
    all += key;
    all += '<';
    all += value;
    all += '>';
  });
  return all + (whole ? "" : "!");
}

TEST(ForEachField, ReadsWhatLogrusWrites) {
  EXPECT_EQ(
      All(R"(time="2025-12-24T19:52:38Z" level=info msg="STS response" session= userid=AROA)"),
      "time<2025-12-24T19:52:38Z>level<info>msg<STS response>session<>userid<AROA>");
  EXPECT_EQ(All("a=b  \t c"), "a<b>c<>");
  EXPECT_EQ(All(""), "");
}

TEST(ForEachField, UndoesGoEscapes) {
  EXPECT_EQ(All(R"(m="a\"b\\c\nd\x41\u00e9\U0001F600\q")"), "m<a\"b\\c\ndA\u00e9\U0001F600\\q>");
  EXPECT_EQ(All(R"(m="\ud800\x4")"), "m<\ufffd\\x4>");
}

TEST(ForEachField, SaysWhenALineIsBroken) {
  EXPECT_EQ(All(R"(a=1 b="open)"), "a<1>!");
  EXPECT_EQ(All(R"(a=1 b="open\")"), "a<1>!");
  EXPECT_EQ(All(R"(a="1"=2)"), "a<1>!");
  EXPECT_EQ(All(R"("x"=2)"), "!");
}

}  // namespace
}  // namespace ekshume::log
