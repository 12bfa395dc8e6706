// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "casefile/report/contents.h"
#include "casefile/report/document.h"
#include "casefile/report/layout.h"

namespace ekshume::casefile::report {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

// Everything that evidence can name, named as badly as it can be.
constexpr const char* kHostile =
    "<script>alert(1)</script>\"'&|`[x](javascript:y) \x1b[2J \xe2\x80\xae https://evil.test/ "
    "\xe6\xbc\xa2\xe5\xad\x97";

Json HostileReport() {
  const std::string bad = kHostile;
  Json report = {{"version", "1"}};
  report["verdict"] = {{"word", "compromised"}, {"confidence", "high"}, {"summary", bad}};
  Json act = {{"time", "2026-11-24T21:40:23.000000000Z"},
              {"level", "high"},
              {"sentence", bad},
              {"place", bad},
              {"count", 2},
              {"findings", {"0123456789abcdef0123456789abcdef", bad}}};
  Json graph = {
      {"nodes",
       {{{"id", "actor:x"}, {"kind", "actor"}, {"label", bad}, {"level", "high"}},
        {{"id", "pod:y"}, {"kind", "pod"}, {"label", bad}, {"level", nullptr}}}},
      {"edges", {{{"from", "actor:x"}, {"to", "pod:y"}, {"verb", bad}, {"time", nullptr}}}}};
  report["incidents"] = Json::array();
  report["incidents"].push_back({{"title", bad},
                                 {"verdict", "compromised"},
                                 {"summary", bad},
                                 {"confidence", "high"},
                                 {"reasons", {bad}},
                                 {"entry", {{"sentence", bad}, {"findings", {bad}}}},
                                 {"acts", {act}},
                                 {"next_steps", {{{"phase", "contain"}, {"action", bad}}}},
                                 {"graph", graph}});
  report["findings"] = {{{"id", "0123456789abcdef0123456789abcdef"},
                         {"level", "high"},
                         {"title", bad},
                         {"tags", {"attack.execution", "attack.t1609", bad}},
                         {"path", bad},
                         {"count", 1},
                         {"explanation", bad},
                         {"events", {bad}}}};
  report["diagnostics"] = {{{"severity", "notice"}, {"meaning", bad}, {"evidence", bad}}};
  return report;
}

TEST(Report, HtmlEscapesWhateverEvidenceNames) {
  const std::string html =
      ToHtml(MakeDocument(HostileReport(), {R"({"time":"x","user":"<b>"})"}, "<case>"));
  EXPECT_THAT(html, HasSubstr("Content-Security-Policy"));
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("<b>")));
  EXPECT_THAT(html, Not(HasSubstr("\x1b")));
  EXPECT_THAT(html, Not(HasSubstr("\xe2\x80\xae"))) << "what turns text around";
  EXPECT_THAT(html, Not(HasSubstr("href=\"http")));
  EXPECT_THAT(html, Not(HasSubstr("src=")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(html, HasSubstr("\xe6\xbc\xa2\xe5\xad\x97")) << "letters of any writing stay";
  EXPECT_THAT(html, HasSubstr("<tr id=\"f-0123456789abcdef0123456789abcdef\">"));
  EXPECT_THAT(html, HasSubstr("<a href=\"#f-0123456789abcdef0123456789abcdef\">01234567</a>"));
  EXPECT_THAT(html, HasSubstr("<td>execution</td><td>TA0002</td><td>1</td><td>T1609 (1)</td>"));
  EXPECT_THAT(html, HasSubstr("@media print"));
  EXPECT_THAT(html, HasSubstr("<svg"));
}

TEST(Report, MarkdownMeansNothingButItself) {
  const std::string markdown = ToMarkdown(MakeDocument(HostileReport(), {}, "case"));
  EXPECT_THAT(markdown, StartsWith("# Report of case case\n"));
  EXPECT_THAT(markdown, Not(HasSubstr("<script")));
  EXPECT_THAT(markdown, Not(HasSubstr("https://"))) << "some readers make links of addresses";
  EXPECT_THAT(markdown, Not(HasSubstr("[x](")));
  EXPECT_THAT(markdown, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(markdown, HasSubstr("\\|"));
}

TEST(Report, PdfSurvivesAnyText) {
  const std::string pdf = ToPdf(MakeDocument(HostileReport(), {}, kHostile));
  EXPECT_THAT(pdf, StartsWith("%PDF-1."));
  EXPECT_THAT(pdf, HasSubstr("%%EOF"));
  EXPECT_EQ(pdf, ToPdf(MakeDocument(HostileReport(), {}, kHostile))) << "the same bytes again";
}

TEST(Report, PdfBreaksPagesAndLongWords) {
  Document document;
  document.title = "long";
  document.Paragraph(std::string(5000, 'x'));
  Table table;
  table.titles = {"a", "b"};
  table.widths = {1, 9};
  for (int i = 0; i < 400; ++i) {
    table.rows.push_back({"", {{std::to_string(i), {}}, {std::string(600, 'y'), {}}}});
  }
  // Taller than a page: cut.
  table.rows.push_back({"", {{std::string(20000, 'z'), {}}, {"", {}}}});
  document.Add(std::move(table));
  const std::string pdf = ToPdf(document);
  EXPECT_THAT(pdf, StartsWith("%PDF-1."));
  size_t pages = 0;
  for (size_t at = pdf.find("/Type /Page\n"); at != std::string::npos;
       at = pdf.find("/Type /Page\n", at + 1)) {
    ++pages;
  }
  EXPECT_GT(pages, 5U);
}

TEST(Report, SaysSoWhenThereIsNoVerdict) {
  for (const char* text : {"{}", "[]", "null", R"({"verdict":7,"incidents":{},"findings":"x"})",
                           R"({"incidents":[7,null,{}],"findings":[[],{}],"to_confirm":[1]})",
                           R"({"incidents":[{"graph":7},{"graph":{"nodes":1,"edges":{}}}]})",
                           R"({"coverage":{"counts":3,"techniques":[1]},"node":[],"events":1})"}) {
    const Document document = MakeDocument(Json::parse(text), {"no json", "[]"}, "case");
    EXPECT_THAT(ToMarkdown(document), HasSubstr("no verdict yet")) << text;
    EXPECT_THAT(ToHtml(document), HasSubstr("</html>")) << text;
    EXPECT_THAT(ToPdf(document), StartsWith("%PDF-1.")) << text;
  }
}

TEST(Report, LongListsSayHowManyMoreThereAre) {
  Json report = Json::object();
  report["findings"] = Json::array();
  for (int i = 0; i < 2005; ++i) {
    report["findings"].push_back({{"id", fmt::format("{:032x}", i)}, {"title", "t"}});
  }
  EXPECT_THAT(ToMarkdown(MakeDocument(report, {}, "case")),
              HasSubstr("and 5 more findings in report.json"));
}

TEST(Layout, DrawsColumnsAndLeavesOutWhatIsTooMuch) {
  Json graph = {{"nodes", Json::array()}, {"edges", Json::array()}};
  graph["nodes"].push_back({{"id", "actor:a"}, {"kind", "actor"}, {"label", "a"}});
  graph["nodes"].push_back({{"id", "pod:n/p"}, {"kind", "pod"}, {"label", "n/p"}});
  graph["nodes"].push_back({{"id", "container:c"}, {"kind", "container"}, {"label", "c"}});
  graph["nodes"].push_back({{"id", "finding:f"}, {"kind", "finding"}, {"label", "f"}});
  graph["edges"].push_back({{"from", "pod:n/p"}, {"to", "container:c"}, {"verb", "has"}});
  graph["edges"].push_back({{"from", "actor:a"}, {"to", "pod:n/p"}, {"verb", "exec"}});
  for (int i = 0; i < 30; ++i) {
    const std::string id = fmt::format("file:{}", i);
    graph["nodes"].push_back({{"id", id}, {"kind", "file"}, {"label", std::string(300, 'x')}});
    graph["edges"].push_back({{"from", "container:c"}, {"to", id}, {"verb", "holds"}});
  }
  const Drawing drawing = DrawGraph(graph);
  EXPECT_THAT(drawing.boxes, SizeIs(2 + 16 + 1));
  bool more = false;
  for (const Box& box : drawing.boxes) {
    EXPECT_GE(box.x, 0);
    EXPECT_GE(box.y, 0);
    EXPECT_LE(box.x + box.width, drawing.width);
    EXPECT_LE(box.y + box.height, drawing.height);
    EXPECT_LE(box.lines.size(), 3U);
    EXPECT_NE("container", box.kind) << "drawn as its pod";
    EXPECT_NE("finding", box.kind);
    more = more || (box.kind == "more" && box.lines == std::vector<std::string>{"and 14 more"});
  }
  EXPECT_TRUE(more);
  EXPECT_THAT(drawing.arrows, SizeIs(1 + 16));
  EXPECT_THAT(DrawGraph(Json()).boxes, IsEmpty());
}

}  // namespace
}  // namespace ekshume::casefile::report
