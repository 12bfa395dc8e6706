// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/ascii.h"
#include "base/limits.h"
#include "detect/indicator/event_findings.h"
#include "detect/indicator/index.h"
#include "detect/indicator/list.h"

namespace ekshume::detect::indicator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::string_view kSha256 =
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
constexpr std::string_view kMd5 = "098f6bcd4621d373cade4e832627b4f6";

std::unique_ptr<Index> Of(std::string list) { return Index::Of({{"list", std::move(list)}}); }

// What lists hold: "kind value line description".
std::vector<std::string> All(const Index& index) {
  std::vector<std::string> all;
  for (uint32_t i = 0; i < index.size(); ++i) {
    const Indicator one = index.Get(i);
    all.push_back(fmt::format("{} {} {}{}{}", KindName(one.kind), one.value, one.line,
                              one.description.empty() ? "" : " ", one.description));
  }
  return all;
}

std::vector<std::string> Reasons(const std::vector<Problem>& problems) {
  std::vector<std::string> reasons;
  for (const Problem& problem : problems) reasons.push_back(problem.Where() + " " + problem.reason);
  return reasons;
}

// The values found in a text.
std::vector<std::string> Found(const Index& index, std::string_view text,
                               TextKind kind = TextKind::kRecord) {
  std::vector<Hit> hits;
  index.Search(text, kind, hits);
  std::vector<std::string> found;
  for (const Hit& hit : hits) found.push_back(index.Get(hit.indicator).value);
  return found;
}

TEST(IndicatorList, PlainLinesOfAnyKind) {
  const auto index =
      Of(fmt::format("# a comment\n\n{}\n{} dropper.bin\r\n"
                     "192.0.2.7:4444;command server\n198.51.100.0/24\n2001:db8::1\n"
                     "evil[.]test # campaign\n*.bad.example\nhxxps://evil[.]test/a/\n"
                     "/tmp/.x/kinsing\nxmrig\nloader.sh\nname:evil.test\n"
                     "0.0.0.0 sink.example\n",
                     kSha256, kMd5));
  EXPECT_THAT(Reasons(index->refused()), IsEmpty());
  EXPECT_THAT(
      All(*index),
      ElementsAre(fmt::format("hash {} 3", kSha256), fmt::format("hash {} 4 dropper.bin", kMd5),
                  "address 192.0.2.7 5 command server", "address 198.51.100.0/24 6",
                  "address 2001:db8::1 7", "domain evil.test 8 campaign", "domain bad.example 9",
                  "url https://evil.test/a 10", "path /tmp/.x/kinsing 11", "file name xmrig 12",
                  "file name loader.sh 13", "file name evil.test 14", "domain sink.example 15"));
}

TEST(IndicatorList, WrongLinesAreNamedAndTheRestIsUsed) {
  const auto index =
      Of("evil.test\nthese are words\n127.0.0.1\n0.0.0.0/0\nsha256:1234\n"
         "d41d8cd98f00b204e9800998ecf8427e\n192.0.2.1\n");
  EXPECT_THAT(All(*index), ElementsAre("domain evil.test 1", "address 192.0.2.1 7"));
  EXPECT_THAT(Reasons(index->refused()),
              UnorderedElementsAre("list:2 \"these are words\" is of no known kind",
                                   "list:3 \"127.0.0.1\" would be found everywhere",
                                   "list:4 \"0.0.0.0/0\" would be found everywhere",
                                   "list:5 \"1234\" is no MD5, SHA-1 or SHA-256",
                                   "list:6 \"d41d8cd98f00b204e9800998ecf8427e\" is the hash of an "
                                   "empty file"));
}

TEST(IndicatorList, AThousandWrongLinesAreCounted) {
  std::string prose;
  for (int i = 0; i < 1000; ++i) prose += "this is prose\n";
  const auto index = Of(prose);
  EXPECT_EQ(index->size(), 0U);
  EXPECT_EQ(index->refused().size(), 21U);
  EXPECT_EQ(index->refused().back().Where(), "list");
  EXPECT_THAT(index->refused().back().reason, HasSubstr("980 further lines"));
}

TEST(IndicatorList, OtherFormatsAreRefused) {
  EXPECT_THAT(Reasons(Of("<html>\n")->refused()),
              ElementsAre("list:1 is XML or HTML, which is not read"));
  EXPECT_THAT(Reasons(Of(std::string("PK\3\4\0\0\0\0xx", 10))->refused()),
              ElementsAre("list is no text: it holds zero bytes"));
  EXPECT_THAT(Reasons(Of(" \n")->refused()), ElementsAre("list holds nothing"));
  EXPECT_THAT(Reasons(Of("{\"a\": 1}")->refused()),
              ElementsAre("list:1 is JSON, but neither a MISP event nor a STIX 2.1 bundle"));
}

TEST(IndicatorList, CsvByItsHeader) {
  const auto index =
      Of(fmt::format("\"first_seen\",\"SHA-256\",dst_ip,comment,other\r\n"
                     "2026,{},192.0.2.1,\"a \"\"dropper\"\", new\",x\r\n"
                     "2026,,192.0.2.2,\"two\nlines\",x\r\n"
                     "2026,nothing,,late,x\r\n",
                     kSha256));
  EXPECT_THAT(All(*index), ElementsAre(fmt::format("hash {} 2 a \"dropper\", new", kSha256),
                                       "address 192.0.2.1 2 a \"dropper\", new",
                                       "address 192.0.2.2 3 two\nlines"));
  EXPECT_THAT(Reasons(index->refused()),
              ElementsAre("list:5 \"nothing\" is no MD5, SHA-1 or SHA-256"));
}

TEST(IndicatorList, CsvWithTypesAndWithoutThem) {
  const auto typed =
      Of("type;value;description\nip-dst;192.0.2.1;c2\nmutex;abc;no\n"
         "filename;evil.test;f\n");
  EXPECT_THAT(All(*typed), ElementsAre("address 192.0.2.1 2 c2", "file name evil.test 4 f"));
  EXPECT_THAT(Reasons(typed->doubtful()),
              ElementsAre("list:3 a value of the type mutex is not looked for"));
  const auto guessed =
      Of("# made by a feed\n#\n# \"ioc\",\"malware\"\n\"evil.test\",\"Kinsing\"\n");
  EXPECT_THAT(All(*guessed), ElementsAre("domain evil.test 4 Kinsing"));
}

TEST(IndicatorList, Utf16AndByteOrderMarks) {
  const auto wide = [](std::string_view text, bool is_big) {
    std::string out;
    for (const char c : text) {
      if (is_big) out.push_back('\0');
      out.push_back(c);
      if (!is_big) out.push_back('\0');
    }
    return out;
  };
  for (const std::string& list :
       {"\xff\xfe" + wide("evil.test\r\n", false), "\xfe\xff" + wide("evil.test\r\n", true),
        wide("evil.test\r\n", false), std::string("\xef\xbb\xbf") + "evil.test\n"}) {
    EXPECT_THAT(All(*Of(list)), ElementsAre("domain evil.test 1"));
  }
}

TEST(IndicatorList, AVeryLongLineCostsOnlyItself) {
  std::string list = "evil.test\n";
  list += std::string(size_t{100} << 20, 'a');
  list += "\n192.0.2.1\n";
  const auto index = Of(std::move(list));
  EXPECT_THAT(All(*index), ElementsAre("domain evil.test 1", "address 192.0.2.1 3"));
  EXPECT_THAT(Reasons(index->refused()), ElementsAre("list:2 the line is too long"));
}

TEST(IndicatorList, LimitsAreNamed) {
  const auto large = Of(std::string(limits::kMaxIndicatorFileBytes + 1, '\n'));
  EXPECT_THAT(Reasons(large->refused()), ElementsAre("list is too large (kMaxIndicatorFileBytes)"));
}

// kMaxIndicators is what the default is; three show the same.
TEST(IndicatorList, MoreThanTheLimitAreLeftOut) {
  const auto index = Index::Of({{"a", "one.bin\ntwo.bin\n"}, {"b", "\nthree.bin\nfour.bin\n"}}, 3);
  EXPECT_EQ(index->size(), 3U);
  EXPECT_LT(index->size(), limits::kMaxIndicators);
  EXPECT_THAT(Reasons(index->refused()),
              ElementsAre("b:3 and what follows: too many indicators (kMaxIndicators)"));
  EXPECT_THAT(Found(*index, "/three.bin /four.bin"), ElementsAre("three.bin"));
}

TEST(IndicatorList, MispEvents) {
  const auto index = Of(fmt::format(R"({{"response": [{{"Event": {{
    "info": "Campaign",
    "Attribute": [
      {{"type": "ip-dst|port", "value": "192.0.2.1|443", "to_ids": true}},
      {{"type": "domain", "value": "evil.test", "comment": "c2"}},
      {{"type": "sha256", "value": "{}", "deleted": true}},
      {{"type": "mutex", "value": "m"}},
      {{"type": "url", "value": "http://x.test/", "to_ids": false}}
    ],
    "Object": [{{"name": "file", "Attribute": [
      {{"type": "filename|md5", "value": "a.bin|{}"}}]}}]
  }}}}]}})",
                                    kSha256, kMd5));
  EXPECT_THAT(Reasons(index->refused()), IsEmpty());
  EXPECT_THAT(All(*index),
              ElementsAre("address 192.0.2.1 4 Campaign", "domain evil.test 5 Campaign: c2",
                          fmt::format("hash {} 11 Campaign", kMd5)));
  EXPECT_THAT(
      Reasons(index->doubtful()),
      UnorderedElementsAre("list attributes of the type mutex are not looked for (1 of them)",
                           "list 1 attributes are not meant for detection (to_ids is false)"));
}

std::string StixOf(std::string_view pattern) {
  std::string escaped;
  for (const char c : pattern) {
    if (c == '"' || c == '\\') escaped.push_back('\\');
    escaped.push_back(c);
  }
  return fmt::format(R"({{"type": "bundle", "id": "bundle--1", "objects": [
    {{"type": "malware", "name": "x"}},
    {{"type": "indicator", "id": "indicator--1", "name": "n", "pattern_type": "stix",
      "pattern": "{}"}}]}})",
                     escaped);
}

TEST(IndicatorList, StixPatterns) {
  const auto of = [](std::string_view pattern) { return All(*Of(StixOf(pattern))); };
  EXPECT_THAT(of(fmt::format("[file:hashes.'SHA-256' = '{}']", kSha256)),
              ElementsAre(fmt::format("hash {} 3 n", kSha256)));
  EXPECT_THAT(of(fmt::format("[file:hashes.MD5 = '{}' OR file:name = 'it\\'s.sh']", kMd5)),
              ElementsAre(fmt::format("hash {} 3 n", kMd5), "file name it's.sh 3 n"));
  EXPECT_THAT(of("[ipv4-addr:value = '192.0.2.0/24'] OR [domain-name:value = 'evil.test']"),
              ElementsAre("address 192.0.2.0/24 3 n", "domain evil.test 3 n"));
  EXPECT_THAT(of("[url:value IN ('http://a.test/x', 'http://b.test/y')] "
                 "START t'2026-01-01T00:00:00Z' STOP t'2026-02-01T00:00:00Z'"),
              ElementsAre("url http://a.test/x 3 n", "url http://b.test/y 3 n"));
  EXPECT_THAT(of("[network-traffic:dst_ref.type = 'ipv4-addr' AND "
                 "network-traffic:dst_ref.value = '192.0.2.1']"),
              ElementsAre("address 192.0.2.1 3 n"));
  EXPECT_THAT(of(fmt::format("[file:hashes.'MD5' = '{}' AND file:size = 12]", kMd5)),
              ElementsAre(fmt::format("hash {} 3 n", kMd5)));
}

TEST(IndicatorList, StixThatIsNotUnderstoodIsNamed) {
  const auto reason = [](std::string_view pattern) {
    const auto index = Of(StixOf(pattern));
    EXPECT_EQ(index->size(), 0U) << pattern;
    return index->refused().empty() ? std::string() : Reasons(index->refused())[0];
  };
  EXPECT_EQ(reason("[file:name LIKE 'a%']"),
            "list:3 the pattern [file:name LIKE 'a%'] is not understood: the comparison LIKE of "
            "file:name");
  EXPECT_THAT(reason("[process:pid = 3]"), HasSubstr("process:pid is not looked for"));
  EXPECT_THAT(reason("[domain-name:value = 'a.test' AND url:value = 'b']"),
              HasSubstr("only mean something together"));
  EXPECT_THAT(reason("[domain-name:value = 'a.test"), HasSubstr("a quote does not end"));
  EXPECT_THAT(reason("[domain-name:value = 'a.test'"), HasSubstr("a bracket is not closed"));
  EXPECT_THAT(reason(""), HasSubstr("it compares nothing"));
  EXPECT_THAT(reason(std::string(size_t{2} << 20, '[')), HasSubstr("it is too long"));
  EXPECT_THAT(reason("[" + std::string(100000, '(') + "]"), HasSubstr("not understood"));
}

TEST(IndicatorList, BrokenAndDeepJsonIsNamed) {
  EXPECT_THAT(Reasons(Of("{\"type\": \"bundle\",\n \"objects\": [\n}")->refused()),
              ElementsAre(HasSubstr("list:3 is broken JSON")));
  std::string deep = "{\"type\": \"bundle\", \"objects\": ";
  for (int i = 0; i < 100000; ++i) deep += "[";
  EXPECT_THAT(Reasons(Of(deep)->refused()),
              ElementsAre("list is JSON nested too deeply (kMaxDocumentDepth)"));
}

TEST(IndicatorIndex, ReadsFilesAndNamesThem) {
  const auto path = std::filesystem::path(testing::TempDir()) / "indicators.txt";
  std::ofstream(path) << "evil.test\nwrong line here\n";
  const auto index = Index::Load({path.string()});
  ASSERT_TRUE(index.has_value()) << index.error().message;
  EXPECT_EQ((*index)->Get(0).file, path.string());
  ASSERT_EQ((*index)->refused().size(), 1U);
  EXPECT_EQ((*index)->refused()[0].Where(), path.string() + ":2");
  EXPECT_EQ(Index::Load({path.string() + ".no"}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Index::Load({testing::TempDir()}).error().code, ErrorCode::kIo);
  std::filesystem::remove(path);
}

TEST(IndicatorSearch, AddressesHaveBothEnds) {
  const auto index = Of("192.0.2.1\n198.51.100.0/24\n2001:db8::7\n2001:db8:5::/48\n");
  EXPECT_THAT(Found(*index, "from 192.0.2.1."), ElementsAre("192.0.2.1"));
  EXPECT_THAT(Found(*index, R"({"sourceIPs":["192.0.2.1","192.0.2.11"]})"),
              ElementsAre("192.0.2.1"));
  EXPECT_THAT(Found(*index, "192.0.2.1:443 src=192.0.2.1/32"),
              ElementsAre("192.0.2.1", "192.0.2.1"));
  EXPECT_THAT(Found(*index, "1.192.0.2.1 192.0.2.10 192.0.2.1.5 x192.0.2.1 192.0.2.01"), IsEmpty());
  EXPECT_THAT(Found(*index, "198.51.100.255 198.51.101.0"), ElementsAre("198.51.100.0/24"));
  EXPECT_THAT(Found(*index, "[2001:DB8:0:0::7]:443"), ElementsAre("2001:db8::7"));
  EXPECT_THAT(Found(*index, "2001:db8:5:1::9 2001:db8:6::9"), ElementsAre("2001:db8:5::/48"));
  EXPECT_THAT(Found(*index, "::ffff:192.0.2.1"), ElementsAre("192.0.2.1"));
  EXPECT_THAT(Found(*index, "at 12:34:56 from:192.0.2.1 12:34"), ElementsAre("192.0.2.1"));
}

TEST(IndicatorSearch, DomainsWithTheirSubdomains) {
  const auto index = Of("evil.test\nco.example\n");
  EXPECT_THAT(Found(*index, "a.b.EVIL.test and evil.test. <x@evil.test>"),
              ElementsAre("evil.test", "evil.test", "evil.test"));
  EXPECT_THAT(Found(*index, "notevil.test evil.test.org evil-test my-evil.test x_evil.test"),
              IsEmpty());
  EXPECT_THAT(Found(*index, R"(curl\nevil.test\u003devil.test)"),
              ElementsAre("evil.test", "evil.test"));
  EXPECT_THAT(Found(*index, "https://www.evil.test:8443/x"), ElementsAre("evil.test"));
}

TEST(IndicatorSearch, Hashes) {
  const auto index = Of(fmt::format("{}\n{}\n", kSha256, kMd5));
  EXPECT_TRUE(index->has_md5());
  EXPECT_FALSE(index->has_sha1());
  EXPECT_THAT(Found(*index, fmt::format("sha256:{}", AsciiLower(kSha256))), ElementsAre(kSha256));
  EXPECT_THAT(Found(*index, fmt::format("{}0 a{}", kMd5, kMd5)), IsEmpty());
  EXPECT_THAT(Found(*index, "\"MD5\":\"098F6BCD4621D373CADE4E832627B4F6\""), ElementsAre(kMd5));
}

TEST(IndicatorSearch, NamesAndPaths) {
  const auto index = Of("xmrig\nname:my tool.sh\n/tmp/.x/kinsing\n/var/tmp/a+b\n");
  EXPECT_THAT(Found(*index, "/usr/bin/xmrig"), ElementsAre("xmrig"));
  EXPECT_THAT(Found(*index, "xmrig --url x", TextKind::kCommand), ElementsAre("xmrig"));
  EXPECT_THAT(Found(*index, "sudo xmrig; ls", TextKind::kCommand), ElementsAre("xmrig"));
  // As a word of a record a name may be anything.
  EXPECT_THAT(Found(*index, R"({"name":"xmrig"})"), IsEmpty());
  EXPECT_THAT(Found(*index, "/bin/xmrig-proxy /bin/notxmrig /xmrig.conf"), IsEmpty());
  EXPECT_THAT(Found(*index, "\"/opt/my tool.sh\""), ElementsAre("my tool.sh"));
  EXPECT_THAT(Found(*index, R"(run /tmp/.x/kinsing, \/tmp\/.x\/kinsing\n)"),
              ElementsAre("/tmp/.x/kinsing", "/tmp/.x/kinsing"));
  EXPECT_THAT(Found(*index, "/host/tmp/.x/kinsing /tmp/.x/kinsing2"), IsEmpty());
  EXPECT_THAT(Found(*index, "/var/tmp/a+b"), ElementsAre("/var/tmp/a+b"));
}

TEST(IndicatorSearch, Urls) {
  const auto index = Of("http://evil.test/a\nhttps://x.test\nhttp://y.test/p?a=1&b=2\n");
  EXPECT_THAT(Found(*index, "GET http://EVIL.test/a HTTP"), ElementsAre("http://evil.test/a"));
  EXPECT_THAT(Found(*index, "\"http://evil.test/a\" http://evil.test/a/ http://evil.test/a?q"),
              ElementsAre("http://evil.test/a", "http://evil.test/a", "http://evil.test/a"));
  EXPECT_THAT(Found(*index, "http://evil.test/ab http://evil.test/a/b http://evil.test/a.sh"),
              IsEmpty());
  EXPECT_THAT(Found(*index, "https://x.test/ https://x.test:8443/ https://x.test/a"),
              ElementsAre("https://x.test"));
  EXPECT_THAT(Found(*index, R"("http:\/\/y.test\/p?a=1\u0026b=2")"),
              ElementsAre("http://y.test/p?a=1&b=2"));
}

TEST(IndicatorSearch, WhatTwoListsNameIsFoundOnce) {
  const auto index = Index::Of({{"a", "evil.test\n"}, {"b", "evil.test\n"}});
  std::vector<Hit> hits;
  index->Search("evil.test", TextKind::kRecord, hits);
  ASSERT_EQ(hits.size(), 1U);
  EXPECT_EQ(index->Get(hits[0].indicator).file, "a");
}

TEST(IndicatorSearch, AgreesWithASlowSearch) {
  std::string list;
  for (int i = 0; i < 300; ++i)
    list += fmt::format("h{}.d{}.test\n192.0.2.{}\n", i, i % 7, i % 250);
  const auto index = Of(list);
  std::string text;
  std::vector<std::string> expected;
  for (int i = 0; i < 400; ++i) {
    text += fmt::format("x.h{}.d{}.test 192.0.2.{};", i, i % 7, i % 256);
    if (i < 300) expected.push_back(fmt::format("h{}.d{}.test", i, i % 7));
    if (i % 256 < 250) expected.push_back(fmt::format("192.0.2.{}", i % 256));
  }
  EXPECT_EQ(Found(*index, text), expected);
}

TEST(IndicatorEvents, GathersEventsOfOneActorAndPlace) {
  const auto index = Of("evil.test # c2\nxmrig\n192.0.2.66\n");
  EventFindings findings(*index);
  event::Event event;
  const auto add = [&](int64_t seconds, std::string_view raw, std::string_view id) {
    event.time = Timestamp{seconds, 0};
    event[event::Text::kPod] = "web";
    event[event::Text::kMessage] = fmt::format("event {}", id);
    if (!findings.Match(event, raw).empty()) findings.Add(event, id);
    event.Clear();
  };
  add(20, "query evil.test", "b");
  event[event::Text::kCommandLine] = "xmrig -o a.evil.test";
  add(10, "", "a");
  event[event::Text::kSourceIp] = "192.0.2.66";
  add(30, "no address in here", "c");
  add(40, "nothing", "d");
  const std::vector<Finding> list = findings.findings().Take();
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0].title, "Indicator: domain evil.test");
  EXPECT_EQ(list[0].detector, "indicator");
  EXPECT_EQ(list[0].level, "high");
  EXPECT_EQ(list[0].pod, "web");
  EXPECT_EQ(list[0].count, 2U);
  EXPECT_THAT(list[0].events, ElementsAre("a", "b"));
  EXPECT_EQ(list[0].first->seconds, 10);
  EXPECT_EQ(list[0].last->seconds, 20);
  EXPECT_EQ(list[0].explanation, "event a. It holds the domain evil.test (list:1: c2)");
  EXPECT_EQ(list[1].title, "Indicator: address 192.0.2.66");
  EXPECT_EQ(list[2].title, "Indicator: file name xmrig");
  EXPECT_EQ(list[2].level, "medium");
}

TEST(IndicatorEvents, MergedInAnyOrderTheyAreTheSame) {
  const auto index = Of("evil.test\n");
  const auto gather = [&](const std::vector<int64_t>& seconds) {
    EventFindings findings(*index);
    for (const int64_t second : seconds) {
      event::Event event;
      event.time = Timestamp{second, 0};
      event[event::Text::kMessage] = fmt::format("event {}", second);
      event[event::Text::kPath] = second < 3 ? "/a" : "/b";
      if (!findings.Match(event, "x.evil.test").empty()) {
        findings.Add(event, fmt::format("id{}", second));
      }
    }
    return findings;
  };
  EventFindings left = gather({3, 1});
  left.findings().Merge(std::move(gather({2}).findings()));
  EventFindings right = gather({2});
  right.findings().Merge(std::move(gather({1, 3}).findings()));
  for (EventFindings* merged : {&left, &right}) {
    const std::vector<Finding> list = merged->findings().Take();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0].count, 3U);
    EXPECT_THAT(list[0].events, ElementsAre("id1", "id2", "id3"));
    EXPECT_EQ(list[0].path, "");
    EXPECT_THAT(list[0].explanation, HasSubstr("event 1. "));
  }
}

}  // namespace
}  // namespace ekshume::detect::indicator
