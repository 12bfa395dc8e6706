// SPDX-License-Identifier: Apache-2.0
#include "log/fields.h"

#include <gtest/gtest.h>

namespace ekshume::log {
namespace {

using event::Event;
using event::Text;

TEST(AddTag, KeepsAValueOneWord) {
  Event event;
  AddTag(event, "role", "arn:aws:iam::123456789012:role/node");
  AddTag(event, "empty", "");
  AddTag(event, "name", "a sample\ttag\x7f");
  EXPECT_EQ(event[Text::kTags], "role=arn:aws:iam::123456789012:role/node name=a_sample_tag_");
}

TEST(AddTag, CutsLongValues) {
  Event event;
  AddTag(event, "x", std::string(100000, 'a'));
  EXPECT_EQ(event[Text::kTags].size(), 2 + 512);
}

TEST(ParseEpochSeconds, ReadsFractions) {
  EXPECT_EQ(ParseEpochSeconds("1644272617"), (Timestamp{1644272617, 0}));
  EXPECT_EQ(ParseEpochSeconds("1644272617.25"), (Timestamp{1644272617, 250000000}));
  EXPECT_EQ(ParseEpochSeconds("1.0123456789999"), (Timestamp{1, 12345678}));
  for (const char* bad : {"", ".", "1.x", "x", "-1", "99999999999999999999"}) {
    EXPECT_FALSE(ParseEpochSeconds(bad)) << bad;
  }
}

TEST(ServiceAccountOf, ReadsKubernetesUsers) {
  EXPECT_EQ(ServiceAccountOf("system:serviceaccount:kube-system:aws-node"), "kube-system/aws-node");
  EXPECT_EQ(ServiceAccountOf("system:serviceaccount:x"), "");
  EXPECT_EQ(ServiceAccountOf("system:node:ip-10-0-0-1"), "");
}

TEST(TakeWord, CutsWordsOff) {
  std::string_view text = "one  two";
  EXPECT_EQ(TakeWord(text), "one");
  EXPECT_EQ(TakeWord(text), "two");
  EXPECT_EQ(TakeWord(text), "");
}

TEST(AfterLast, CutsAtTheLastSeparator) {
  EXPECT_EQ(AfterLast("arn:aws:sts::123456789012:assumed-role/node/i-1", '/'), "i-1");
  EXPECT_EQ(AfterLast("plain", '/'), "plain");
}

TEST(AppendArgument, QuotesAsAShellNeedsIt) {
  std::string line;
  for (const char* argument : {"sh", "-c", "echo 'x' > /tmp/a", ""}) AppendArgument(line, argument);
  EXPECT_EQ(line, R"(sh -c 'echo '\''x'\'' > /tmp/a' '')");
}

}  // namespace
}  // namespace ekshume::log
