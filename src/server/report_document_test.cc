// SPDX-License-Identifier: Apache-2.0
#include "server/report_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ekshume::server {
namespace {

using casefile::report::Block;
using casefile::report::Document;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(AddNotes, KnowsHeadingsListsAndParagraphs) {
  Document document;
  AddNotes("# What I think\nIt was\nthe key.\n\n- one\n* two\nafter\n", document);
  ASSERT_EQ(document.blocks.size(), 4U);
  EXPECT_EQ(document.blocks[0].kind, Block::Kind::kHeading);
  EXPECT_EQ(document.blocks[0].text.text, "What I think");
  EXPECT_EQ(document.blocks[1].text.text, "It was the key.");
  EXPECT_THAT(document.blocks[2].items, ElementsAre("one", "two"));
  EXPECT_EQ(document.blocks[3].text.text, "after");
}

TEST(AddNotes, LeavesMarkupAsText) {
  Document document;
  AddNotes("<script>alert(1)</script> [x](javascript:alert(1)) ![i](http://evil.test/p.png)",
           document);
  const std::string html = ToHtml(document);
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("href=\"javascript")));
  EXPECT_THAT(html, Not(HasSubstr("<img")));
}

}  // namespace
}  // namespace ekshume::server
