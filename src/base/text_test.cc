// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <gtest/gtest.h>

namespace ekshume {
namespace {

using std::string_view_literals::operator""sv;

TEST(TextTest, KnowsUtf8) {
  for (const std::string_view good : {""sv, "abc"sv, "\x00"sv, "é"sv, "€"sv, "😀"sv,
                                      "\xF4\x8F\xBF\xBF"sv, "\xED\x9F\xBF"sv, "\xEE\x80\x80"sv}) {
    EXPECT_TRUE(IsUtf8(good)) << EscapeForTerminal(good);
  }
  // Overlong forms, surrogates, past U+10FFFF, lone and missing continuations, bytes never used.
  for (const std::string_view bad :
       {"\x80"sv, "\xC0\x80"sv, "\xC1\xBF"sv, "\xE0\x9F\xBF"sv, "\xED\xA0\x80"sv, "\xED\xBF\xBF"sv,
        "\xF0\x8F\xBF\xBF"sv, "\xF4\x90\x80\x80"sv, "\xF5\x80\x80\x80"sv, "\xC3"sv, "\xE2\x82"sv,
        "\xF0\x9F\x98"sv, "\xC3("sv, "\xFF"sv}) {
    EXPECT_FALSE(IsUtf8(bad)) << EscapeForTerminal(bad);
  }
}

TEST(TextTest, EscapesForTerminals) {
  EXPECT_EQ(EscapeForTerminal("plain é 😀"), "plain é 😀");
  EXPECT_EQ(EscapeForTerminal("\x1b[31mred\x1b[0m\r\n"), "\\x1b[31mred\\x1b[0m\\x0d\\x0a");
  EXPECT_EQ(EscapeForTerminal("a\\b"), "a\\\\b");
  EXPECT_EQ(EscapeForTerminal("\x7f"), "\\x7f");
  EXPECT_EQ(EscapeForTerminal("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(EscapeForTerminal("\x00x"sv), "\\x00x");
  // A C1 control, a right-to-left override, a line separator, a byte order mark.
  EXPECT_EQ(EscapeForTerminal("\xC2\x9B"), "\\u{009b}");
  EXPECT_EQ(EscapeForTerminal("gpj.\xE2\x80\xAEsh"), "gpj.\\u{202e}sh");
  EXPECT_EQ(EscapeForTerminal("\xE2\x80\xA8\xEF\xBB\xBF"), "\\u{2028}\\u{feff}");
}

TEST(TextTest, EscapesForJson) {
  EXPECT_EQ(JsonString("a\"b\\c\n\r\t"), R"("a\"b\\c\n\r\t")");
  EXPECT_EQ(JsonString("\x01\x1f\x7f"), R"("\u0001\u001f\u007f")");
  EXPECT_EQ(JsonString("é😀"), "\"é😀\"");
  EXPECT_EQ(JsonString("a\xff\xC3"), "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
  EXPECT_EQ(JsonString("\xE2\x80\xAE"), R"("\u202e")");
  EXPECT_TRUE(IsUtf8(JsonString("\xED\xA0\x80\xF5\x80")));
}

TEST(TextTest, QuotesCsvAndDisarmsFormulas) {
  EXPECT_EQ(CsvField("plain"), "plain");
  EXPECT_EQ(CsvField(""), "");
  EXPECT_EQ(CsvField("a,b"), "\"a,b\"");
  EXPECT_EQ(CsvField("say \"x\""), "\"say \"\"x\"\"\"");
  EXPECT_EQ(CsvField("two\nlines"), "\"two\nlines\"");
  for (const std::string formula : {"=1+1", "+1", "-1", "@SUM(A1)", "\t=1"}) {
    EXPECT_EQ(CsvField(formula), "'" + formula);
  }
  EXPECT_EQ(CsvField("=HYPERLINK(\"x\",\"y\")"), "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
}

TEST(TextTest, SplitsWithoutEmptyParts) {
  using Parts = std::vector<std::string_view>;
  EXPECT_EQ(SplitNonEmpty("/a//b/", '/'), (Parts{"a", "b"}));
  EXPECT_EQ(SplitNonEmpty("abc", '/'), (Parts{"abc"}));
  EXPECT_EQ(SplitNonEmpty("", '/'), Parts{});
  EXPECT_EQ(SplitNonEmpty("///", '/'), Parts{});
}

TEST(TextTest, SaysSizesForPeople) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(1023), "1023 B");
  EXPECT_EQ(HumanBytes(1024), "1.0 KiB");
  EXPECT_EQ(HumanBytes(1610612736), "1.5 GiB");
  EXPECT_EQ(HumanBytes(UINT64_MAX), "16.0 EiB");
}

}  // namespace
}  // namespace ekshume
