// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/correlate.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "detect/sigma/test_support.h"

namespace ekshume::detect::sigma {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string BaseRule(std::string_view name) {
  return "name: " + std::string(name) + "\n" +
         RuleText("product: ekshume, service: test",
                  "s:\n    what: " + std::string(name) + "\ncondition: s", name);
}

std::string CorrelationText(std::string_view body, std::string_view name = "c") {
  return "---\ntitle: " + std::string(name) + "\nname: " + std::string(name) + "\ncorrelation:\n" +
         std::string(body);
}

// One event: second, what, user, number.
struct Step {
  int64_t second;
  std::string what;
  std::string user = "eve";
  std::string number = "1";
  std::string other;
};

// What was found, in order: "c[eve]=1,2" with the events' places; "+" for one that extends.
std::string Correlate(std::string_view yaml, const std::vector<Step>& steps,
                      uint64_t* forgot = nullptr) {
  const TestEngine engine(yaml);
  EXPECT_THAT(engine.refused(), IsEmpty());
  std::string log;
  Correlator correlator(engine.engine->rules(), engine.set.correlations,
                        [&](const Correlated& found) {
                          log += log.empty() ? "" : " ";
                          log += engine.set.correlations[found.correlation].head.title + "[";
                          for (const std::string& value : found.group) log += value;
                          log += found.extends ? "]+" : "]=";
                          for (const EventRef& event : found.events) log += event->id;
                        });
  Engine::Session session(*engine.engine);
  event::Event event;
  event[event::Text::kSource] = "test";
  for (size_t i = 0; i < steps.size(); ++i) {
    const auto& [second, what, user, number, other] = steps[i];
    std::string raw = fmt::format(R"({{"what":"{}","n":{})", what, number);
    if (!user.empty()) raw += R"(,"user":")" + user + '"';
    if (!other.empty()) raw += R"(,"other":")" + other + '"';
    raw += "}";
    const Input input{event, raw};
    const std::vector<uint32_t> matched = session.Match(input);
    const auto brief = std::make_shared<EventBrief>();
    brief->id = std::string(1, static_cast<char>('a' + i % 26));
    correlator.Add(
        matched, second * 1000000000, brief,
        [&](uint32_t rule, const std::string& field) { return session.ValueOf(rule, field); });
  }
  correlator.Finish();
  if (forgot != nullptr) *forgot = correlator.forgot();
  return log;
}

TEST(SigmaCorrelation, CountsEvents) {
  const std::string yaml =
      BaseRule("x") + CorrelationText(
                          "    type: event_count\n    rules: [x]\n    group-by: [user]\n"
                          "    timespan: 10s\n    condition: {gte: 3}\n");
  EXPECT_EQ(Correlate(yaml, {{1, "x"}, {2, "x"}, {11, "x"}}), "c[eve]=abc");
  EXPECT_EQ(Correlate(yaml, {{1, "x"}, {2, "x"}, {12, "x"}}), "");
  EXPECT_EQ(Correlate(yaml, {{1, "x"}, {2, "x", "bob"}, {3, "x"}, {4, "y"}}), "");
  EXPECT_EQ(Correlate(yaml, {{1, "x"}, {2, "x"}, {3, "x"}, {4, "x"}}), "c[eve]=abc c[eve]+d");
  // Not in a row any more: found anew.
  EXPECT_EQ(Correlate(yaml, {{1, "x"}, {2, "x"}, {3, "x"}, {50, "x"}, {51, "x"}, {52, "x"}}),
            "c[eve]=abc c[eve]=def");
  // Without a value to group by it takes no part.
  EXPECT_EQ(Correlate(yaml, {{1, "x", ""}, {2, "x", ""}, {3, "x", ""}}), "");
}

TEST(SigmaCorrelation, JudgesUpperBoundsWhenTheWindowIsOver) {
  const std::string yaml =
      BaseRule("x") + CorrelationText(
                          "    type: event_count\n    rules: [x]\n    group-by: [user]\n"
                          "    timespan: 10s\n    condition: {gt: 1, lte: 2}\n");
  EXPECT_EQ(Correlate(yaml, {{1, "x"}, {2, "x"}}), "c[eve]=ab");
  EXPECT_EQ(Correlate(yaml, {{1, "x"}, {2, "x"}, {3, "x"}}), "");
  EXPECT_EQ(Correlate(yaml, {{1, "x"}, {2, "x"}, {20, "x"}, {21, "x"}, {22, "x"}}), "c[eve]=ab");
  const std::string unequal = BaseRule("x") + CorrelationText(
                                                  "    type: event_count\n    rules: [x]\n"
                                                  "    timespan: 10s\n    condition: {neq: 2}\n");
  EXPECT_EQ(Correlate(unequal, {{1, "x"}, {2, "x"}}), "");
  EXPECT_EQ(Correlate(unequal, {{1, "x"}}), "c[]=a");
}

TEST(SigmaCorrelation, CountsValues) {
  const std::string yaml =
      BaseRule("x") + CorrelationText(
                          "    type: value_count\n    rules: [x]\n    group-by: [user]\n"
                          "    timespan: 1m\n    condition: {field: n, gte: 2}\n");
  EXPECT_EQ(Correlate(yaml, {{1, "x", "eve", "1"}, {2, "x", "eve", "1"}, {3, "x", "eve", "2"}}),
            "c[eve]=abc");
  EXPECT_EQ(Correlate(yaml, {{1, "x", "eve", "1"}, {2, "x", "eve", "1"}}), "");
  EXPECT_EQ(Correlate(yaml, {{1, "x", "eve", "1"}, {100, "x", "eve", "2"}}), "");
}

TEST(SigmaCorrelation, SumsAndAveragesValues) {
  const auto yaml = [](std::string_view type, std::string_view condition) {
    return BaseRule("x") + CorrelationText("    type: " + std::string(type) +
                                           "\n    rules: [x]\n    group-by: [user]\n"
                                           "    timespan: 1m\n    condition: {field: n, " +
                                           std::string(condition) + "}\n");
  };
  const std::vector<Step> steps = {
      {1, "x", "eve", "10"}, {2, "x", "eve", "20"}, {3, "x", "eve", "60"}};
  EXPECT_EQ(Correlate(yaml("value_sum", "gt: 80"), steps), "c[eve]=abc");
  EXPECT_EQ(Correlate(yaml("value_sum", "gt: 90"), steps), "");
  EXPECT_EQ(Correlate(yaml("value_avg", "gte: 30"), steps), "c[eve]=abc");
  EXPECT_EQ(Correlate(yaml("value_avg", "gt: 30"), steps), "");
  EXPECT_EQ(Correlate(yaml("value_avg", "lt: 31"), steps), "c[eve]=abc");
  EXPECT_EQ(Correlate(yaml("value_percentile", "percentile: 50, eq: 20"), steps), "c[eve]=abc");
  EXPECT_EQ(Correlate(yaml("value_percentile", "percentile: 95, gte: 60"), steps), "c[eve]=abc");
  EXPECT_EQ(Correlate(yaml("value_percentile", "percentile: 10, gt: 10"), steps), "");
}

TEST(SigmaCorrelation, FindsRulesNearEachOther) {
  const auto yaml = [](std::string_view type) {
    return BaseRule("x") + "---\n" + BaseRule("y") +
           CorrelationText("    type: " + std::string(type) +
                           "\n    rules: [x, y]\n    group-by: [user]\n    timespan: 10s\n");
  };
  EXPECT_EQ(Correlate(yaml("temporal"), {{1, "y"}, {5, "x"}}), "c[eve]=ab");
  EXPECT_EQ(Correlate(yaml("temporal"), {{1, "y"}, {5, "y"}}), "");
  EXPECT_EQ(Correlate(yaml("temporal"), {{1, "y"}, {12, "x"}}), "");
  EXPECT_EQ(Correlate(yaml("temporal"), {{1, "y"}, {5, "x", "bob"}}), "");
  EXPECT_EQ(Correlate(yaml("temporal_ordered"), {{1, "x"}, {5, "y"}}), "c[eve]=ab");
  EXPECT_EQ(Correlate(yaml("temporal_ordered"), {{1, "y"}, {5, "x"}}), "");
  EXPECT_EQ(Correlate(yaml("temporal_ordered"), {{1, "y"}, {5, "x"}, {7, "y"}}), "c[eve]=bc");
  EXPECT_EQ(Correlate(yaml("temporal_ordered"), {{1, "x"}, {12, "y"}}), "");
}

TEST(SigmaCorrelation, KnowsFieldsByAliases) {
  const std::string yaml =
      BaseRule("x") + "---\n" + BaseRule("y") +
      CorrelationText(
          "    type: temporal\n    rules: [x, y]\n    group-by: [who]\n    timespan: 10s\n"
          "    aliases:\n        who:\n            x: user\n            y: other\n");
  EXPECT_EQ(Correlate(yaml, {{1, "x", "eve"}, {2, "y", "bob", "1", "eve"}}), "c[eve]=ab");
  EXPECT_EQ(Correlate(yaml, {{1, "x", "eve"}, {2, "y", "eve", "1", "bob"}}), "");
}

// The example of the specification: many failures, then a success.
TEST(SigmaCorrelation, CanBeChained) {
  const std::string yaml =
      CorrelationText(
          "    type: temporal_ordered\n    rules: [many, ok]\n    group-by: [user]\n    timespan: "
          "10m\n",
          "both") +
      CorrelationText(
          "    type: event_count\n    rules: [failed]\n    group-by: [user]\n    timespan: 5m\n"
          "    condition: {gte: 2}\n",
          "many") +
      "---\n" + BaseRule("failed") + "---\n" + BaseRule("ok");
  EXPECT_EQ(Correlate(yaml, {{1, "failed"}, {2, "failed"}, {60, "ok"}}),
            "many[eve]=ab both[eve]=abc");
  EXPECT_EQ(Correlate(yaml, {{1, "failed"}, {2, "failed"}, {60, "ok", "bob"}}), "many[eve]=ab");
  EXPECT_EQ(Correlate(yaml, {{1, "failed"}, {60, "ok"}}), "");
  const TestEngine engine(yaml);
  EXPECT_TRUE(engine.engine->rules()[0].silent);
  EXPECT_EQ(engine.set.correlations.size(), 2U);
  EXPECT_TRUE(engine.set.correlations[0].silent);
  EXPECT_FALSE(engine.set.correlations[1].silent);
}

TEST(SigmaCorrelation, MayShowItsRulesToo) {
  const TestEngine engine(
      BaseRule("x") +
      CorrelationText("    type: event_count\n    rules: [x]\n    group-by: [user]\n"
                      "    timespan: 10s\n    condition: {gte: 3}\n    generate: true\n"));
  EXPECT_FALSE(engine.engine->rules()[0].silent);
}

TEST(SigmaCorrelation, RefusesWhatMakesNoSense) {
  const auto refused = [](std::string_view body) {
    return TestEngine(BaseRule("x") + CorrelationText(body)).refused();
  };
  EXPECT_THAT(refused("    type: guess\n    rules: [x]\n    timespan: 1s\n"),
              HasSubstr("unknown type of correlation guess"));
  EXPECT_THAT(refused("    type: temporal\n    rules: [x, z]\n    timespan: 1s\n"),
              HasSubstr("the rule z that it correlates is not there"));
  EXPECT_THAT(refused("    type: temporal\n    rules: [c]\n    timespan: 1s\n"),
              HasSubstr("the rule c that it correlates"));
  EXPECT_THAT(refused("    type: temporal\n    rules: [x]\n    timespan: soon\n"),
              HasSubstr("timespan"));
  EXPECT_THAT(refused("    type: event_count\n    rules: [x]\n    timespan: 1s\n"),
              HasSubstr("without a condition"));
  EXPECT_THAT(
      refused("    type: value_count\n    rules: [x]\n    timespan: 1s\n    condition: {gte: 2}\n"),
      HasSubstr("needs a field"));
  EXPECT_THAT(
      refused(
          "    type: event_count\n    rules: [x]\n    timespan: 1s\n    condition: {about: 2}\n"),
      HasSubstr("unknown word about"));
  EXPECT_THAT(refused("    type: temporal\n    timespan: 1s\n"), HasSubstr("without rules"));
}

TEST(SigmaCorrelation, ForgetsWhatIsTooMuch) {
  const TestEngine engine(
      BaseRule("x") + CorrelationText("    type: event_count\n    rules: [x]\n    timespan: 1d\n"
                                      "    condition: {gte: 1000000}\n"));
  size_t found = 0;
  Correlator correlator(engine.engine->rules(), engine.set.correlations,
                        [&](const Correlated&) { ++found; });
  const auto brief = std::make_shared<EventBrief>();
  const auto none = [](uint32_t, const std::string&) { return std::string(); };
  for (size_t i = 0; i <= limits::kMaxCorrelatedEvents; ++i)
    correlator.Add({0}, static_cast<int64_t>(i), brief, none);
  EXPECT_EQ(correlator.forgot(), limits::kMaxCorrelatedEvents);
  // Times as far from each other as they can be are no trouble.
  correlator.Add({0}, INT64_MAX, brief, none);
  correlator.Add({0}, INT64_MIN, brief, none);
  correlator.Finish();
  EXPECT_EQ(found, 0U);
}

}  // namespace
}  // namespace ekshume::detect::sigma
